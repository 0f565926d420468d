"""A cached scrape over TLS, kept alive: CPU, rate, latency, system calls."""

import gzip

from lab import middle, ratio
from load import load, times
from scraper import Scraper, count_calls
from server import Trouble
from table import at_most

CONNECTIONS = 4
CODINGS = ("identity", "gzip")


def check(lab, server, coding, is_same=True):
    """The same bytes from each, in the coding that was asked for."""
    scraper = Scraper(server, coding)
    scraper.scrapes(20)  # what is done once is done
    answered, body = scraper.scrape()
    scraper.close()
    server.find_processes()
    if answered != coding:
        raise Trouble(f"answers in {answered}, not {coding}")
    if coding == "gzip":
        body = gzip.decompress(body)
    if is_same and body != lab.body:
        raise Trouble("another answer than the exporter's")


def start(lab):
    """Caches, and those that have none beside them: these ask the exporter
    each time."""
    servers, cells = lab.start_all("cached")
    more, others = lab.start_all(
        "plain", ["exporter_exporter", "node_exporter"])
    return servers + more, {**cells, **others}


def measure(lab, server, coding):
    before = server.cpu_ns()
    seen = load(server, lab.seconds, CONNECTIONS, coding == "gzip")
    seen.cpu = (server.cpu_ns() - before) / 1000 / seen.done
    each = times(lab, server, lab.seconds, CONNECTIONS, coding == "gzip")
    seen.p50, seen.p99 = each.p50, each.p99
    seen.all = seen.done + each.done
    return seen


def one_coding(lab, table, servers, absent, coding):
    usable, cells = [], dict(absent)
    for server in servers:
        try:
            check(lab, server, coding, server.name != "node_exporter")
        except Trouble as trouble:
            cells[server.name] = trouble
        else:
            usable.append(server)
    asked = lab.exporter_requests()
    found = lab.in_rounds(usable, lambda each: measure(lab, each, coding))
    made = sum(seen.all for name, kept in found.items()
               if name == "exporter_exporter" and isinstance(kept, list)
               for seen in kept)
    # What is called a cache answers from it.
    over = lab.exporter_requests() - asked - made
    if over > 100:
        table.note(f"{over} of the scrapes called cached, {coding}, went to "
                   "the exporter")

    def row(key, what, unit, pick, promises=()):
        table.add(f"{key}_{coding}", f"{what}, {coding}", unit,
                  {**middle(found, pick), **cells}, ratio(found, pick),
                  promises)
    of_nginx, of_bare = (ratio(found, lambda seen: seen.cpu, name)
                         for name in ("nginx", "bare loop"))
    row("cpu", "CPU per cached TLS scrape", "µs", lambda seen: seen.cpu,
        [at_most(0.75, of_nginx, "of nginx"),
         at_most(1.25, of_bare, f"of the bare loop ({of_bare or 0:.2f})")])
    row("rate", f"cached TLS scrapes, {CONNECTIONS} connections", "1/s",
        lambda seen: seen.rate)
    row("p50", f"p50 of these", "µs", lambda seen: seen.p50)
    row("p99", f"p99 of these", "µs", lambda seen: seen.p99)


def system_calls(lab, table, servers, absent, coding):
    cells = dict(absent)
    for server in servers:
        try:
            cells[server.name] = sum(
                count_calls(lab.folder, server, coding).values())
        except Trouble as trouble:
            cells[server.name] = trouble
    gate, nginx = cells.get("scrapegate"), cells.get("nginx")
    is_known = all(isinstance(each, float) for each in (gate, nginx))
    # The promise is for what Prometheus asks for.
    table.add(f"calls_{coding}", "system calls per cached TLS scrape, one "
              f"connection, {coding}", "calls", cells,
              gate / nginx if is_known else None,
              [at_most(5, gate, "calls")] if coding == "gzip" else [])


def run(lab, table):
    for coding in CODINGS:
        # Anew for each: where one caches a coding, it may serve it to all.
        servers, absent = start(lab)
        one_coding(lab, table, servers, absent, coding)
        system_calls(lab, table, servers, absent, coding)
        lab.stop(*servers)
