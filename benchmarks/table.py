"""The rows that a run yields, and how they are written down."""

import json
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

from server import Trouble

RESULTS = Path(__file__).parent / "results"
BEGIN, END = "<!-- benchmarks/run --readme -->", "<!-- end -->"
EXPORTER_EXPORTER = re.search(
    r"exporter_exporter (v\S+)",
    (Path(__file__).parent / "peers" / "go.mod").read_text()).group(1)
COLUMNS = ["scrapegate", "nginx", "haproxy", "hitch + varnish",
           "exporter_exporter", "node_exporter", "bare loop", "direct",
           "direct, TLS"]
# What a reader of the first page wants to know; the rest is in latest.md.
README_COLUMNS = COLUMNS[:3]


def shown(value):
    """A number with three digits that say something."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if abs(value) >= 100 else \
        f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Table:
    def __init__(self):
        self.rows = []
        self.notes = []
        self.part = 0

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def add(self, key, what, unit, cells, of_nginx=None, promises=()):
        """Cells: a number, a Trouble or a text for each contestant.
        Promises: pairs of words and whether they are kept."""
        kept = {}
        for name, value in cells.items():
            if isinstance(value, Trouble):
                self.note(f"{name} was not measured where it says so: "
                          f"{value}")
                value = "not measured"
            kept[name] = value
        self.rows.append({
            "part": self.part, "key": key, "what": what,
            "unit": unit, "cells": kept,
            "of_nginx": of_nginx, "promises": [
                [words, None if is_kept is None else bool(is_kept)]
                for words, is_kept in promises]})
        row = self.rows[-1]
        print(f"{what}, {unit}: " + ", ".join(
            f"{name} {shown(value)}" for name, value in kept.items())
            + (f"; {of_nginx:.2f} of nginx" if of_nginx else "")
            + "".join(f"; {verdict(each)}" for each in row["promises"]),
            flush=True)

    def save(self, conditions, folder):
        folder.mkdir(exist_ok=True)
        rows = sorted(self.rows, key=lambda row: row["part"])
        data = {"conditions": conditions, "rows": rows, "notes": self.notes}
        (folder / "latest.json").write_text(
            json.dumps(data, indent=1, ensure_ascii=False) + "\n")
        (folder / "latest.md").write_text(as_markdown(data))
        return data


def verdict(promise):
    words, is_kept = promise
    return words + {True: ": kept", False: ": **missed**",
                    None: ": not measured"}[is_kept]


def at_most(limit, value, words):
    """One promise."""
    return (f"at most {shown(limit)} {words}",
            None if not isinstance(value, (int, float)) else value <= limit)


def lines_of(rows, columns):
    columns = [name for name in columns
               if any(name in row["cells"] for row in rows)]
    lines = ["| what | unit | " + " | ".join(columns)
             + " | of nginx | promise |",
             "|---|---|" + "---:|" * len(columns) + "---:|---|"]
    for row in rows:
        cells = [shown(row["cells"].get(name)) for name in columns]
        lines.append("| " + " | ".join([
            row["what"], row["unit"], *cells, shown(row["of_nginx"]),
            "; ".join(map(verdict, row["promises"])) or "–"]) + " |")
    return lines


def as_markdown(data):
    conditions = data["conditions"]
    lines = [f"# {conditions['version']}, measured {conditions['date']}", ""]
    lines += [f"- {line}" for line in conditions["lines"]]
    lines += ["", *lines_of(data["rows"], COLUMNS)]
    if data["notes"]:
        lines += ["", *(f"- {note}" for note in data["notes"])]
    return "\n".join(lines) + "\n"


def write_readme(data, path):
    """Puts the table between the two marks in README.md."""
    text = path.read_text()
    if BEGIN not in text or END not in text.partition(BEGIN)[2]:
        raise SystemExit(f"{path} has no place marked {BEGIN} ... {END}")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    conditions = data["conditions"]
    lines = [BEGIN, f"{conditions['version']} on {conditions['lines'][0]}, "
             f"{conditions['date']}:", "", *lines_of(
                 [row for row in data["rows"]
                  if row["of_nginx"] or row["promises"]], README_COLUMNS),
             "", "![CPU per cached TLS scrape](benchmarks/results/cpu.svg)",
             END]
    path.write_text(before + "\n".join(lines) + after)


def first_line(*command):
    try:
        result = subprocess.run(command, capture_output=True, text=True,
                                check=False)
    except OSError:
        return None
    lines = (result.stdout or result.stderr).splitlines()
    return lines[0].strip() if lines else None


def conditions_of(lab):
    cpu = re.search(r"^model name\s*:\s*(.*)$",
                    Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path(
        "/proc/meminfo").read_text()).group(1)) / 2 ** 20
    found = [
        first_line("nginx", "-v"), first_line("haproxy", "-v"),
        first_line("hitch", "--version"), first_line("varnishd", "-V"),
        first_line("prometheus-node-exporter", "--version"),
        first_line("openssl", "version")]
    if shutil.which(lab.programs["exporter_exporter"]):
        found.append("exporter_exporter " + EXPORTER_EXPORTER)
    versions = [re.sub(r"nginx version: | http.*| - .*|, branch.*| revision.*"
                       r"| *\(Library.*|varnishd \(| \(branch.*", "", line)
                for line in found if line]
    here = Path(__file__).parent
    commit = first_line("git", "-C", here, "describe", "--always")
    # The results of the run before are no change of what is measured.
    if commit and first_line("git", "-C", here, "status", "--porcelain", "--",
                             ":/", ":(top,exclude)benchmarks/results"):
        commit += "-dirty"
    return {
        "version": " ".join(filter(None, [
            first_line(lab.programs["scrapegate"], "version"),
            f"({commit})" if commit else None])),
        "date": time.strftime("%Y-%m-%d"),
        "lines": [
            f"{cpu.group(1) if cpu else platform.machine()}, "
            f"{os.cpu_count()} cores, {memory:.0f} GB, "
            f"Linux {platform.release()}",
            ", ".join(versions),
            f"body {len(lab.body)} bytes, one answer of node_exporter; "
            + ("one short round, not to be quoted" if lab.is_quick else
               f"{lab.rounds} rounds of {lab.seconds} s"),
            "one core for the server, one for load and exporter; load "
            f"average {os.getloadavg()[0]:.1f} at the start"]}
