"""The record on disk: a folder of its own, and a disk that is no help."""

import os
import re
import stat
import zlib

import pytest

from faultd import GOOD_BODY as GOOD
from faultd import good as behave
from programs import wait_for

LOST = "the journal cannot be written, what happens is kept in memory"
BACK = "the journal is written again"


def good(lab):
    return lab.faultd(behave())


def sealed(json, seq):
    body = json[:-1].encode() + b',"seq":%d' % seq
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def journal(gate):
    found = {}
    for (name, labels), value in gate.metrics().items():
        if name.startswith("scrapegate_journal_"):
            assert labels == ()
            found[name.removeprefix("scrapegate_journal_")] = value
    return found


def test_no_series_without_it(lab):
    assert journal(lab.gate(good(lab))) == {}


def test_folder_is_made(lab):
    folder = lab.folder / "records"
    gate = lab.gate(good(lab), config={"journal": {"path": str(folder)}})
    gate.wait_for_line(r'the journal has been read" path=\S+ lines=0 '
                       r"dropped=0")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert gate.get().body == GOOD
    found = journal(gate)
    assert set(found) == {"records_total", "lost_total", "dropped_lines",
                          "failing", "bytes"}
    assert found["lost_total"] == found["failing"] == 0


def test_what_was_left_is_read(lab):
    folder = lab.folder / "records"
    folder.mkdir()
    lines = [sealed('{"v":1,"n":%d}' % n, n) for n in range(1, 6)]
    rotten = lines[2].replace(b'"n":3', b'"n":4')
    (folder / "journal-0000000001.ndjson").write_bytes(
        lines[0] + lines[1] + rotten)
    (folder / "journal-0000000002.ndjson").write_bytes(
        lines[3] + lines[4][:-7])
    gate = lab.gate(good(lab), config={"journal": {"path": str(folder)}})
    gate.wait_for_line(r"level=warn msg=\"the journal has been read\" "
                       r"path=\S+ lines=3 dropped=2")
    assert journal(gate)["dropped_lines"] == 2
    assert gate.get().body == GOOD


def make_loop(path):
    path.symlink_to(path)


@pytest.mark.parametrize("make, words", [
    (lambda path: path.write_text("x"), "not a directory"),
    (os.mkfifo, "not a directory"),
    (make_loop, "too many levels of symbolic links"),
    (lambda path: path.symlink_to("nowhere"), "no such file or directory"),
    (lambda path: (path / "lock").mkdir(parents=True), "is a directory"),
], ids=["file", "fifo", "loop", "dangling", "lock"])
def test_no_folder(lab, make, words):
    """No scrape notices; it is said once, and it comes back by itself."""
    path = lab.folder / "records"
    make(path)
    gate = lab.gate(good(lab), config={"journal": {"path": str(path)}})
    wait_for(lambda: LOST in gate.log, what="a line in the log")
    assert words in gate.log
    assert gate.get().body == GOOD
    assert journal(gate)["failing"] == 1
    if (path / "lock").exists():
        (path / "lock").rmdir()
    else:
        path.unlink()
    wait_for(lambda: BACK in gate.log, 20, "it is written again")
    assert journal(gate)["failing"] == 0
    assert gate.log.count(LOST) == gate.log.count(BACK) == 1
    assert gate.get().body == GOOD


def test_two_gates(lab):
    """The second does not write until the first has gone."""
    config = {"journal": {"path": str(lab.folder / "records")}}
    exporter = good(lab)
    first = lab.gate(exporter, config=config)
    first.wait_for_line("the journal has been read")
    second = lab.gate(exporter, config=config)
    wait_for(lambda: LOST in second.log, what="a line in the log")
    assert re.search("another scrapegate writes there", second.log)
    assert second.get().body == GOOD
    assert journal(second)["failing"] == 1
    assert journal(first)["failing"] == 0
    first.stop()
    wait_for(lambda: BACK in second.log, 20, "its turn")
    assert journal(second)["failing"] == 0
