"""What a contestant adds to a scrape that goes to the exporter: one scraper
at a time, kept alive."""

from cached import check
from lab import middle
from load import times
from server import Trouble
from table import at_most

NAMES = ["scrapegate", "nginx", "haproxy", "hitch + varnish",
         "exporter_exporter"]
ROLES = (("plain", False, "identity"),
         ("gzip", True, "gzip made on the way"))


def added(found, pick):
    """Medians of each round's difference to direct in that round."""
    direct = found.pop("direct")
    differences = {}
    for name, kept in found.items():
        differences[name] = kept if isinstance(kept, Trouble) else [
            pick(here) - pick(there) for here, there in zip(kept, direct)]
    found["direct"] = direct
    return middle(differences)


def one_role(lab, table, role, is_gzip, label):
    servers, cells = lab.start_all(role, NAMES)
    usable = [lab.exporter]
    for server in servers:
        try:
            check(lab, server, "gzip" if is_gzip else "identity")
        except Trouble as trouble:
            cells[server.name] = trouble
        else:
            usable.append(server)

    def measure(server):
        # Direct is what the exporter does when nobody wants its gzip.
        return times(lab, server, lab.seconds, 1,
                     is_gzip and server is not lab.exporter)
    found = lab.in_rounds(usable, measure, 1 if lab.is_quick else 5)
    for key in ("p50", "p99"):
        def pick(seen):
            return getattr(seen, key)
        more = added(found, pick)
        gate, nginx = more.get("scrapegate"), more.get("nginx")
        is_known = all(isinstance(each, float) for each in (gate, nginx))
        promises = []
        if role == "plain" and key == "p50":
            promises = [("no more than nginx",
                         gate <= nginx if is_known else None)]
        if role == "plain" and key == "p99":
            promises = [at_most(1000, gate, "µs")]
        table.add(
            f"added_{key}_{role}", f"added to an uncached TLS scrape, {key}, "
            f"{label}", "µs",
            {**more, **cells, "direct": middle(found, pick)["direct"]},
            gate / nginx if is_known else None, promises)
    lab.stop(*servers)


def run(lab, table):
    for role, is_gzip, label in ROLES:
        one_role(lab, table, role, is_gzip, label)
