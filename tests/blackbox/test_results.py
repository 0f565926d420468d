"""How tests/run counts: what may be luck gets a second try, what cannot be
never does."""

import os
import subprocess
import sys

import pytest

from programs import ROOT

LUCK = "<failure message='assert 5 == 4'>E assert 5 == 4</failure>"
REPORT = "<failure message='WARNING: ThreadSanitizer in: ...'></failure>"
CRASH = "<failure message='AssertionError: exit code -11:'></failure>"
DEAD = "<failure message='AssertionError: gate0 ended with 99:'></failure>"
LATE = "<failure message='... timed out after 60 seconds'></failure>"
HANG = "<failure message='no end after SIGTERM:'></failure>"
ENDED_BADLY = "<error message='failed on teardown: exit 139'></error>"
SKIPPED = "<skipped message='no jq'></skipped>"


def write(path, **cases):
    path.write_text("<testsuites><testsuite>" + "".join(
        f'<testcase classname="test_a" name="{name.partition("__")[0]}">'
        f"{inner}</testcase>" for name, inner in cases.items())
        + "</testsuite></testsuites>")
    return path


def results(*arguments):
    return subprocess.run(
        [sys.executable, os.path.join(ROOT, "tests/results.py"),
         *map(str, arguments)],
        capture_output=True, text=True, check=True, timeout=60)


def suspects(path):
    return results("suspects", path, "tests/blackbox").stdout.splitlines()


def test_an_assertion_is_tried_again(tmp_path):
    path = write(tmp_path / "a.xml", good="", bad=LUCK)
    assert suspects(path) == ["tests/blackbox/test_a.py::bad"]
    again = write(tmp_path / "b.xml", bad="")
    told = results("count", path, again)
    assert told.stdout == "2 0\n"
    assert told.stderr == (
        "a: passed at the second try, alone: test_a.py::bad\n")


@pytest.mark.parametrize("again", [{"bad": LUCK}, {"bad": "", "bad__end":
                                                   ENDED_BADLY}, {}])
def test_and_fails_if_it_fails_again(tmp_path, again):
    path = write(tmp_path / "a.xml", good="", bad=LUCK)
    told = results("count", path, write(tmp_path / "b.xml", **again))
    assert told.stdout == "1 1\n"


@pytest.mark.parametrize("cases", [
    {"bad": REPORT}, {"bad": LUCK, "bad__end": ENDED_BADLY},
    {"bad": ENDED_BADLY}, {"bad": SKIPPED}, {"bad": LUCK, "other": REPORT},
    {"bad": CRASH}, {"bad": DEAD}, {"bad": HANG}, {"bad": LATE},
    {"a": LUCK, "b": LUCK, "c": LUCK, "d": LUCK}, {}],
    ids=["sanitizer", "and its program ended badly", "ended badly", "skipped",
         "beside a sanitizer's", "crash", "dead", "hang", "late", "too many",
         "all good"])
def test_what_is_not_luck_counts_at_once(tmp_path, cases):
    path = write(tmp_path / "a.xml", good="", **cases)
    assert suspects(path) == []
    assert results("count", path).stdout == f"1 {len(cases)}\n"
