"""One line for each request to the gate, if it is asked for."""

import hashlib
import json
import socket
import struct
import threading

import pytest

from faultd import ok
from programs import parse_logfmt
from wire import request_bytes, wait_for

pytestmark = pytest.mark.threads

LOG = {"log": {"access": True}}


def lines(gate):
    """What the log says of requests, as mappings."""
    found = []
    for line in gate.log.splitlines():
        if line.startswith("{"):
            parsed = json.loads(line)
        else:
            parsed = dict(parse_logfmt(line))
        if parsed.get("msg") == "request":
            found.append(parsed)
    return found


def last(gate, count):
    wait_for(lambda: len(lines(gate)) >= count, what=f"line {count}")
    assert len(lines(gate)) == count
    return lines(gate)[-1]


@pytest.mark.smoke
@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_line_for_each_request(lab, form):
    exporter = lab.faultd()
    gate = lab.gate(exporter, {"cache": {"ttl": "1h",
                                         "once_per_scraper": False}},
                    config={"log": {"access": True, "format": form}})
    answer = gate.get("/metrics/node", timeout=7)
    line = last(gate, 1)
    assert 0 < float(line.pop("duration")) < 10
    assert line.pop("ts")
    assert line == {
        "level": "info", "msg": "request", "peer": "127.0.0.1",
        "method": "GET", "path": "/metrics/node", "status": "200",
        "reason": "ok", "target": "node", "cache": "miss",
        "bytes": str(len(answer.body)), "timeout": "7s"}
    gate.get()
    line = last(gate, 2)
    assert (line["path"], line["cache"], line["timeout"]) == (
        "/metrics", "hit", "10s")
    gate.get(method="HEAD")
    line = last(gate, 3)
    assert (line["method"], line["bytes"]) == ("HEAD", "0")
    exporter.stop()
    gate.get("/proxy?module=node", headers={"Accept": "x/y"})
    line = last(gate, 4)
    assert (line["status"], line["reason"], line["target"]) == (
        "502", "connect_refused", "node")
    assert line["path"] == "/proxy"


def test_what_is_refused(lab):
    gate = lab.gate(lab.faultd(), config=LOG)
    rows = [
        ("/nothing?secret=canary", "GET", "404", "path_unknown", "/nothing"),
        ("/metrics?secret=canary", "GET", "400", "query_not_allowed",
         "/metrics"),
        ("/a%2fb?secret=canary", "GET", "404", "path_unknown", "/a%2fb"),
        ("/metrics", "POST", "405", "method_not_allowed", None),
        ("/-/ready", "GET", "200", "ok", "/-/ready"),
        ("/-/ready?target=canary", "GET", "404", "ok", "/-/ready"),
        ("/-/metrics", "GET", "200", "ok", "/-/metrics"),
    ]
    for count, (path, method, status, reason, shown) in enumerate(rows, 1):
        assert gate.get(path, method=method).status == int(status)
        line = last(gate, count)
        assert (line["method"], line["status"], line["reason"],
                line.get("path"), line["cache"]) == (
            method, status, reason, shown, "none")
        assert line["peer"] == "127.0.0.1"
    assert "canary" not in gate.log


def test_who_asks(lab):
    """By name; never what proves it, right or wrong."""
    (lab.folder / "tokens").write_text(
        f"anna {hashlib.sha256(b'canary-1').hexdigest()}\n")
    gate = lab.gate(lab.faultd(), config={
        **LOG, "auth": {"bearer_tokens_file": "tokens"}})

    def ask(token):
        return gate.get(headers={"Authorization": f"Bearer {token}",
                                 "Cookie": "canary-3"})

    assert ask("canary-1").status == 200
    assert last(gate, 1)["user"] == "anna"
    assert ask("canary-2").status == 401
    line = last(gate, 2)
    assert "user" not in line and line["reason"] == "credentials_invalid"
    assert "canary" not in gate.log


def test_streams_and_who_leaves(lab):
    body = b"# a comment\n" * 20_000 + b"up 1\n"
    exporter = lab.faultd(lambda conn: (conn.read_request(),
                                        conn.send(ok(body))))
    gate = lab.gate(exporter, {"stream_above": "64KB"}, config=LOG)
    answer = gate.get()
    assert answer.body == body
    line = last(gate, 1)
    assert (line["status"], line["reason"]) == ("200", "ok")
    assert int(line["bytes"]) == len(body)
    assert line["peer"] == "127.0.0.1"


def test_a_stream_that_breaks(lab):
    body = b"# a comment\n" * 40_000
    is_read = threading.Event()

    def behave(conn):
        conn.read_request()
        conn.send(ok(body, length=len(body) + 1))
        conn.wait(is_read)

    gate = lab.gate(lab.faultd(behave), {"stream_above": "64KB"}, config=LOG)
    with gate.connect() as connection:
        connection.send(request_bytes("/metrics"))
        connection.take(100_000)
        is_read.set()
        connection.read_to_end()
    line = last(gate, 1)
    assert (line["status"], line["reason"]) == ("200", "body_truncated")
    assert 100_000 < int(line["bytes"]) <= len(body)


def test_who_gives_up(lab):
    exporter = lab.faultd(lambda conn: (conn.read_request(), conn.hold()))
    gate = lab.gate(exporter, config=LOG)
    with socket.create_connection(gate.address) as sock:
        sock.sendall(request_bytes("/metrics"))
        wait_for(lambda: exporter.request_count, what="the scrape")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
    line = last(gate, 1)
    assert "status" not in line and line["reason"] == "client_gone"
    assert line["peer"] == "127.0.0.1"


def test_off_by_default_and_by_reload(lab):
    gate = lab.gate(lab.faultd())
    gate.get()
    text = gate.config_path.read_text()
    gate.config_path.write_text(text + "log: {access: true}\n")
    assert gate.admin("/-/reload", method="POST").status == 200
    gate.get()
    assert last(gate, 1)["target"] == "node"
    gate.config_path.write_text(text)
    assert gate.admin("/-/reload", method="POST").status == 200
    gate.get()
    gate.stop()
    assert len(lines(gate)) == 1
