"""Reads JUnit files for tests/run.

    results.py count FILE [AGAIN]      how many passed and failed: "N N"
    results.py suspects FILE FOLDER    which of a folder's tests to try again

A test is tried again if only its own assertion failed: what a sanitizer says,
a program that ended badly or not at all, and what was skipped count at once.
If many of a run failed it was not by chance, and none is tried again.
"""

import os
import re
import sys
import xml.etree.ElementTree as tree

SUSPECTS_MAX = 3
# A sanitizer's, and those of programs.py.
MARKS = re.compile("Sanitizer|runtime error:|Assertion `|exit code |"
                   "(gate|early)[0-9]* ended with|no end after SIGTERM|"
                   "timed out after [0-9.]+ seconds")


class Case:
    def __init__(self, element):
        # pytest's: test_cli and test_help[a] of test_cli.py::test_help[a]
        self.id = f"{element.get('classname')}.py::{element.get('name')}"
        self.kinds = {each.tag for each in element} & {
            "failure", "error", "skipped"}
        # CTest's word.
        if element.get("status") in ("fail", "disabled", "notrun"):
            self.kinds.add("failure")
        self.text = "".join(element.itertext()) + "".join(
            each.get("message", "") for each in element)

    @property
    def is_suspect(self):
        return self.kinds == {"failure"} and not MARKS.search(self.text)


def read(path):
    """Its cases; one id may come twice, for its call and for its end."""
    return [Case(each) for each in tree.parse(path).iter("testcase")]


def suspects(path, folder):
    bad = [each for each in read(path) if each.kinds]
    if len(bad) > SUSPECTS_MAX or not all(each.is_suspect for each in bad):
        return []
    return [f"{folder}/{each.id}" for each in bad]


def count(path, again=None):
    suite = os.path.basename(path).removesuffix(".xml")
    cases = read(path)
    passed_alone = set()
    if again:
        tried = read(again)
        passed_alone = ({each.id for each in tried if not each.kinds}
                        - {each.id for each in tried if each.kinds})
    good = bad = 0
    for case in cases:
        if "skipped" in case.kinds:
            print(f"{suite}: skipped: {case.id}", file=sys.stderr)
        if case.id in passed_alone:
            print(f"{suite}: passed at the second try, alone: {case.id}",
                  file=sys.stderr)
        elif case.kinds:
            bad += 1
            continue
        good += 1
    return good, bad


if __name__ == "__main__":
    if sys.argv[1] == "count":
        print(*count(*sys.argv[2:]))
    else:
        print(*suspects(*sys.argv[2:]), sep="\n", end="")
