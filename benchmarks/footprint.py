"""How little there is: memory, size, start, the bill of one pod."""

import re
import shutil
import statistics
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from cached import check
from load import load
from peers import PEERS
from scraper import Scraper
from server import HOST, Trouble
from table import at_most

SCRAPES_PER_MINUTE = 4


def memory(lab, table):
    """After 10 000 scrapes; of several processes, the sum."""
    wanted = 300 if lab.is_quick else 10_000
    servers, cells = lab.start_all("plain")
    rss, pss = dict(cells), dict(cells)
    for server in servers:
        done = 0
        try:
            while done < wanted:
                done += load(server, lab.seconds, 2, True).done
            kib = server.memory_kib()
        except Trouble as trouble:
            rss[server.name] = pss[server.name] = trouble
            continue
        rss[server.name], pss[server.name] = (each / 1024 for each in kib)
    lab.stop(*servers)
    what = f"after {wanted} uncached TLS scrapes, gzip"
    table.add("rss", f"RSS {what}", "MiB", rss,
              promises=[at_most(6, rss.get("scrapegate"), "MiB")])
    table.add("pss", f"PSS {what}", "MiB", pss)


def size_with_libraries(program):
    """Bytes of a program and of the libraries that it needs."""
    paths = {Path(shutil.which(program)).resolve()}
    out = subprocess.run(["ldd", *paths], capture_output=True, text=True,
                         check=False).stdout
    paths |= {Path(path).resolve()
              for path in re.findall(r"(/\S+) \(0x", out)}
    return sum(path.stat().st_size for path in paths)


def sizes(lab, table):
    cells = {}
    for name, start in PEERS.items():
        programs = start.programs or ["scrapegate"]
        paths = [lab.programs.get(each, each) for each in programs]
        if all(map(shutil.which, paths)):
            cells[name] = sum(map(size_with_libraries, paths)) / 2 ** 20
    table.add("size", "program and the libraries it needs", "MiB", cells,
              promises=[at_most(8, cells.get("scrapegate"), "MiB")])


def start_time(lab, table):
    """From the start of the process to the first connection, and to the first
    whole answer over TLS."""
    accepted, answered = {}, {}
    for name, start in PEERS.items():
        if "plain" not in start.roles:
            continue
        times, doors = [], []
        try:
            for _ in range(1 if lab.is_quick else 9):
                server = lab.start(name, "plain")
                scraper = Scraper(server, "gzip")
                scraper.scrape()
                times.append((time.monotonic() - server.started) * 1000)
                doors.append(server.accepts_after * 1000)
                scraper.close()
                lab.stop(server)
            accepted[name] = statistics.median(doors)
            answered[name] = statistics.median(times)
        except Trouble as trouble:
            accepted[name] = answered[name] = trouble
    table.add("start", "start to the first accepted connection", "ms",
              accepted,
              promises=[at_most(30, accepted.get("scrapegate"), "ms")])
    table.add("start_scrape", "start to the first answered TLS scrape", "ms",
              answered)


def scrape_steadily(scraper, count, pause, failed):
    ahead = time.monotonic()
    for _ in range(count):
        try:
            scraper.scrape()
        except Trouble as trouble:
            failed.append(trouble)
            return
        ahead += pause
        time.sleep(max(0, ahead - time.monotonic()))


def pod(lab, table):
    """The bill: uncached gzip scrapes at 4 a second, all contestants side by
    side, so that none has the core's caches for itself; then nothing."""
    count = 12 if lab.is_quick else 240
    servers, cells = lab.start_all("gzip")
    more, others = lab.start_all(
        "plain", ["exporter_exporter", "node_exporter"])
    servers += more
    cells.update(others)
    kept, threads = {}, []
    for server in servers:
        try:
            if server.name not in ("exporter_exporter", "node_exporter"):
                check(lab, server, "gzip")
            kept[server.name] = Scraper(server, "gzip")
            kept[server.name].scrapes(2)
        except Trouble as trouble:
            cells[server.name] = trouble
    servers = [each for each in servers if each.name in kept]
    before = {each.name: each.cpu_ns() for each in servers}
    failed = {each.name: [] for each in servers}
    for name, scraper in kept.items():
        threads.append(threading.Thread(target=scrape_steadily, args=(
            scraper, count, 0.25, failed[name]), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()
    each_cpu, bill = dict(cells), dict(cells)
    for server in servers:
        if failed[server.name]:
            each_cpu[server.name] = bill[server.name] = \
                failed[server.name][0]
            continue
        spent = (server.cpu_ns() - before[server.name]) / 1000 / count
        each_cpu[server.name] = spent
        # µs in a minute to thousandths of a core.
        bill[server.name] = spent * SCRAPES_PER_MINUTE / 60 / 1000
    table.add("pod_cpu", "CPU per uncached gzip TLS scrape, 4 a second",
              "µs", each_cpu)
    table.add("pod", f"one pod: {SCRAPES_PER_MINUTE} such scrapes a minute",
              "millicores", bill,
              promises=[at_most(0.5, bill.get("scrapegate"), "millicores")])
    idle(lab, table, servers, cells)
    series(table, servers)
    for scraper in kept.values():
        scraper.close()
    lab.stop(*servers)


def idle(lab, table, servers, absent):
    """Connections stay open meanwhile."""
    seconds = 3 if lab.is_quick else 60
    time.sleep(0 if lab.is_quick else 5)
    before = {each.name: (each.wakeups(), each.cpu_ns()) for each in servers}
    time.sleep(seconds)
    woken = {**absent, **{
        each.name: (each.wakeups() - before[each.name][0]) * 60 / seconds
        for each in servers}}
    spent = {**absent, **{
        each.name: (each.cpu_ns() - before[each.name][1]) / 1e6 / seconds
        for each in servers}}
    table.add("idle_wakeups", f"wake-ups while idle, over {seconds} s",
              "1/min", woken,
              promises=[at_most(0, woken.get("scrapegate"), "a minute")])
    table.add("idle_cpu", "CPU while idle", "millicores", spent)


def series(table, servers):
    """What one more pod adds to Prometheus itself."""
    for server in servers:
        if server.name == "scrapegate":
            url = (f"http://{HOST}:{server.logged_port('admin')}/metrics")
            with urllib.request.urlopen(url) as answer:
                count = sum(1 for line in answer.read().splitlines()
                            if line and not line.startswith(b"#"))
            table.add("series", "own series, one target", "series",
                      {"scrapegate": count},
                      promises=[at_most(60, count, "series")])


def run(lab, table):
    sizes(lab, table)
    start_time(lab, table)
    memory(lab, table)
    pod(lab, table)
