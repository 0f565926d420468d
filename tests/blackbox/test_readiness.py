"""An exporter that has not answered yet may only be starting; and who wants
to know how an exporter is may ask /-/ready?target=NAME."""

import hashlib
import socket
import threading

import pytest
import yaml

from faultd import good, ok
from wire import fetch, request_bytes, wait_for

pytestmark = pytest.mark.threads

GRACE = {"startup_grace": "1h"}


def nobody(lab):
    """A URL where nobody listens."""
    with socket.socket() as sock:
        sock.bind((lab.loopback, 0))
        host, port = sock.getsockname()
    return f"http://{host}:{port}/metrics"


def evidence(gate, name="node"):
    found = gate.target(name)["scrapeReason"]["evidence"]
    return [(each["text"], each["kind"]) for each in found]


def assert_starting(gate, answer, reason):
    assert answer.status == 503
    assert answer.status_line.startswith(f"HTTP/1.1 503 {reason}: ")
    assert answer.header("X-Scrapegate-Reason") == reason
    assert int(answer.header("Retry-After")) > 0
    text, kind = evidence(gate)[0]
    assert text.startswith("starting up: no answer yet in the ")
    assert kind == "measured"
    assert "Seen:  starting up: no answer yet in the " in answer.text


@pytest.mark.smoke
def test_an_exporter_that_starts_is_not_yet_there(lab):
    gate = lab.gate(nobody(lab), GRACE)
    assert_starting(gate, gate.get(), "connect_refused")
    assert gate.target()["health"] == "down"
    assert gate.metric("scrapegate_target_failure_info", target="node",
                       reason="connect_refused") == 1
    gate.wait_for_line("reason=connect_refused .* status=503")


def test_warming_up_behind_a_web_server(lab):
    """5xx is no answer of the exporter; anything else is one."""
    statuses = iter(["503 Service Unavailable", "200 OK",
                     "503 Service Unavailable"])

    def behave(conn):
        conn.read_request()
        conn.send(ok(status=next(statuses)))

    gate = lab.gate(lab.faultd(behave), GRACE)
    assert_starting(gate, gate.get(), "http_unavailable")
    assert gate.get().status == 200
    assert gate.get().status == 502


def test_slow_at_first(lab):
    gate = lab.gate(lab.faultd(lambda conn: conn.hold()), GRACE)
    assert_starting(gate, gate.get(timeout=3), "timeout_headers")


def test_grace_ends_and_is_off_by_default(lab):
    gate = lab.gate(nobody(lab), {"startup_grace": "1ms"})
    wait_for(lambda: gate.get().status == 502, what="the end of the grace")
    gate = lab.gate(nobody(lab))
    answer = gate.get()
    assert answer.status == 502 and answer.header("Retry-After") is None


def reload(gate, config):
    old = yaml.safe_load(gate.config_path.read_text())
    gate.config_path.write_text(yaml.safe_dump({**old, **config}))
    answer = gate.admin("/-/reload", method="POST")
    assert answer.status == 200, answer.text


def test_who_has_answered_has_over_reloads(lab):
    exporter = lab.faultd()
    gate = lab.gate(exporter, GRACE)
    assert gate.get().status == 200
    reload(gate, {"targets": [
        {"name": "node", "url": nobody(lab), **GRACE},
        {"name": "new", "url": nobody(lab), **GRACE}]})
    assert gate.get("/metrics/node").status == 502
    assert gate.get("/metrics/new").status == 503


# Readiness of one target.

def ask(gate, role, path):
    if role == "gate":
        return gate.get(path)
    return fetch(gate.listening(role), path)


ROLES = ["gate", "admin", "health"]


@pytest.mark.smoke
def test_ready_by_target(lab):
    is_bad = threading.Event()

    def behave(conn):
        conn.read_request()
        conn.send(ok(status="500 No" if is_bad.is_set() else "200 OK"))

    gate = lab.gate(lab.faultd(behave), config={
        "health": {"listen": "127.0.0.1:0"}})
    expected = [(200, "ready: node has not been scraped yet\n"),
                (200, "ready: node is up\n"),
                (503, "not ready: node is down: http_server_error\n"),
                (200, "ready: node is up\n")]
    for number, (status, text) in enumerate(expected):
        for role in ROLES:
            answer = ask(gate, role, "/-/ready?target=node")
            assert (answer.status, answer.text) == (status, text)
            # What is not asked for an exporter does not depend on one.
            assert ask(gate, role, "/-/ready").status == 200
            assert ask(gate, role, "/-/ready?x=1").status == 200
        if number == 1:
            is_bad.set()
        if number == 2:
            is_bad.clear()
        gate.get()
    for role in ROLES:
        for path in ["/-/ready?target=nobody", "/-/ready?target=",
                     "/-/ready?x=1&target=nobody"]:
            answer = ask(gate, role, path)
            assert (answer.status, answer.text) == (
                404, "no target of this name\n")
        answer = ask(gate, role, "/-/ready?target=%6eode")
        assert answer.status == 200
    head = gate.get("/-/ready?target=nobody", method="HEAD")
    assert head.status == 404 and head.body == b""


def test_ready_by_target_needs_no_login(lab):
    """As the probe that it is; and it tells the id alone."""
    (lab.folder / "tokens").write_text(
        f"scraper {hashlib.sha256(b'secret').hexdigest()}\n")
    gate = lab.gate(nobody(lab), config={
        "auth": {"bearer_tokens_file": "tokens"}})
    assert gate.get().status == 401
    assert gate.get("/-/metrics").status == 401
    assert gate.get("/-/ready?target=node").status == 200
    assert gate.get(headers={"Authorization": "Bearer secret"}).status == 502
    answer = gate.get("/-/ready?target=node")
    assert answer.status == 503
    assert answer.text == "not ready: node is down: connect_refused\n"


def test_ready_by_target_shares_no_worker(lab):
    """Asked on a worker, answered by the main thread, many at a time."""
    gate = lab.gate(lab.faultd(good()), config={"workers": 3})
    connections = [gate.connect() for _ in range(12)]
    for _ in range(20):
        for connection in connections:
            connection.send(request_bytes("/-/ready?target=node"))
        for connection in connections:
            assert connection.answer().status == 200
