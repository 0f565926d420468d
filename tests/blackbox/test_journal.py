"""The record on disk: a folder of its own, and a disk that is no help."""

import json
import os
import re
import shutil
import stat
import subprocess
import zlib

import pytest

from faultd import GOOD_BODY as GOOD
from faultd import good as behave
from programs import wait_for

LOST = "the journal cannot be written, what happens is kept in memory"
BACK = "the journal is written again"


def good(lab):
    return lab.faultd(behave())


def sealed(text, seq):
    body = text[:-1].encode() + b',"seq":%d' % seq
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def journal(gate):
    found = {}
    for (name, labels), value in gate.metrics().items():
        if name.startswith("scrapegate_journal_"):
            assert labels == ()
            found[name.removeprefix("scrapegate_journal_")] = value
    return found


def test_no_series_without_it(lab):
    gate = lab.gate(good(lab))
    assert journal(gate) == {}
    assert "journal" not in gate.api("status/runtimeinfo")


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
    wait_for(lambda: BACK in gate.log, 40, "it is written again")
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
    wait_for(lambda: BACK in second.log, 40, "its turn")
    assert journal(second)["failing"] == 0


@pytest.fixture(name="disk")
def small_disk(lab):
    """A filesystem of 1 MB; its mount point."""
    place = lab.folder / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m", "none", place)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def failing(place, count=40, **config):
    """Each scrape of another target is one more line in the journal."""
    return {"targets": [{"name": f"t{n}", "url": "http://127.0.0.1:1/metrics"}
                        for n in range(count)],
            "journal": {"path": str(place / "records"), **config}}


def fail(gate, numbers):
    for number in numbers:
        assert gate.get(f"/metrics/t{number}").status == 502


def targets_told(gate):
    return {each["target"] for each in gate.api("failures")["failures"]}


def names(numbers):
    return {f"t{n}" for n in numbers}


def written(gate):
    return journal(gate)["records_total"]


def check_lines(place):
    """Every file is whole, every line as it was sealed."""
    told = set()
    for path in sorted((place / "records").glob("journal-*.ndjson")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        data = path.read_bytes()
        assert data.endswith(b"\n")
        for line in data.splitlines():
            body, crc = re.fullmatch(rb'(.*),"crc":"([0-9a-f]{8})"}',
                                     line).groups()
            assert zlib.crc32(body) == int(crc, 16)
            told.add(json.loads(line).get("target"))
    return told


def test_full_disk(lab, disk):
    """What happens meanwhile is written when there is room again."""
    gate = lab.gate(config=failing(disk))
    fail(gate, range(3))
    wait_for(lambda: written(gate) >= 3, what="the first records")
    with open(disk / "pad", "wb", buffering=0) as pad, \
            pytest.raises(OSError):
        while True:
            pad.write(b"x" * 4096)
    fail(gate, range(3, 30))
    wait_for(lambda: journal(gate)["failing"] == 1, what="a full disk")
    assert "no space left on device" in gate.log
    fail(gate, range(30, 35))
    told = gate.api("status/runtimeinfo")["journal"]
    assert told["failing"] and told["error"].endswith("left on device")
    assert told["waiting"] + told["written"] >= 35 and told["lost"] == 0
    assert targets_told(gate) == names(range(35)), "the API has them all"
    (disk / "pad").unlink()
    wait_for(lambda: BACK in gate.log, 40, "room again")
    wait_for(lambda: written(gate) >= 35, what="what has waited")
    assert journal(gate)["lost_total"] == 0
    assert gate.log.count(LOST) == 1
    gate.kill()
    gate.process.wait()  # it holds the journal's lock
    gate.is_stopped = True
    assert check_lines(disk) >= names(range(35))
    again = lab.gate(config=failing(disk))
    wait_for(lambda: targets_told(again) == names(range(35)),
             what="the record")


def test_read_only_disk(lab, disk):
    """What is there is read; what happens is kept until it can be written."""
    gate = lab.gate(config=failing(disk))
    fail(gate, range(2))
    wait_for(lambda: written(gate) >= 2, what="the first records")
    gate.stop()
    mount("-o", "remount,ro", disk)
    gate = lab.gate(config=failing(disk))
    wait_for(lambda: LOST in gate.log, what="a line in the log")
    assert "read-only file system" in gate.log
    wait_for(lambda: targets_told(gate) == names(range(2)),
             what="the record")
    fail(gate, range(2, 5))
    assert targets_told(gate) == names(range(5))
    assert journal(gate)["failing"] == 1
    mount("-o", "remount,rw", disk)
    wait_for(lambda: BACK in gate.log, 40, "it can be written")
    gate.stop()
    assert check_lines(disk) >= names(range(5))


def test_folder_is_removed(lab, disk):
    gate = lab.gate(config=failing(disk))
    fail(gate, range(2))
    wait_for(lambda: written(gate) >= 2, what="the first records")
    shutil.rmtree(disk / "records")
    fail(gate, range(2, 5))
    wait_for(lambda: written(gate) >= 5, what="more records")
    gate.stop()
    assert check_lines(disk) >= names(range(2, 5))


@pytest.mark.threads
def test_end_writes_all(lab, disk):
    """SIGTERM: what was just told is written."""
    gate = lab.gate(config=failing(disk))
    fail(gate, range(20))
    gate.stop()
    assert check_lines(disk) >= names(range(20))
