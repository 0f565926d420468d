"""Start, end and what is written meanwhile."""

import json
import re
import signal
import threading
import time

import pytest

from faultd import GOOD_BODY, answer_when, good, say, silent
from programs import parse_logfmt
from wire import Closed, request_bytes, wait_for

pytestmark = pytest.mark.threads


def is_closed_to_new(gate):
    """New connections are refused, or answered 503 draining."""
    try:
        # Who still gets in waits for the same attempt, but not for long.
        answer = gate.get(seconds=10, timeout=0.5)
    except (OSError, Closed):
        return True
    return (answer.status == 503
            and answer.header("X-Scrapegate-Reason") == "draining")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain_lets_running_scrapes_finish(lab, secure, number):
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter, secure=secure)
    connection = gate.connect()
    connection.send(request_bytes(
        "/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "60"}))
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    gate.process.send_signal(number)
    wait_for(lambda: is_closed_to_new(gate), what="the gate to close")
    released.set()
    answer = connection.answer()
    assert (answer.status, answer.body) == (200, GOOD_BODY)
    connection.close()
    assert gate.process.wait(30) == 0


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_drain_lets_answers_out(lab, secure):
    """What is being written when SIGTERM comes arrives whole."""
    body = b"".join(b'big{n="%07d"} %d\n' % (n, n) for n in range(800_000))
    gate = lab.gate(lab.faultd(good(body)), {"stream_above": "0"},
                    secure=secure)
    connection = gate.connect()
    connection.send(request_bytes(
        "/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "100"}))
    connection.take(1000)  # the rest fills all buffers on the way
    gate.process.terminate()
    gate.wait_for_line("msg=draining")
    # Pieces that are joined once: the drain has its time.
    pieces = [connection.buffer]
    while data := connection.socket.recv(1 << 18):
        pieces.append(data)
    assert b"".join(pieces).endswith(body[-100:])
    connection.close()
    assert gate.process.wait(30) == 0


def test_drain_closes_idle_connections(lab):
    """Kept-alive scrapers do not hold the end up."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    idle = [gate.connect() for _ in range(20)]
    for connection in idle:
        assert connection.get().body == GOOD_BODY
    gate.process.terminate()
    for connection in idle:
        assert connection.read_to_end() == b""
        connection.close()
    assert gate.process.wait(30) == 0


def test_drain_is_bounded(lab):
    """An exporter that never answers cannot keep the gate alive."""
    exporter = lab.faultd(silent)
    gate = lab.gate(exporter)
    connection = gate.connect(seconds=60)
    connection.send(request_bytes(
        "/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "110"}))
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    gate.process.terminate()
    assert gate.process.wait(40) == 0
    connection.close()


def test_readiness_says_draining(lab):
    exporter = lab.faultd(silent)
    gate = lab.gate(exporter, config={"health": {"listen": "127.0.0.1:0"}})
    gate.listening("admin")
    assert gate.admin("/-/ready").status == 200
    connection = gate.connect(seconds=60)
    connection.send(request_bytes(
        "/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "110"}))
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    gate.process.terminate()

    def not_ready():
        try:
            return gate.admin("/-/ready").status == 503
        except (OSError, Closed):
            return True
    wait_for(not_ready, what="/-/ready to say no")
    connection.close()


def test_end_right_after_the_start(lab):
    """A signal at any early moment ends it cleanly."""
    for number in range(5):
        gate = lab.gate(lab.faultd(good()), name=f"early{number}")
        gate.process.terminate()
        assert gate.process.wait(30) == 0


def test_two_signals(lab):
    gate = lab.gate(lab.faultd(good()))
    gate.process.terminate()
    try:
        gate.process.terminate()
    except ProcessLookupError:
        pass
    assert gate.process.wait(30) == 0


def test_closed_standard_error_is_survived(lab):
    """Whoever started us closed it: no log line may end up in a socket."""
    gate = lab.gate(lab.faultd(good()),
                    prefix=["sh", "-c", 'exec "$@" 2>&-', "sh"],
                    wait=False, config={
                        "listen": [f"unix:{lab.folder}/gate.sock"]})
    gate.address = f"unix:{lab.folder}/gate.sock"

    def answers():
        try:
            return gate.get().status == 200
        except (FileNotFoundError, ConnectionRefusedError):
            return False  # not there, or not yet listening
    wait_for(answers, what="the gate")
    assert gate.get("/nope").status == 404


def play(lab, log_format):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, secure=True,
                    config={"log": {"level": "debug", "format": log_format}})
    gate.get()
    exporter.behaviour = say(b'HTTP/1.1 500 "quoted" \\ \xc3\xa4\r\n'
                             b"Content-Length: 3\r\n\r\na\nb")
    gate.get()
    exporter.behaviour = say(b"garbage")
    gate.get()
    exporter.behaviour = good()
    gate.get()
    gate.get('/metrics?x="quoted"%0a=\\')
    gate.stop()
    return gate.log.splitlines()


def parse_json(line):
    """Strictly: no key twice, no NaN."""
    def no_constant(text):
        raise ValueError(text)

    def unique(pairs):
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)
    return json.loads(line, object_pairs_hook=unique,
                      parse_constant=no_constant)


@pytest.mark.parametrize("log_format, parse", [
    ("logfmt", parse_logfmt), ("json", parse_json)], ids=["logfmt", "json"])
def test_log_lines_parse(lab, log_format, parse):
    lines = play(lab, log_format)
    assert len(lines) > 5
    for line in lines:
        fields = parse(line)
        assert {"level", "msg", "ts"} <= set(fields), line
        assert fields["level"] in ("debug", "info", "warn", "error")
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z",
                        fields["ts"]), line
        if "kind" not in fields:  # not a record, which has more than words
            assert all(isinstance(value, str) for value in fields.values())
    records = [fields for fields in map(parse, lines) if "kind" in fields]
    assert bool(records) == (log_format == "json")
    for record in records:
        assert record["v"] == 1 and record["target"] == "node"
        assert record["kind"] in ("failure", "incident"), record
    for record in records:
        if record["kind"] == "failure":
            assert all(isinstance(seconds, (int, float))
                       for seconds in record["phases"].values()), record
            assert {each["kind"] for each in record["evidence"]} <= {
                "measured", "inferred", "unknown"}


def test_log_of_an_incident(lab):
    """One line when it starts, changes its reason, and ends; not each."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    gate.get()
    for behaviour in (say(b""), say(b"garbage")):
        exporter.behaviour = behaviour
        for _ in range(5):
            gate.get()
    exporter.behaviour = good()
    for _ in range(3):
        gate.get()
    wait_for(lambda: gate.metric("scrapegate_scrapes_total", reason="ok")
             == 4, what="the records")
    gate.stop()
    rows = [parse_logfmt(line) for line in gate.log.splitlines()]
    about = [row for row in rows if row.get("target") == "node"
             and row["level"] in ("warn", "info", "error")]
    assert [row.get("reason", "") for row in about[:2]] == [
        "http_closed_before_response", "http_malformed_response"], about
    assert len(about) == 3, about


def test_role_lines(lab):
    gate = lab.gate(lab.faultd(good()),
                    config={"health": {"listen": "127.0.0.1:0"}})
    for role in ("gate", "admin", "health"):
        host, port = gate.listening(role)
        assert host == "127.0.0.1" and port > 0


def test_impatience_changes_no_exit_code(lab):
    """Signals until the process is gone: they end it at once, and well, also
    while it tidies up."""
    gate = lab.gate(lab.faultd())
    assert gate.get().status == 200
    while gate.process.poll() is None:
        gate.process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    gate.stop()
