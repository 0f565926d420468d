"""What TLS costs, and what certificates and reloads cost that come in while
scrapers are at work."""

import http.client
import os
import re
import resource
import shutil
import ssl
import statistics
import subprocess
import threading
import time

from lab import middle, ratio
from load import to_us
from scraper import Scraper
from server import HOST, LOAD_CORE, Trouble
from table import at_most

IDLE_CONNECTIONS = 2_000
# What connections and rates a scrape interval of 15 s makes of thousands of
# targets is far below these.
KEPT, FRESH = 40, 20
PAUSE_MS = 55


def start_all(lab, role):
    """Caches in this role; whoever has no cache as it is."""
    servers, cells = lab.start_all(role)
    more, others = lab.start_all(
        "plain", ["exporter_exporter", "node_exporter"])
    return servers + more, {**cells, **others}


def full_handshake(lab, server, version):
    """The server's CPU in microseconds for each handshake of one client that
    never resumes."""
    before = server.cpu_ns()
    out = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), "openssl", "s_time", "-new",
         version, "-time", str(lab.seconds), "-connect",
         f"{HOST}:{server.port}"],
        capture_output=True, text=True, check=False).stdout
    match = re.search(r"(\d+) connections in (\d+) real seconds", out)
    if not match or match.group(1) == "0":
        raise Trouble("no handshakes")
    return (server.cpu_ns() - before) / 1000 / int(match.group(1))


def handshakes(lab, table):
    servers, absent = start_all(lab, "cached")
    for version, label in (("-tls1_3", "1.3"), ("-tls1_2", "1.2")):
        found = lab.in_rounds(
            servers, lambda each: full_handshake(lab, each, version),
            1 if lab.is_quick else 3)
        rates = middle(found, lambda cost: 1e6 / cost)
        costs = ratio(found)
        table.add(f"handshakes_{label}", "full handshakes a core can make, "
                  f"TLS {label}, ECDSA P-256", "1/s", {**rates, **absent},
                  1 / costs if costs else None)
    lab.stop(*servers)


def hold(server, count):
    """Connections that have scraped once and wait for the next time."""
    links = []
    for number in range(count):
        # More than one address: ports of one run out sooner.
        links.append(Scraper(server, "gzip",
                             source=(f"127.0.0.{2 + number % 4}", 0)))
        links[-1].scrape()
    return links


def memory_of_one(server, count):
    for link in hold(server, 50):
        link.close()
    before = server.memory_kib()[1]
    links = []
    try:
        links = hold(server, count)
        time.sleep(1)  # what the last answers left behind settles
        return (server.memory_kib()[1] - before) / count
    finally:
        for link in links:
            link.close()


def idle_memory(lab, table):
    """Memory (PSS) for each connection that is open and idle."""
    count = min(300 if lab.is_quick else IDLE_CONNECTIONS,
                resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    servers, cells = start_all(lab, "idle")
    for server in servers:
        try:
            # Who makes each answer anew is slow: fewer have to do.
            cells[server.name] = memory_of_one(
                server, count // 4 if server.name == "node_exporter"
                else count)
        except Trouble as trouble:
            cells[server.name] = trouble
        lab.stop(server)
    gate, nginx = cells.get("scrapegate"), cells.get("nginx")
    is_known = all(isinstance(each, float) for each in (gate, nginx))
    table.add("idle_connection", f"memory per idle TLS connection, {count} "
              "of them", "KiB", cells, gate / nginx if is_known else None,
              [at_most(16, gate, "KiB")])


class Scrapers:
    """wrk at about 1000 scrapes/s: two thirds of them on kept connections, a
    third on fresh ones."""

    def __init__(self, lab, server, seconds):
        script = lab.folder / "steady.lua"
        script.write_text(f"function delay() return {PAUSE_MS} end\n")
        self.runs = [subprocess.Popen(
            ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{count}",
             f"-d{seconds}s", "--latency", "-s", script, *extra, server.url],
            stdout=subprocess.PIPE, text=True)
            for count, extra in ((KEPT, []),
                                 (FRESH, ["-H", "Connection: close"]))]
        self.done = self.failed = 0
        self.p99 = []

    def results(self):
        for each in self.runs:
            out = each.communicate()[0]
            self.done += int(re.search(r"(\d+) requests in", out).group(1))
            self.p99.append(to_us(re.search(r"^\s+99%\s+(\S+)", out,
                                            re.MULTILINE).group(1)))
            match = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
            self.failed += int(match.group(1)) if match else 0
            match = re.search(r"Socket errors: connect (\d+), read (\d+), "
                              r"write (\d+), timeout (\d+)", out)
            if match:
                self.failed += sum(map(int, match.groups()))
        return self


class Volume:
    """A Kubernetes Secret volume: each swap makes a new folder, renames the
    symlink ..data over to it and removes the old folder at once."""

    def __init__(self, lab):
        self.home = lab.folder / "secret"
        self.home.mkdir()
        self.count = 0
        self.pairs = []
        for number in range(2):
            self.pairs.append(lab.make_certificate(f"swap{number}"))
        self.swap()
        for name in ("tls.crt", "tls.key"):
            (self.home / name).symlink_to(f"..data/{name}")

    def swap(self):
        """Makes the other pair the one that is there; its certificate."""
        cert, key = self.pairs[self.count % 2]
        self.count += 1
        made = self.home / f"..{self.count}"
        made.mkdir()
        shutil.copy(cert, made / "tls.crt")
        shutil.copy(key, made / "tls.key")
        link, fresh = self.home / "..data", self.home / "..data_tmp"
        old = os.readlink(link) if link.is_symlink() else None
        fresh.symlink_to(made.name)
        os.rename(fresh, link)
        if old:
            shutil.rmtree(self.home / old)
        return cert


def post_reload(host, port):
    link = http.client.HTTPConnection(host, port, timeout=60)
    link.request("POST", "/-/reload")
    answer = link.getresponse()
    text = answer.read()
    link.close()
    if answer.status != 200:
        raise SystemExit(f"reload: {text.decode()}")


def change(lab, gate, volume, swaps, reloads, seconds):
    """Spreads swaps and reloads over this time."""
    admin = gate.logged_port("admin")
    started = time.monotonic()
    for number in range(1, swaps + 1):
        volume.swap()
        if number * reloads // swaps > (number - 1) * reloads // swaps:
            post_reload(HOST, admin)
        ahead = started + seconds * number / swaps - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)


def served_after(lab, gate, volume):
    """Seconds until a new connection gets what was swapped in."""
    expected = ssl.PEM_cert_to_DER_cert(volume.swap().read_text())
    started = time.monotonic()
    while ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(
            (HOST, gate.port))) != expected:
        if time.monotonic() - started > 60:
            raise SystemExit("a new certificate is not served")
        time.sleep(0.01)
    return time.monotonic() - started


def changes_under_load(lab, table):
    swaps, reloads, seconds = (50, 10, 4) if lab.is_quick else (
        1000, 100, 60)
    volume = Volume(lab)
    gate = lab.start("scrapegate", "plain", pair=(volume.home / "tls.crt",
                                                  volume.home / "tls.key"))
    calm = Scrapers(lab, gate, seconds // 3).results()
    busy = Scrapers(lab, gate, seconds)
    changer = threading.Thread(target=change, args=(
        lab, gate, volume, swaps, reloads, seconds - 1), daemon=True)
    changer.start()
    busy.results()
    changer.join()
    soon = [served_after(lab, gate, volume)
            for _ in range(1 if lab.is_quick else 5)]
    lab.stop(gate)
    what = f"{swaps} certificate swaps and {reloads} reloads"
    table.add("changes_failed", f"failed of {busy.done} scrapes "
              f"({busy.done / seconds:.0f}/s) during {what} (without: "
              f"{calm.failed})", "scrapes", {"scrapegate": busy.failed},
              promises=[at_most(0, busy.failed, "failed")])
    for place, kind in enumerate(("kept-alive", "fresh")):
        table.add(f"changes_p99_{kind}", f"p99 of {kind} connections "
                  f"meanwhile (without: {calm.p99[place] / 1000:.2f})", "ms",
                  {"scrapegate": busy.p99[place] / 1000})
    table.add("changes_soon", "a swapped certificate is served after", "s",
              {"scrapegate": statistics.median(soon)})


def run(lab, table):
    handshakes(lab, table)
    idle_memory(lab, table)
    changes_under_load(lab, table)
