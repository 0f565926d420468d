"""What TLS costs, and what certificates and reloads cost that come in while
scrapers are at work.  Part of benchmarks/run; `bench` is bench.Bench."""

import http.client
import os
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import threading
import time

# What connections and rates a scrape interval of 15 s makes of thousands of
# targets is far below these.
IDLE_CONNECTIONS = 10_000
KEPT, FRESH = 40, 20
PAUSE_MS = 55


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def stop(bench, *servers):
    for server in servers:
        bench.running.remove(server)
        server.stop()


def full_handshakes(bench, server, version):
    """Handshakes in a second, of one client that never resumes, and the
    server's CPU for each in microseconds."""
    before = server.cpu_ns()
    out = subprocess.run(
        ["taskset", "-c", bench.load_core, "openssl", "s_time", "-new",
         version, "-time", str(bench.seconds), "-connect",
         f"{bench.host}:{server.port}"],
        capture_output=True, text=True, check=True).stdout
    spent = server.cpu_ns() - before
    done, seconds = re.search(r"(\d+) connections in (\d+) real seconds",
                              out).groups()
    return int(done) / int(seconds), spent / 1000 / int(done)


def handshakes(bench):
    rows = []
    gate, nginx = bench.start_gate(False), bench.start_nginx("hands", False)
    for version, label in (("-tls1_3", "1.3"), ("-tls1_2", "1.2")):
        rates = {gate.name: [], nginx.name: []}
        costs = {gate.name: [], nginx.name: []}
        for _ in range(bench.rounds):
            for server in (gate, nginx):
                rate, cost = full_handshakes(bench, server, version)
                rates[server.name].append(rate)
                costs[server.name].append(cost)
        middle = {name: (statistics.median(rates[name]),
                         statistics.median(costs[name])) for name in rates}

        def shown(server):
            rate, cost = middle[server.name]
            return (f"{1e6 / cost:.0f}/s ({cost:.0f} us of CPU each; one "
                    f"client made {rate:.0f}/s)")
        ratio = statistics.median(
            b / a for a, b in zip(costs[gate.name], costs[nginx.name]))
        rows.append((f"full handshakes per core, TLS {label}, ECDSA P-256",
                     shown(gate), f"nginx {shown(nginx)}",
                     f"{ratio:.2f} of nginx"))
    stop(bench, gate, nginx)
    return rows


def open_idle(server, host, count):
    """Connections that have scraped once and wait for the next time."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    links = []
    for number in range(count):
        # More than one address: ports of one run out sooner.
        source = (f"127.0.0.{2 + number % 4}", 0)
        link = context.wrap_socket(socket.create_connection(
            (host, server.port), 60, source))
        link.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = http.client.HTTPResponse(link)
        answer.begin()
        answer.read()
        links.append(link)
    return links


def idle_memory(bench):
    """Private memory for each connection that is open and idle."""
    count = min(IDLE_CONNECTIONS, raise_file_limit() - 200)
    if bench.is_quick:
        count = min(count, 1000)
    gate = bench.start_gate(True)
    nginx = bench.start_nginx("idle", True, connections=count + 500)
    found = []
    for server in (gate, nginx):
        for link in open_idle(server, bench.host, 50):
            link.close()
        before = server.memory_kib()[0]
        links = open_idle(server, bench.host, count)
        time.sleep(1)  # what the last answers left behind settles
        found.append((server.memory_kib()[0] - before) / count)
        for link in links:
            link.close()
    stop(bench, gate, nginx)
    return [(f"memory per idle TLS connection, {count} of them",
             f"{found[0]:.1f} KiB", f"nginx {found[1]:.1f} KiB",
             f"{found[0] / found[1]:.2f} of nginx")]


class Scrapers:
    """wrk at about 1000 scrapes/s: two thirds of them on kept connections, a
    third on fresh ones."""

    def __init__(self, bench, server, seconds):
        script = bench.folder / "steady.lua"
        script.write_text(f"function delay() return {PAUSE_MS} end\n")
        url = f"https://{bench.host}:{server.port}/metrics"
        self.runs = [subprocess.Popen(
            ["taskset", "-c", bench.load_core, "wrk", "-t1", f"-c{count}",
             f"-d{seconds}s", "--latency", "-s", script, *extra, url],
            stdout=subprocess.PIPE, text=True)
            for count, extra in ((KEPT, []),
                                 (FRESH, ["-H", "Connection: close"]))]
        self.done = self.failed = 0
        self.p99 = []

    def results(self, to_us):
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

    def __init__(self, bench):
        self.bench = bench
        self.home = bench.folder / "secret"
        self.home.mkdir()
        self.count = 0
        self.pairs = []
        for number in range(2):
            cert, key = (bench.folder / f"swap{number}.{kind}"
                         for kind in ("crt", "key"))
            bench.make_certificate(cert, key)
            self.pairs.append((cert, key))
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


def change(bench, gate, volume, swaps, reloads, seconds):
    """Spreads swaps and reloads over this time."""
    admin = gate.logged_port("admin")
    started = time.monotonic()
    for number in range(1, swaps + 1):
        volume.swap()
        if number * reloads // swaps > (number - 1) * reloads // swaps:
            post_reload(bench.host, admin)
        ahead = started + seconds * number / swaps - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)


def served_after(bench, gate, volume):
    """Seconds until a new connection gets what was swapped in."""
    expected = ssl.PEM_cert_to_DER_cert(volume.swap().read_text())
    started = time.monotonic()
    while ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(
            (bench.host, gate.port))) != expected:
        if time.monotonic() - started > 60:
            raise SystemExit("a new certificate is not served")
        time.sleep(0.01)
    return time.monotonic() - started


def changes_under_load(bench, to_us):
    swaps, reloads, seconds = (50, 10, 6) if bench.is_quick else (
        1000, 100, 60)
    volume = Volume(bench)
    gate = bench.start_gate(False, pair=(volume.home / "tls.crt",
                                         volume.home / "tls.key"))
    Scrapers(bench, gate, 1).results(to_us)
    calm = Scrapers(bench, gate, seconds).results(to_us)
    busy = Scrapers(bench, gate, seconds)
    changer = threading.Thread(target=change, args=(
        bench, gate, volume, swaps, reloads, seconds - 1), daemon=True)
    changer.start()
    busy.results(to_us)
    changer.join()
    soon = [served_after(bench, gate, volume) for _ in range(5)]
    stop(bench, gate)
    rows = [(
        f"failed of {busy.done} scrapes ({busy.done / seconds:.0f}/s) during "
        f"{swaps} certificate swaps and {reloads} reloads",
        f"{busy.failed}", f"without changes {calm.failed}", "")]
    for place, kind in enumerate(("kept-alive", "fresh")):
        rows.append((
            f"p99 of {kind} connections meanwhile",
            f"{busy.p99[place] / 1000:.2f} ms",
            f"without changes {calm.p99[place] / 1000:.2f} ms",
            f"{busy.p99[place] / calm.p99[place]:.2f} of that"))
    rows.append(("a swapped certificate is served after",
                 f"{statistics.median(soon):.2f} s", "",
                 f"at most {max(soon):.2f} s"))
    return rows
