"""Faults of an exporter's life: killed, stopped, restarted again and again.

The exporter is a process of its own; its kernel side (reset or not, queued or
not) is the real one.
"""

import re
import signal

import pytest

from child_exporter import ChildExporter
from fault_checks import (TIMEOUT, Before, Outcome, assert_named,
                          assert_outcome, newest_records)
from wire import wait_for

# What a killed exporter's last bytes look like is for its kernel to say.
CUT = Outcome(["body_reset", "body_truncated"])
REFUSED = Outcome(["connect_refused"])
SILENT = Outcome(["timeout_headers"], 504)


def serial(answer):
    assert answer.status == 200, answer
    return int(re.match(rb"demo_serial (\d+)\n", answer.body).group(1))


def reasons(gate, count):
    """Of the newest records, oldest first."""
    return [each["reason"] for each in
            reversed(newest_records(gate, "node", count))]


class Life:
    """A gate and the exporter of the moment, always at one address."""

    def __init__(self, lab, mode="whole"):
        self.lab = lab
        self.child = lab.keep(ChildExporter(lab.folder, lab.loopback,
                                            mode=mode))
        self.gate = lab.gate(self.child.url)

    def kill(self):
        self.child.kill()
        self.child.process.wait()

    def start(self, mode="whole"):
        self.child = self.lab.keep(self.child.restarted(self.lab.folder,
                                                        mode))

    def scrape(self):
        return self.gate.get(timeout=TIMEOUT)


@pytest.fixture
def life(lab):
    return Life(lab)


def test_u57_killed_in_the_middle_of_an_answer(lab):
    """Three scrapes: a cut body, nobody there, and the new process."""
    life = Life(lab, "half")
    before = Before(life.gate, "node")
    with life.gate.connect() as connection:
        connection.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
                        b"X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n")
        # The half answer is on its way when the exporter dies.
        wait_for(lambda: life.gate.open_fds() > before.fds + 1,
                 what="the gate to be connected to the exporter")
        life.kill()
        answer = connection.answer()
    assert_named(answer, Outcome([*CUT.ids, "http_closed_before_response",
                                  "http_reset_before_response",
                                  "http_closed_in_headers"]))
    assert_named(life.scrape(), REFUSED)
    life.start()
    assert serial(life.scrape()) == 1
    wait_for(lambda: reasons(life.gate, 3)[1:] == ["connect_refused", "ok"],
             what="three records")
    assert len(before.records()) == 3


def test_u58_stopped_and_continued(life):
    """While it is stopped the kernel takes connections for it; what it
    answers to old scrapes when it goes on is given to nobody."""
    assert serial(life.scrape()) == 1
    life.child.kill(signal.SIGSTOP)
    for _ in range(2):
        assert_outcome(life.gate, SILENT)
    life.child.kill(signal.SIGCONT)
    last = serial(life.scrape())
    assert 1 < last <= 4
    for _ in range(3):
        # One exporter scrape for one of ours, each newer than the last.
        assert serial(life.scrape()) == last + 1
        last += 1


def test_u59_restart_loop(life):
    """Each scrape meets the exporter as it is at that moment, and it costs
    one attempt and one record."""
    before = Before(life.gate, "node")
    expected = []
    for _ in range(5):
        assert serial(life.scrape()) == 1
        life.kill()
        assert_named(life.scrape(), REFUSED)
        expected += ["ok", "connect_refused"]
        life.start()
    wait_for(lambda: before.rise().scrapes
             == {"ok": 5, "connect_refused": 5}, what="ten attempts counted")
    assert reasons(life.gate, 10) == expected
