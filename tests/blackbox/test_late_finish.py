"""When time has run out, the attempt may go on, once, to learn how long the
exporter needs."""

import threading
import time

import pytest

from faultd import GOOD_BODY, TEXT, Gone, answer_when, good, ok
from wire import wait_for

pytestmark = pytest.mark.threads


def evidence(gate):
    found = gate.target()["scrapeReason"]["evidence"]
    return {each["text"]: each["kind"] for each in found}


def find_evidence(gate, begin):
    """The measured piece that begins like this, or None."""
    for text, kind in evidence(gate).items():
        if text.startswith(begin):
            assert kind == "measured"
            return text
    return None


class Watch:
    """An exporter that says how many scrapes it works on at a time, and
    answers when it is told to."""

    def __init__(self, body=GOOD_BODY):
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.at_once = self.most = self.gone = 0
        self.body = body

    def __call__(self, conn):
        while True:
            conn.read_request()
            with self.lock:
                self.at_once += 1
                self.most = max(self.most, self.at_once)
            try:
                self.work(conn)
            except Gone:
                with self.lock:
                    self.gone += 1
                    self.at_once -= 1
                raise
            with self.lock:
                self.at_once -= 1
            conn.send(ok(self.body))

    def work(self, conn):
        """Until released, or until the gate hangs up."""
        conn.socket.settimeout(0.02)
        try:
            while not self.released.is_set():
                if conn.server.is_stopping:
                    raise Gone("server stops")
                try:
                    if not conn.socket.recv(1):
                        raise Gone("closed")
                except TimeoutError:
                    pass
                except OSError as error:
                    raise Gone(str(error)) from error
        finally:
            conn.socket.settimeout(None)


def miss(gate, timeout=3):
    """Of an exporter that does not answer as long as this takes."""
    answer = gate.get(timeout=timeout)
    assert answer.status == 504
    assert answer.header("X-Scrapegate-Reason") == "timeout_headers"
    return answer


def test_finished_late(lab):
    """The 504 is out in time; what the exporter needs is found out later, and
    everybody who looks is told."""
    watch = Watch()
    exporter = lab.faultd(watch)
    gate = lab.gate(exporter, target={"late_finish": "10x"})
    assert "[needs " not in miss(gate).reason
    wait_for(lambda: watch.at_once == 1, what="the request")
    watch.released.set()
    text = wait_for(lambda: find_evidence(gate, "finished late: needs "),
                    what="the amendment")
    assert text.endswith(" s, scrape_timeout is 3 s")
    assert 2.7 <= float(text.split()[3]) < 30
    words = gate.target()["scrapeReason"]["words"]
    assert "[needs " in words and "scrape_timeout is 3s]" in words
    recent = gate.api("scrapes")["scrapes"]
    assert len(recent) == 1 and "[needs " in str(recent[0])
    assert gate.log.count('msg="scrape finished late" target=node') == 1

    # The answer is nobody's; the incident goes on without another one.
    watch.released.clear()
    answer = miss(gate)
    wait_for(lambda: exporter.request_count == 2, what="the request")
    assert "last time it needed " in answer.text
    assert ", finished late (measured)" in answer.text
    wait_for(lambda: watch.gone == 1, what="the attempt cancelled")

    # A good answer ends it, and the next one begins afresh.
    watch.released.set()
    assert gate.get(timeout=10).body == GOOD_BODY
    watch.released.clear()
    assert "last time" not in miss(gate).text
    watch.released.set()
    wait_for(lambda: gate.log.count('msg="scrape finished late"') == 2,
             what="the second incident")
    assert watch.most == 1
    assert gate.metric("scrapegate_scrapes_total",
                       reason="timeout_headers") == 3


def test_the_next_scrape_ends_it_at_once(lab):
    """Never two attempts of one key: the load on the exporter is a promise."""
    watch = Watch()
    exporter = lab.faultd(watch)
    gate = lab.gate(exporter, target={"late_finish": "10x"})
    miss(gate)
    wait_for(lambda: watch.at_once == 1, what="the request")
    answers = []
    scrape = threading.Thread(
        target=lambda: answers.append(gate.get(timeout=30)))
    scrape.start()
    text = wait_for(lambda: find_evidence(gate, "went on: needs more than "),
                    what="the amendment")
    assert text.endswith(" s, scrape_timeout is 3 s")
    wait_for(lambda: watch.gone == 1, what="the late attempt ended")
    wait_for(lambda: exporter.request_count == 2, what="the next one")
    watch.released.set()
    scrape.join(30)
    assert answers[0].body == GOOD_BODY
    assert 'msg="scrape not finished late either"' in gate.log


def test_it_has_an_end(lab):
    watch = Watch()
    gate = lab.gate(lab.faultd(watch), target={"late_finish": "1.5x"})
    started = time.monotonic()
    miss(gate, timeout=4)
    wait_for(lambda: watch.gone == 1, what="the end")
    took = time.monotonic() - started
    # The exporter would never answer; at 6 s, and what a busy machine adds.
    assert 5.9 <= took < 25
    text = find_evidence(gate, "went on: needs more than ")
    assert 5.9 <= float(text.split()[5]) < 25


def test_it_fails_late(lab):
    released = threading.Event()

    def behave(conn):
        conn.read_request()
        conn.wait(released)
        conn.send(ok(b"sorry\n", status="500 Internal Server Error"))
        conn.hold()
    gate = lab.gate(lab.faultd(behave), target={"late_finish": "10x"})
    miss(gate)
    released.set()
    text = wait_for(lambda: find_evidence(gate, "went on and failed after "),
                    what="the amendment")
    assert text.endswith(" s: http_server_error")
    assert gate.target()["scrapeReason"]["id"] == "timeout_headers"
    assert 'msg="scrape failed late"' in gate.log


def test_turned_off(lab):
    watch = Watch()
    gate = lab.gate(lab.faultd(watch), target={"late_finish": 0})
    miss(gate)
    wait_for(lambda: watch.gone == 1, what="the attempt cancelled")
    assert "late" not in gate.log


def test_a_long_answer_finishes_late(lab):
    """More than is ever kept: only its end counts.  Late or not, it is
    bounded, and of no use to anybody."""
    released = threading.Event()
    line = b"big 1\n" * 2000
    count = 2000  # 24 MB

    def behave(conn):
        conn.read_request()
        conn.send(f"HTTP/1.1 200 OK\r\nContent-Type: {TEXT}\r\n"
                  f"Content-Length: {len(line) * count}\r\n\r\n".encode())
        conn.wait(released)
        for _ in range(count):
            conn.send(line)
        conn.hold()
    gate = lab.gate(lab.faultd(behave), target={"late_finish": "10x",
                                                "stream_above": "1MB"})
    answer = gate.get(timeout=5)
    assert answer.header("X-Scrapegate-Reason") == "timeout_body"
    released.set()
    wait_for(lambda: find_evidence(gate, "finished late: needs "), 45,
             what="the amendment")


def test_a_reload_ends_it(lab):
    watch = Watch()
    gate = lab.gate(lab.faultd(watch), target={"late_finish": "10x"})
    miss(gate)
    assert gate.admin("/-/reload", method="POST").status == 200
    wait_for(lambda: watch.gone == 1, what="the late attempt ended")
    watch.released.set()
    assert gate.get(timeout=10).body == GOOD_BODY


def test_the_end_does_not_wait_for_it(lab):
    watch = Watch()
    gate = lab.gate(lab.faultd(watch), target={"late_finish": "10x"})
    miss(gate)
    gate.stop()
    # Nor is it what the drain waited for until its own time was over.
    assert "still running" not in gate.log


def test_two_targets_each_have_their_own(lab):
    slow, other = threading.Event(), lab.faultd(good())
    exporter = lab.faultd(answer_when(slow))
    gate = lab.gate(config={"targets": [
        {"name": "node", "url": exporter.url, "late_finish": "10x"},
        {"name": "good", "url": other.url}]})
    miss(gate)
    for _ in range(3):
        assert gate.get("/metrics/good").body == GOOD_BODY
    slow.set()
    wait_for(lambda: find_evidence(gate, "finished late: needs "),
             what="the amendment")
