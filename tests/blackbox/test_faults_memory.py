"""I4: faults leave no memory behind, however often they come."""

import threading

import pytest

from fault_checks import is_sanitized
from fault_rig import Rig
from faults import FAULTS
from faults_tls import TLS_FAULTS, Zoo
from wire import wait_for

REPEATS = 1000
THREADS = 4
# All that do not wait for the clock; one that reads megabytes is enough.
HEAVY = ("U14", "U20", "U35", "U36", "U37 endless", "U42")
MIXED = [each for each in FAULTS + TLS_FAULTS
         if each.status == 502 and each.behaviour and not each.prepare
         and not each.name.startswith(HEAVY)]


def rss(pid):
    """In KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def repeat(rig, count):
    """`count` scrapes of faults in turn, by several scrapers."""
    stands = list(rig.stands.values())

    def scrape(first):
        for number in range(first, count, THREADS):
            stand = stands[number % len(stands)]
            answer = rig.gate.get(f"/metrics/{stand.name}", timeout=10)
            if answer.status != 502:
                wrong.append((stand.fault.name, answer))
    wrong = []
    threads = [threading.Thread(target=scrape, args=(each,))
               for each in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]


@pytest.mark.threads
def test_repeats_leave_no_memory(lab, authority):
    """Under ASan freed memory stays in quarantine, so there only the leak
    check at the gate's end speaks, and descriptors."""
    rig = Rig(lab, MIXED, Zoo(authority, lab.folder), is_shared=False,
              settings={}, options={"env": {
                  "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:"
                                  "quarantine_size_mb=1"}})
    repeat(rig, 2 * len(MIXED))
    fds, before = rig.gate.open_fds(), rss(rig.gate.pid)
    repeat(rig, REPEATS)
    wait_for(lambda: rig.gate.open_fds() <= fds, what="descriptors")
    grown = rss(rig.gate.pid) - before
    print(f"{grown} KiB")
    assert is_sanitized() or grown <= 1024, f"{grown} KiB"
