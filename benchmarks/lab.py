"""Where the contestants run: a folder, a certificate, the exporter."""

import gzip
import shutil
import statistics
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import peers
from server import ENVIRONMENT, HOST, LOAD_CORE, Server, Trouble

ABSENT = {
    "exporter_exporter": "no Go here that could build it",
}


class Lab:
    def __init__(self, programs, body, is_quick=False, rounds=7):
        """Programs: paths of scrapegate and of what is built beside it; the
        others are found by name."""
        self.programs = programs
        self.body = body
        self.is_quick = is_quick
        self.rounds = 1 if is_quick else rounds
        self.seconds = 1 if is_quick else 2
        self.running = []
        self.folder = Path(tempfile.mkdtemp(prefix="scrapegate-bench-"))
        # Some contestants leave root's rights behind.
        self.folder.chmod(0o755)
        self.root = self.folder / "root"
        self.root.mkdir()
        self.cert, self.key = self.make_certificate("gate")
        self.pem = self.folder / "gate.pem"
        self.pem.write_bytes(self.cert.read_bytes() + self.key.read_bytes())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(*self.running)
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_certificate(self, name):
        cert, key = (self.folder / f"{name}.{kind}" for kind in ("crt", "key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
             cert, "-days", "60", "-subj", "/CN=localhost", "-addext",
             f"subjectAltName=DNS:localhost,IP:{HOST}"],
            check=True, capture_output=True, env=ENVIRONMENT)
        return cert, key

    def run(self, name, *commands, **options):
        options.setdefault("log", self.folder / f"{name}.log")
        server = Server(name, *commands, **options)
        self.running.append(server)
        return server

    def stop(self, *servers):
        for server in reversed(servers):
            self.running.remove(server)
            server.stop()

    def start_exporter(self):
        """Static files: the fastest exporter there can be.  On a port of its
        own it has no gzip, on another one it speaks TLS."""
        (self.root / "metrics").write_bytes(self.body)
        (self.root / "metrics.gz").write_bytes(gzip.compress(self.body, 1))
        self.exporter = peers.start_exporter(self, core=LOAD_CORE)

    def exporter_requests(self):
        """How many scrapes the exporter has seen."""
        url = f"http://{HOST}:{self.exporter.port}/requests"
        with urllib.request.urlopen(url) as answer:
            return int(answer.read().split()[9])

    def start(self, name, role, **options):
        """A contestant in a role of peers.py; None if it has none such."""
        start = peers.PEERS[name]
        if role not in start.roles:
            return None
        for program in start.programs:
            if not shutil.which(self.programs.get(program, program)):
                raise Trouble(ABSENT.get(program, f"no {program} here"))
        return start(self, role, **options)

    def start_all(self, role, names=None):
        """Those that can be started, and why the others cannot."""
        servers, cells = [], {}
        for name in names or peers.PEERS:
            try:
                server = self.start(name, role)
            except Trouble as trouble:
                cells[name] = trouble
                continue
            if server:
                servers.append(server)
        return servers, cells

    def in_rounds(self, servers, measure, rounds=None):
        """What measure says of each server, round by round, one server after
        the other in each; one that fails is out."""
        found = {server.name: [] for server in servers}
        for _ in range(rounds or self.rounds):
            for server in servers:
                kept = found[server.name]
                if isinstance(kept, Trouble):
                    continue
                try:
                    kept.append(measure(server))
                except Trouble as trouble:
                    found[server.name] = trouble
        return found


def middle(found, pick=lambda value: value):
    """Medians of what in_rounds found."""
    return {name: kept if isinstance(kept, Trouble) else
            statistics.median(map(pick, kept))
            for name, kept in found.items()}


def ratio(found, pick=lambda value: value, to="nginx"):
    """Median of the rounds' ratios of scrapegate to that one."""
    pair = found.get("scrapegate"), found.get(to)
    if any(not kept or isinstance(kept, Trouble) for kept in pair):
        return None
    return statistics.median(pick(a) / pick(b) for a, b in zip(*pair))
