"""The measurements behind benchmarks/run.

The server under test has core 0 for itself; the load (wrk) and the upstream
share core 1.  Contestants take turns within each round, so that a slow moment
of the machine hits all of them; a figure is the median over the rounds, a
ratio the median of the rounds' ratios.
"""

import argparse
import gzip
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tls

SERVER_CORE, LOAD_CORE = "0", "1"
HOST = "127.0.0.1"


def exposition():
    """About 57 KB in the form of node_exporter, the same on each run."""
    lines = []
    for cpu in range(8):
        for mode in ("idle", "iowait", "irq", "nice", "softirq", "steal",
                     "system", "user"):
            lines.append(f'node_cpu_seconds_total{{cpu="{cpu}",mode="{mode}"}}'
                         f" {cpu * 1234.56 + len(mode) * 98.7:.2f}")
    number = 0
    while sum(map(len, lines)) + len(lines) < 57_000:
        name = f"node_netstat_sample_{number:03d}"
        lines.append(f"# HELP {name} Statistic number {number}.")
        lines.append(f"# TYPE {name} untyped")
        for device in ("eth0", "lo"):
            value = (number * 2654435761 + len(device)) % 10 ** 9
            lines.append(f'{name}{{device="{device}"}} {value}')
        number += 1
    return ("\n".join(lines) + "\n").encode()


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def wait_for_port(port, process):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.02)
    raise SystemExit(f"{process.args} does not listen on {port}")


class Server:
    """A process on its core, and what the kernel knows of it."""

    def __init__(self, name, command, port=None, core=SERVER_CORE, log=None):
        self.name = name
        self.scheme = "https"
        self.log_path = log
        with open(log or os.devnull, "wb") as out:
            self.process = subprocess.Popen(
                ["taskset", "-c", core, *map(str, command)], stdout=out,
                stderr=subprocess.STDOUT)
        if port is None:
            port = self.logged_port()
        self.port = port
        wait_for_port(port, self.process)

    def logged_port(self, role="gate"):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            match = re.search(rf"role={role} address=\S+:(\d+)",
                              Path(self.log_path).read_text())
            if match:
                return int(match.group(1))
            time.sleep(0.02)
        raise SystemExit(Path(self.log_path).read_text())

    @property
    def proc(self):
        return Path(f"/proc/{self.process.pid}")

    def cpu_ns(self):
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in (self.proc / "task").iterdir())

    def voluntary_switches(self):
        total = 0
        for task in (self.proc / "task").iterdir():
            status = (task / "status").read_text()
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                                   status, re.MULTILINE).group(1))
        return total

    def memory_kib(self):
        rollup = (self.proc / "smaps_rollup").read_text()
        return tuple(int(re.search(rf"^{name}:\s+(\d+)", rollup,
                                   re.MULTILINE).group(1))
                     for name in ("Rss", "Pss", "Private_Dirty"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def to_us(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def load(server, seconds, connections, gzip_too=False, path="/metrics"):
    """Runs wrk; requests done and (p50, p99) in microseconds."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}",
               f"-d{seconds}s", "--latency", "-H",
               "Accept: text/plain;version=0.0.4"]
    if gzip_too:
        command += ["-H", "Accept-Encoding: gzip"]
    out = subprocess.run(
        [*command, f"{server.scheme}://{HOST}:{server.port}{path}"],
        capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"{server.name}: {out}")
    done = int(re.search(r"(\d+) requests in", out).group(1))
    times = [to_us(re.search(rf"^\s+{share}%\s+(\S+)", out,
                             re.MULTILINE).group(1)) for share in (50, 99)]
    return done, times


class Bench:
    def __init__(self, gate, folder, is_quick):
        self.gate = gate
        self.folder = folder
        self.is_quick = is_quick
        self.host, self.load_core = HOST, LOAD_CORE
        self.rounds = 2 if is_quick else 7
        self.seconds = 1 if is_quick else 3
        self.idle_seconds = 5 if is_quick else 60
        self.running = []
        self.body = exposition()
        self.cert = folder / "gate.crt"
        self.key = folder / "gate.key"
        self.make_certificate(self.cert, self.key)
        (folder / "haproxy.pem").write_bytes(
            self.cert.read_bytes() + self.key.read_bytes())

    @staticmethod
    def make_certificate(cert, key):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
             cert, "-days", "60", "-subj", "/CN=localhost", "-addext",
             f"subjectAltName=DNS:localhost,IP:{HOST}"],
            check=True, capture_output=True)

    def start(self, *arguments, **options):
        server = Server(*arguments, **options)
        self.running.append(server)
        return server

    def stop_all(self):
        while self.running:
            self.running.pop().stop()

    def nginx(self, name, server_lines, http_lines="", core=SERVER_CORE,
              connections=1024):
        port = free_port()
        home = self.folder / name
        (home / "logs").mkdir(parents=True, exist_ok=True)
        paths = "".join(f"{kind}_temp_path {home}/{kind};\n" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (home / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/logs/error.log crit;
worker_rlimit_nofile {connections + 500};
events {{ worker_connections {connections}; }}
http {{
access_log off;
sendfile on;
tcp_nodelay on;
keepalive_requests 1000000000;
keepalive_timeout 600s;
default_type "text/plain; version=0.0.4; charset=utf-8";
open_file_cache max=100 inactive=1h;
open_file_cache_valid 1h;
{paths}
{http_lines}
server {{
{server_lines.replace("PORT", str(port))}
}}
}}
""")
        return self.start(name, ["nginx", "-p", home, "-c",
                                 home / "nginx.conf"], port=port, core=core)

    def start_upstream(self):
        """Static files: the fastest exporter there can be."""
        root = self.folder / "root"
        root.mkdir(exist_ok=True)
        (root / "metrics").write_bytes(self.body)
        (root / "metrics.gz").write_bytes(gzip.compress(self.body, 1))
        upstream = self.nginx(
            "upstream", f"listen {HOST}:PORT;\nroot {root};\n"
            "gzip_static on;\ngzip_vary on;\netag off;", core=LOAD_CORE)
        upstream.scheme = "http"
        upstream.name = "direct"
        self.upstream = upstream

    def start_nginx(self, name, is_cached, connections=1024):
        zone = (f"proxy_cache_path {self.folder}/{name}/cache "
                "keys_zone=z:1m;\n") if is_cached else ""
        pool = (f"upstream exporter {{ server {HOST}:{self.upstream.port}; "
                "keepalive 8; keepalive_requests 1000000000; }\n")
        cache = ('proxy_cache z;\nproxy_cache_valid 200 1h;\n'
                 'proxy_cache_key "$uri$http_accept$http_accept_encoding";\n'
                 ) if is_cached else ""
        return self.nginx(name, f"""
listen {HOST}:PORT ssl;
ssl_certificate {self.cert};
ssl_certificate_key {self.key};
ssl_protocols TLSv1.2 TLSv1.3;
location / {{
proxy_pass http://exporter;
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_buffers 8 32k;
{cache}}}
""", zone + pool, connections=connections)

    def start_haproxy(self):
        port = free_port()
        path = self.folder / "haproxy.cfg"
        path.write_text(f"""
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 60s
    http-reuse always
frontend f
    bind {HOST}:{port} ssl crt {self.folder}/haproxy.pem alpn http/1.1
    default_backend b
backend b
    server s {HOST}:{self.upstream.port}
""")
        return self.start("haproxy", ["haproxy", "-db", "-f", path],
                          port=port)

    def start_gate(self, is_cached, pair=None):
        cert, key = pair or (self.cert, self.key)
        name = "gate-cached" if is_cached else "gate"
        cache = ("{ttl: 1h, once_per_scraper: false}" if is_cached
                 else "{ttl: 0s}")
        path = self.folder / f"{name}.yml"
        path.write_text(f"""
listen: ["{HOST}:0"]
admin: {{listen: "{HOST}:0"}}
tls_server_config: {{cert_file: {cert}, key_file: {key}}}
targets:
- name: node
  url: http://{HOST}:{self.upstream.port}/metrics
  cache: {cache}
""")
        return self.start("scrapegate", [self.gate, "serve", "--config",
                                         path],
                          log=str(self.folder / f"{name}.log"))

    def cpu_per_scrape(self):
        """Microseconds of CPU for a cached TLS scrape, kept alive."""
        rows = []
        gate, nginx = self.start_gate(True), self.start_nginx("cached", True)
        for coding in ("identity", "gzip"):
            is_gzip = coding == "gzip"
            results = {gate.name: [], nginx.name: []}
            for server in (gate, nginx):
                load(server, 1, 4, is_gzip)  # fills caches
            for _ in range(self.rounds):
                for server in (gate, nginx):
                    before = server.cpu_ns()
                    done, _ = load(server, self.seconds, 4, is_gzip)
                    spent = server.cpu_ns() - before
                    results[server.name].append(spent / 1000 / done)
            ratio = statistics.median(
                a / b for a, b in zip(results[gate.name],
                                      results[nginx.name]))
            rows.append((f"CPU per cached TLS scrape, {coding}",
                         f"{statistics.median(results[gate.name]):.1f} us",
                         "nginx proxy_cache "
                         f"{statistics.median(results[nginx.name]):.1f} us",
                         f"{ratio:.2f} of nginx"))
        for server in (gate, nginx):
            self.running.remove(server)
            server.stop()
        return rows

    def latency(self):
        """One scraper at a time, not cached: what stands in between adds."""
        servers = [self.upstream, self.start_gate(False),
                   self.start_nginx("plain", False), self.start_haproxy()]
        names = [server.name for server in servers]
        results = {name: ([], []) for name in names}
        for server in servers:
            load(server, 1, 1)
        for _ in range(self.rounds):
            for server in servers:
                _, times = load(server, self.seconds, 1)
                for kept, value in zip(results[server.name], times):
                    kept.append(value)
        median = {name: [statistics.median(each) for each in kept]
                  for name, kept in results.items()}
        direct = median["direct"]
        rows = []
        for place, label in ((0, "p50"), (1, "p99")):
            added = {name: median[name][place] - direct[place]
                     for name in names}
            rows.append((
                f"added latency of an uncached TLS scrape, {label} "
                f"(direct, plain: {direct[place]:.0f} us)",
                f"{added['scrapegate']:.0f} us",
                f"nginx proxy_pass {added['plain']:.0f} us, haproxy "
                f"{added['haproxy']:.0f} us",
                f"{added['scrapegate'] / added['plain']:.2f} of nginx"))
        return rows, servers

    def memory_and_idle(self):
        """After 10 000 gzip scrapes that all went to the exporter."""
        rows = []
        servers = [self.start_gate(False), self.start_nginx("memory", False)]
        found = []
        for server in servers:
            done = 0
            while done < 10_000:
                done += load(server, self.seconds, 2, True)[0]
            found.append(server.memory_kib())
        labels = ("RSS", "PSS", "private dirty")
        for place, label in enumerate(labels):
            gate, nginx = (each[place] for each in found)
            rows.append((f"{label} after 10 000 TLS scrapes, gzip",
                         f"{gate / 1024:.1f} MiB",
                         f"nginx, one process {nginx / 1024:.1f} MiB", ""))
        gate = servers[0]
        held = socket.create_connection((HOST, gate.port))
        time.sleep(1)  # what the load left behind settles
        before, cpu = gate.voluntary_switches(), gate.cpu_ns()
        time.sleep(self.idle_seconds)
        held_cpu = (gate.cpu_ns() - cpu) / 1e6
        wakeups = (gate.voluntary_switches() - before) * 60 / \
            self.idle_seconds
        held.close()
        rows.append((f"wake-ups per minute while idle, {self.idle_seconds} s",
                     f"{wakeups:.0f}", "",
                     f"{held_cpu:.2f} ms CPU in that time"))
        return rows


def machine():
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break

    def version(*command):
        result = subprocess.run(command, capture_output=True, text=True,
                                check=False)
        text = (result.stdout or result.stderr).splitlines()
        return text[0].strip() if text else command[0]
    return "\n".join([
        f"- {model}, {os.cpu_count()} cores, Linux {platform.release()}",
        f"- {version('nginx', '-v')}",
        f"- {re.sub(' http.*| - .*', '', version('haproxy', '-v'))}",
        f"- {version('openssl', 'version')}",
    ])


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/run")
    parser.add_argument("gate")
    parser.add_argument("--quick", action="store_true",
                        help="short rounds: shows that it runs, no more")
    options = parser.parse_args()
    if os.cpu_count() < 2:
        sys.exit("two cores are needed: one for the server, one for the load")
    folder = Path(tempfile.mkdtemp(prefix="scrapegate-bench-"))
    bench = Bench(os.path.abspath(options.gate), folder, options.quick)
    try:
        bench.start_upstream()
        rows = bench.cpu_per_scrape()
        latency_rows, servers = bench.latency()
        rows += latency_rows
        for server in servers[1:]:
            bench.running.remove(server)
            server.stop()
        rows += bench.memory_and_idle()
        rows += tls.handshakes(bench)
        rows += tls.idle_memory(bench)
        rows += tls.changes_under_load(bench, to_us)
    finally:
        bench.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    version = subprocess.run([bench.gate, "version"], capture_output=True,
                             text=True, check=False).stdout.splitlines()
    lines = [f"# {version[0] if version else 'scrapegate'}, measured "
             f"{time.strftime('%Y-%m-%d')}", "", machine(),
             f"- body {len(bench.body)} bytes, {bench.rounds} rounds of "
             f"{bench.seconds} s, server on core {SERVER_CORE}, load and "
             f"upstream on core {LOAD_CORE}", "",
             "| what | scrapegate | beside it, same run | |",
             "|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "latest.md").write_text(text)


if __name__ == "__main__":
    main()
