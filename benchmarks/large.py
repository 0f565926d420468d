"""An exposition of 200 MB, as kube-state-metrics has it in a large cluster."""

import hashlib
import subprocess
from types import SimpleNamespace

from body import write_large_body
from lab import middle, ratio
from server import LOAD_CORE, Trouble
from table import at_most

NAMES = ["scrapegate", "nginx", "haproxy", "hitch + varnish",
         "exporter_exporter"]
# What the gate gets where it cannot do with the memory it has by default.
MUCH_MEMORY = "memory_budget: 1GB"


def curl(server, coding, wanted, output="/dev/null"):
    return ["taskset", "-c", str(LOAD_CORE), "curl", "-sk", "-o", output,
            "-H", f"Accept-Encoding: {coding}",
            "-H", "X-Prometheus-Scrape-Timeout-Seconds: 60",
            "-w", "%{stderr}%{http_code} %header{content-encoding}"
            f" {wanted}", server.url]


def fetch(server, coding):
    """Seconds to the last byte, and how far the memory went above what it was
    before the first of them."""
    server.forget_peak()
    out = subprocess.run(curl(server, coding, "%{time_total}"),
                         capture_output=True, text=True, check=False)
    status, *_, seconds = out.stderr.split()
    if out.returncode or status != "200":
        raise Trouble(f"answers {status}; curl says {out.returncode}")
    return SimpleNamespace(seconds=float(seconds),
                           peak=(server.peak_kib() - server.idle_kib) / 1024)


def digest_of(pipe):
    seen = hashlib.sha256()
    while piece := pipe.read(1 << 20):
        seen.update(piece)
    return seen.hexdigest()


def check(server, coding, digest):
    """The bytes themselves, once."""
    server.idle_kib = server.memory_kib()[0]
    command = curl(server, coding, "%header{x-scrapegate-reason}", "-")
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=False) as source:
        if coding == "gzip":
            with subprocess.Popen(
                    ["gzip", "-dc"], stdin=source.stdout,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL) as inflate:
                source.stdout.close()  # gzip's alone: curl sees it end
                seen = digest_of(inflate.stdout)
        else:
            seen = digest_of(source.stdout)
        said = source.stderr.read().decode()
    if not said.startswith("200 "):
        raise Trouble(f"answers {' '.join(said.split())}")
    if coding == "gzip" and "gzip" not in said:
        raise Trouble("answers in identity, not gzip")
    if source.returncode:
        raise Trouble(f"breaks off, curl says {source.returncode}")
    if seen != digest:
        raise Trouble("another answer than the exporter's")


def deliverers(lab, table, coding, digest):
    """Those that deliver it; the gate once more, with much memory, if it
    does not with its own."""
    servers, cells = lab.start_all("large", NAMES)
    good = []
    for server in servers:
        try:
            check(server, coding, digest)
            good.append(server)
        except Trouble as trouble:
            cells[server.name] = trouble
            lab.stop(server)
    if isinstance(cells.get("scrapegate"), Trouble):
        with_default = cells["scrapegate"]
        server = lab.start("scrapegate", "large", extra=MUCH_MEMORY)
        try:
            check(server, coding, digest)
            good.insert(0, server)
            del cells["scrapegate"]
            table.note(f"scrapegate, {lab.large_mb} MB, {coding}, with its "
                       f"default memory_budget: {with_default}; measured "
                       f"with {MUCH_MEMORY}")
        except Trouble as trouble:
            cells["scrapegate"] = trouble
            lab.stop(server)
    return good, cells


def direct(lab):
    """The exporter itself, without and with TLS."""
    exporter = lab.exporter
    exporter.idle_kib = 0  # nobody asks for the exporter's memory
    return [exporter.view("direct", "http", exporter.port, "/large"),
            exporter.view("direct, TLS", "https", exporter.tls_port,
                          "/large")]


def one_coding(lab, table, coding, digest):
    good, cells = deliverers(lab, table, coding, digest)
    found = lab.in_rounds(direct(lab) + good,
                          lambda each: fetch(each, coding),
                          1 if lab.is_quick else 3)
    lab.stop(*good)
    seconds = middle(found, lambda seen: seen.seconds)
    peaks = {name: value for name, value in middle(
        found, lambda seen: seen.peak).items()
        if not name.startswith("direct")}
    of_plain, of_tls = (ratio(found, lambda seen: seen.seconds, name)
                        for name in ("direct", "direct, TLS"))
    # Like with like: what TLS itself costs the exporter pays, too.
    promises = [at_most(1.1, of_tls, "of direct over TLS "
                        f"({of_tls or 0:.2f}; of direct in plain "
                        f"{of_plain or 0:.2f})")]
    what = f"{lab.large_mb} MB exposition, {coding}"
    table.add(f"large_seconds_{coding}", f"{what}: to the last byte", "s",
              {**seconds, **cells}, ratio(found, lambda seen: seen.seconds),
              promises)
    table.add(f"large_peak_{coding}", f"{what}: peak RSS above idle", "MiB",
              {**peaks, **cells},
              promises=[at_most(64, peaks.get("scrapegate"), "MiB")])


def run(lab, table):
    lab.large_mb = 20 if lab.is_quick else 200
    digest = write_large_body(lab.root / "large", lab.large_mb * 2 ** 20)
    for coding in ("identity", "gzip"):
        one_coding(lab, table, coding, digest)
    (lab.root / "large").unlink()
