"""The measurements behind benchmarks/run.

The server under test has core 0 for itself; the load and the exporter share
core 1.  Contestants take turns within each round, so that a slow moment of the
machine hits all of them; a figure is the median over the rounds, a ratio the
median of the rounds' ratios.
"""

import argparse
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import cached
import footprint
import instructions
import large
import tls
import uncached
from body import node_exporter_body
from chart import write_charts
from lab import Lab
from server import Trouble
from table import RESULTS, Table, conditions_of, shown, write_readme

PARTS = {"cached": cached, "uncached": uncached, "tls": tls,
         "footprint": footprint, "large": large}
NAMES = [*PARTS, "instructions"]  # the order of the table
README = Path(__file__).parent.parent / "README.md"


def measure(options):
    programs = {
        "scrapegate": options.build / "static" / "scrapegate",
        "bare_loop": options.build / "bench" / "bare_loop",
        "scrapes": options.build / "bench" / "scrapes",
        "exporter_exporter": options.build / "bench" / "exporter_exporter"}
    programs = {name: str(path) for name, path in programs.items()}
    table = Table()
    started = time.monotonic()
    parts = options.only.split(",") if options.only else NAMES
    for name in set(parts) - set(NAMES):
        raise Trouble(f"no part is called {name}")
    with Lab(programs, node_exporter_body(), options.quick,
             options.rounds) as lab:
        lab.start_exporter()
        conditions = conditions_of(lab)
        for name in reversed(parts):
            table.part = NAMES.index(name)
            if name in PARTS:
                PARTS[name].run(lab, table)
    if "instructions" in parts:
        # With names of functions, as benchmarks/instructions.
        programs["scrapegate"] = str(options.build / "bench" / "scrapegate")
        table.part = NAMES.index("instructions")
        instructions.run(programs, table)
    conditions["lines"].append(
        f"{lab.rounds} rounds, all in "
        f"{(time.monotonic() - started) / 60:.0f} minutes")
    return table, conditions


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/run")
    parser.add_argument("build", type=Path)
    parser.add_argument("--quick", action="store_true",
                        help="one short round: shows that it runs, no more")
    parser.add_argument("--only", metavar="PART,...", help="some of: "
                        f"{', '.join(NAMES)}; nothing is "
                        "written")
    parser.add_argument("--rounds", type=int, default=7, metavar="N",
                        help="of which figures are medians (%(default)s)")
    parser.add_argument("--readme", action="store_true",
                        help="measures nothing: puts the newest table into "
                        "README.md")
    options = parser.parse_args()
    if options.readme:
        write_readme(json.loads((RESULTS / "latest.json").read_text()),
                     README)
        return
    if os.cpu_count() < 2:
        sys.exit("two cores are needed: one for the server, one for the load")
    # Thousands of connections: the contestants have this limit from here.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Ends as it should, the contestants with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        table, conditions = measure(options)
    except Trouble as trouble:
        sys.exit(f"benchmarks/run: {trouble}")
    if options.only:
        print("\n".join(table.notes))
        return
    # A short run is to look at, not to keep.
    folder = options.build / "bench" / "quick" if options.quick else RESULTS
    data = table.save(conditions, folder)
    write_charts(data["rows"], folder, shown)
    print((folder / "latest.md").read_text(), end="")
    print(f"written to {os.path.relpath(folder)}")


if __name__ == "__main__":
    main()
