"""The measurements behind benchmarks/auth: CPU of a cached TLS scrape by how
its scraper logs in, and good scrapes while others guess.

The server has core 0 for itself, the load and the Kubernetes stand-in share
core 1; while others guess, the server may use both, and the guessers give way
to the good scrapers, whose times would be theirs otherwise.  Ways take turns
within each round; a figure is the median over the rounds, a difference the
median of the rounds' differences.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import ssl
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "blackbox"))

import certs  # noqa: E402
from body import node_exporter_body  # noqa: E402
from jwts import AUDIENCE, ISSUER, Issuer  # noqa: E402
from kube_api import KubeApi  # noqa: E402
from lab import Lab  # noqa: E402
from load import to_us  # noqa: E402
from server import HOST, LOAD_CORE, SERVER_CORE  # noqa: E402
from table import conditions_of  # noqa: E402
from wire import Connection, client_context, request_bytes  # noqa: E402

BOTH = {SERVER_CORE, LOAD_CORE}
PASSWORD = "correct horse"
# Of that password, at the cost that hash-password has.
COST = 12
USER = "spiffe://bench.example/prometheus"
UNLIMITED = {"failed_logins_per_address": 0, "failed_logins_per_user": 0}


class Auth:
    def __init__(self, gate, lab):
        self.gate, self.lab = gate, lab
        self.folder = folder = lab.folder
        is_quick = lab.is_quick
        self.rounds = 3 if is_quick else 11
        self.guess_rounds = 1 if is_quick else 5
        self.count = 400 if is_quick else 3000
        self.seconds = 2 if is_quick else 8
        self.authority = certs.Authority(folder)
        self.pair = self.authority.issue("gate")
        self.client = self.authority.issue("client", (USER,), usage="client")
        self.issuer = Issuer()
        self.jwks = self.issuer.write(folder / "jwks")
        self.tokens = folder / "tokens"
        digest = hashlib.sha256(b"bench-token").hexdigest()
        self.tokens.write_text(f"prometheus {digest} scrapers\n")
        self.api = KubeApi(self.authority, folder)
        self.api.add("sa-token", "prom", ["a", "b"], paths=["/metrics"])
        self.hash = subprocess.run(
            [gate, "hash-password"], input=PASSWORD, capture_output=True,
            text=True, check=True).stdout.strip()

    def start(self, name, auth=None, users=None, core=SERVER_CORE):
        block = {"cert_file": self.pair.cert_file,
                 "key_file": self.pair.key_file}
        if auth and "client_certificate" in auth:
            block.update(client_ca_file=self.authority.ca_file,
                         client_auth_type="RequireAndVerifyClientCert")
        config = {
            "listen": [f"{HOST}:0"], "admin": {"listen": f"{HOST}:0"},
            "tls_server_config": block, "basic_auth_users": users or {},
            "targets": [{"name": "node", "cache": {
                "ttl": "1h", "once_per_scraper": False},
                "url": f"http://{HOST}:{self.lab.exporter.port}/metrics"}]}
        if auth is not None:
            config["auth"] = auth
        path = self.folder / f"{name}.yml"
        path.write_text(json.dumps(config))  # which is YAML
        return self.lab.run(
            name, [self.gate, "serve", "--config", path], core=core)

    # What a login costs.

    def ways(self):
        """Name, configuration, its users and what the scraper sends."""
        pair = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
        ten = [{"paths": [f"/metrics/{number}"], "users": [f"u{number}"],
                "networks": ["10.0.0.0/8"]} for number in range(9)]
        return [
            ("open", None, None, None),
            ("basic", {}, {"alice": self.hash}, f"Basic {pair}"),
            ("bearer token", {"bearer_tokens_file": str(self.tokens)}, None,
             "Bearer bench-token"),
            ("JWT (ES256)", {"jwt": {
                "issuer": ISSUER, "audiences": [AUDIENCE],
                "jwks_file": self.jwks}}, None,
             f"Bearer {self.issuer.token()}"),
            ("TokenReview and SubjectAccessReview",
             {"kubernetes": {**self.api.config(access_review=True)[
                 "kubernetes"], "cache_allowed": "1h"}}, None,
             "Bearer sa-token"),
            ("client certificate and 10 rules", {
                "client_certificate": {}, "rules": [
                    *ten, {"users": [USER], "paths": ["/metrics"]}]},
             None, None)]

    def open_links(self, server, header):
        context = client_context(self.authority.ca_file)
        context.load_cert_chain(self.client.cert_file, self.client.key_file)
        headers = {"Accept": "text/plain;version=0.0.4"}
        if header:
            headers["Authorization"] = header
        links = [Connection((HOST, server.port), context) for _ in range(4)]
        return links, request_bytes(headers=headers)

    def scrape(self, links, request, count):
        """So many, one at a time on each connection."""
        for _ in range(count // len(links)):
            for link in links:
                link.send(request)
            for link in links:
                answer = link.answer()
                if answer.status != 200:
                    raise SystemExit(answer.status_line)

    def costs(self):
        runs = []
        for name, auth, users, header in self.ways():
            server = self.start(re.sub(r"\W+", "-", name), auth, users)
            links, request = self.open_links(server, header)
            self.scrape(links, request, 200)
            runs.append((name, server, links, request, []))
        asked = self.api.count()
        for _ in range(self.rounds):
            for _, server, links, request, found in runs:
                before = server.cpu_ns()
                self.scrape(links, request, self.count)
                found.append((server.cpu_ns() - before) / 1000 / self.count)
        if self.api.count() != asked:
            raise SystemExit("the API was asked in the middle of it")
        plain = runs[0][4]
        rows = []
        for name, server, links, _, found in runs:
            extra = statistics.median(a - b for a, b in zip(found, plain))
            rows.append((f"CPU per cached TLS scrape, {name}",
                         f"{statistics.median(found):.1f} us",
                         "" if found is plain else
                         f"{extra:+.1f} us (promise: at most +5)"))
            for link in links:
                link.close()
            self.lab.stop(server)
        return rows

    # What guessers cost.

    def good_scrapes(self, server, header):
        """p99 of about 400 a second, in microseconds, from wrk."""
        script = self.folder / "paced.lua"
        script.write_text("function delay() return 10 end\n")
        out = subprocess.run(
            ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", "-c4",
             f"-d{self.seconds}s", "--latency", "-s", script, "-H",
             f"Authorization: {header}",
             f"https://{HOST}:{server.port}/metrics"],
            capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in out or "Socket errors" in out:
            raise SystemExit(f"good scrapes failed: {out}")
        return to_us(re.search(r"^\s+99%\s+(\S+)", out,
                               re.MULTILINE).group(1))

    def guessed(self, server, header, kind, rate):
        """p99 without and with guessers, the server's CPU and statuses.  Who
        waits for a check guesses no more, so fewer come than `rate`."""
        calm, busy, cores, statuses = [], [], [], {}
        for _ in range(self.guess_rounds):
            calm.append(self.good_scrapes(server, header))
            guesser = subprocess.Popen(
                ["nice", "-n", "19", "taskset", "-c",
                 str(LOAD_CORE), sys.executable, HERE / "guesser.py", str(server.port), kind,
                 str(rate), str(self.seconds + 1)],
                stdout=subprocess.PIPE, text=True)
            time.sleep(0.5)
            before, begun = server.cpu_ns(), time.monotonic()
            busy.append(self.good_scrapes(server, header))
            cores.append((server.cpu_ns() - before) / 1e9 /
                         (time.monotonic() - begun))
            for status, count in json.loads(
                    guesser.communicate()[0]).items():
                statuses[status] = statuses.get(status, 0) + count
        done = sum(statuses.values()) / len(calm) / (self.seconds + 1)
        return (statistics.median(calm), statistics.median(busy),
                statistics.median(b / a for a, b in zip(calm, busy)),
                statistics.median(cores), done,
                ", ".join(f"{count} times {status}"
                          for status, count in sorted(statuses.items())))

    def bad_tokens(self):
        """Each asked about at the API, had it its way."""
        server = self.start("review", {**UNLIMITED, **self.api.config()},
                            core=BOTH)
        asked = len(self.api.requests)
        calm, busy, ratio, cores, rate, said = self.guessed(
            server, "Bearer sa-token", "bearer", 1500)
        self.lab.stop(server)
        times = sorted(each[0] for each in self.api.requests[asked:])
        busiest = max(sum(1 for other in times[at:at + 50]
                          if other < when + 1)
                      for at, when in enumerate(times))
        return [(f"{rate:.0f} bad tokens a second ({said}): API requests",
                 f"{busiest} in the busiest second", "(promise: at most 10)"),
                ("p99 of good scrapes meanwhile", f"{busy / 1000:.2f} ms",
                 f"{ratio:.2f} of {calm / 1000:.2f} ms (promise: at most 2)"),
                ("CPU meanwhile", f"{cores:.2f} cores", "")]

    def bad_passwords(self, core, where):
        server = self.start("password-" + where.replace(" ", "-"), {**UNLIMITED},
                            {"alice": self.hash}, core)
        pair = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
        links, request = self.open_links(server, f"Basic {pair}")
        self.scrape(links, request, 4)
        calm, busy, ratio, cores, rate, said = self.guessed(
            server, f"Basic {pair}", "basic", 280)
        self.lab.stop(server)
        return [(f"{rate:.0f} wrong passwords a second, bcrypt cost {COST}, "
                 f"8 addresses, {where} ({said}): CPU", f"{cores:.2f} cores",
                 "(promise: at most 1)"),
                ("p99 of good scrapes meanwhile", f"{busy / 1000:.2f} ms",
                 f"{ratio:.2f} of {calm / 1000:.2f} ms (promise: at most 2)")]


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/auth")
    parser.add_argument("gate")
    parser.add_argument("--quick", action="store_true",
                        help="short rounds: shows that it runs, no more")
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    gate = os.path.abspath(options.gate)
    with Lab({"scrapegate": gate, "exporter_exporter": ""},
             node_exporter_body(), options.quick) as lab:
        lab.start_exporter()
        auth = Auth(gate, lab)
        try:
            rows = auth.costs()
            rows += auth.bad_tokens()
            rows += auth.bad_passwords(BOTH, "two cores")
            rows += auth.bad_passwords(SERVER_CORE, "one core for all of it")
        finally:
            auth.api.stop()
        machine = conditions_of(lab)["lines"]
    lines = [f"# Authentication, measured {time.strftime('%Y-%m-%d')}", "",
             *(f"- {line}" for line in machine), f"- {ssl.OPENSSL_VERSION} in the load",
             f"- body {len(auth.lab.body)} bytes, {auth.rounds} rounds of "
             f"{auth.count} scrapes on 4 connections, or "
             f"{auth.guess_rounds} of {auth.seconds} s", "",
             "| what | scrapegate | |", "|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "auth.md").write_text(text)


if __name__ == "__main__":
    main()
