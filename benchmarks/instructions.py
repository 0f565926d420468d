"""Instructions per TLS scrape, cached and not, counted by callgrind: the same
from run to run within half a percent, however busy the machine is, so that a change
which costs 3 % shows.

One client on one kept connection, one request at a time.  What the start, the
handshake and the first scrapes cost is not in the figures: callgrind's
counters are set to zero behind them.  Only user space is counted; what the
kernel does is seen in the system calls, which are counted too.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from body import fixed_body
from lab import Lab
from scraper import COUNTED, WARM, Scraper, count_calls

LIMIT = 1.03
RESULTS = Path(__file__).parent / "results" / "instructions.tsv"


def control(option, process):
    subprocess.run(["callgrind_control", option, str(process.pid)],
                   check=True, capture_output=True)


# What benchmarks/instructions counts: a role of peers.py and a coding.
KINDS = {"identity": ("cached", "identity"), "gzip": ("cached", "gzip"),
         "uncached": ("plain", "identity")}


def start_under_callgrind(lab, role, out):
    gate = lab.programs["scrapegate"]
    wrapper = lab.folder / "under-callgrind"
    wrapper.write_text("#!/bin/sh\nexec valgrind -q --tool=callgrind "
                       f"--callgrind-out-file={out} {gate} \"$@\"\n")
    wrapper.chmod(0o755)
    lab.programs["scrapegate"] = wrapper
    try:
        return lab.start("scrapegate", role)
    finally:
        lab.programs["scrapegate"] = gate


def read_profile(path):
    """The total, and (instructions, function) with what they call."""
    text = subprocess.run(
        ["callgrind_annotate", "--threshold=100", "--inclusive=yes", path],
        capture_output=True, text=True, check=True).stdout

    def number(digits):
        return int(digits.replace(",", "")) / COUNTED
    total = number(re.search(r"([\d,]+) .*PROGRAM TOTALS", text).group(1))
    rows = [(number(match.group(1)), match.group(2))
            for match in re.finditer(r"^ *([\d,]+) \([^)]*\)\s+\S*?:(\S+)",
                                     text, re.MULTILINE)]
    # A library without symbols has addresses: they help nobody.
    return total, [row for row in rows if not row[1].startswith("0x")]


def count_instructions(lab, kind, top=0):
    role, coding = KINDS[kind]
    out = lab.folder / f"callgrind.{kind}"
    server = start_under_callgrind(lab, role, out)
    process = server.processes[0]
    scraper = Scraper(server, coding)
    scraper.scrapes(WARM)
    control("--zero", process)
    scraper.scrapes(COUNTED)
    control("--dump", process)
    scraper.close()
    lab.stop(server)
    # The first dump is what was counted; what follows it is the end.
    total, rows = read_profile(f"{out}.1")
    print(f"{kind}: {total:.0f} instructions per scrape")
    for count, name in rows[:top]:
        print(f"  {count:9.0f}  {name}")
    return total


def show_calls(lab, kind):
    role, coding = KINDS[kind]
    server = lab.start("scrapegate", role)
    calls = count_calls(lab.folder, server, coding)
    lab.stop(server)
    print(f"{kind}: {sum(calls.values()):.2f} system calls per scrape ("
          + ", ".join(f"{name} {count:.2f}" for name, count in calls.items())
          + ")")


def run(programs, table):
    """For benchmarks/run: a row, compared with nothing."""
    with Lab(programs, fixed_body(), True) as lab:
        lab.start_exporter()
        for kind, (role, coding) in KINDS.items():
            what = "cached" if role == "cached" else "uncached"
            table.add(f"instructions_{kind}",
                      f"instructions per {what} TLS scrape, {coding}",
                      "user space",
                      {"scrapegate": count_instructions(lab, kind)})


def compare(label, figures):
    """Keeps a line of this run; False if a figure grew by more than 3 %."""
    RESULTS.parent.mkdir(exist_ok=True)
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    before = lines[-1].split("\t") if len(lines) > 1 else []
    # Lines from before a figure was counted end earlier.
    lines[:1] = ["\t".join(["commit", "date", *figures])]
    lines.append("\t".join([label, time.strftime("%Y-%m-%d"),
                            *(f"{value:.0f}" for value in figures.values())]))
    RESULTS.write_text("\n".join(lines) + "\n")
    is_good = True
    for place, (name, value) in enumerate(figures.items(), 2):
        if place < len(before) and value > float(before[place]) * LIMIT:
            print(f"{name}: {value / float(before[place]):.3f} of "
                  f"{before[0]}'s {before[place]} instructions")
            is_good = False
    return is_good


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/instructions")
    parser.add_argument("gate")
    parser.add_argument("--top", type=int, default=0, metavar="N",
                        help="shows the N functions that cost most")
    parser.add_argument("--only", metavar="KIND,...",
                        help=f"some of: {', '.join(KINDS)}; not kept")
    parser.add_argument("--keep", metavar="NAME", help="adds a line of this "
                        "name to the results and fails if it is more than "
                        "3 %% above the one before")
    options = parser.parse_args()
    figures = {}
    programs = {"scrapegate": os.path.abspath(options.gate)}
    with Lab(programs, fixed_body(), True) as lab:
        lab.start_exporter()
        for kind in options.only.split(",") if options.only else KINDS:
            figures[kind] = count_instructions(lab, kind, options.top)
            show_calls(lab, kind)
    if options.keep and not options.only and not compare(options.keep, figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
