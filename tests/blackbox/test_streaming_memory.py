"""What long answers may cost in memory.  Not for the TSan build, which needs a
multiple of everything."""

import hashlib
import zlib

import pytest

from arrivals import wait_until_all_arrived
from test_streaming import (GZIP, KB, MB, PIECE, Reader, endless_pieces,
                            framed, pauses, start_held, text_of,
                            wait_for_scrapes)
from wire import fetch


def resident(gate):
    with open(f"/proc/{gate.pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * KB
    raise AssertionError("no VmHWM")


# What a sanitizer keeps of freed memory is not what is measured here.
LEAN = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=1:quarantine_size_mb=1:"
                        "thread_local_quarantine_size_kb=64"}


@pytest.mark.parametrize("headers", [{}, GZIP], ids=["identity", "gzip"])
def test_memory_is_bounded(lab, headers):
    """100 MB, much faster than they are read."""
    count = 100 * MB // len(PIECE)
    exporter = lab.faultd(endless_pieces(count))
    gate = lab.gate(exporter, env=LEAN)
    assert fetch(gate.address, "/-/healthy").status == 200
    before = resident(gate)
    digest, wanted = hashlib.sha256(), hashlib.sha256(PIECE * count)
    with Reader(gate, headers, buffer=64 * KB, timeout=120) as reader:
        assert reader.read_head().status == 200
        unzip = zlib.decompressobj(31)
        pause = pauses(7, 0.02)
        at_end = False
        while not at_end:
            assert reader.more(pause)
            while True:
                end = reader.buffer.find(b"\r\n")
                if end < 0:
                    break
                size = int(reader.buffer[:end], 16)
                if len(reader.buffer) < end + 2 + size + 2:
                    break
                piece = bytes(reader.buffer[end + 2:end + 2 + size])
                del reader.buffer[:end + 2 + size + 2]
                at_end = size == 0
                digest.update(unzip.decompress(piece) if headers else piece)
                if at_end:
                    break
    assert digest.digest() == wanted.digest()
    assert resident(gate) - before < 64 * MB


def test_slow_readers_share_their_pieces(lab):
    """H22: a hundred that take nothing cost little more than one."""
    exporter = lab.faultd()
    released = start_held(exporter, framed(text_of(30 * MB), "length"))
    gate = lab.gate(exporter, env=LEAN)
    readers = [Reader(gate, buffer=4096) for _ in range(100)]
    wait_until_all_arrived(gate)
    before = resident(gate)
    released.set()
    for reader in readers:
        reader.wait_for_head()
        reader.close()
    wait_for_scrapes(gate, "client_gone")
    assert resident(gate) - before < 40 * MB
