"""I4: faults leave no memory behind, however often they come."""

import threading

from fault_checks import assert_fds, is_sanitized, settled_fds
from fault_rig import Rig
from faults import FAULTS
from faults_tls import TLS_FAULTS, Zoo
from wire import wait_for

REPEATS = 300 if is_sanitized() else 1000
THREADS = 4
# Of one exporter's process: what it is, and of its cgroup.
FILES_OF_ONE = 8
# All that do not wait for the clock; one that reads megabytes is enough.
HEAVY = ("U14", "U20", "U35", "U36", "U37 endless", "U42")
MIXED = [each for each in FAULTS + TLS_FAULTS
         if each.status == 502 and each.behaviour and not each.is_lasting
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


def settle(rig):
    """Every exporter good, and no connection kept."""
    for stand in rig.stands.values():
        rig.mend(stand, stand.fault)()
        wait_for(lambda stand=stand: rig.gate.get(
            f"/metrics/{stand.name}").status == 200, what=stand.fault.name)
    return settled_fds(rig.gate), rss(rig.gate.pid)


def worsen(rig):
    for stand in rig.stands.values():
        rig.set(stand.exporter, stand.fault)


def test_repeats_leave_no_memory(lab, authority):
    """Under ASan freed memory stays in quarantine, so there only the leak
    check at the gate's end speaks, and descriptors."""
    rig = Rig(lab, MIXED, Zoo(authority, lab.folder), is_shared=False,
              settings={}, options={"env": {
                  "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:"
                                  "quarantine_size_mb=1"}})
    # What is kept of recent scrapes has its size when it is full.
    repeat(rig, len(MIXED) if is_sanitized() else 2 * REPEATS)
    fds, before = settle(rig)
    worsen(rig)
    repeat(rig, REPEATS)
    now, _ = settle(rig)
    assert_fds(rig.gate, fds)
    assert now[1] <= FILES_OF_ONE * (len(MIXED) + 4)
    if not is_sanitized():  # the last connections may just be going
        wait_for(lambda: rss(rig.gate.pid) - before <= 1024,
                 what=f"{before} KiB again, and not {rss(rig.gate.pid)}")
