"""What the exporter really said: the first 4 KB of the last bad answer."""

import gzip
import json
import re

import pytest

from faultd import GOOD_BODY, ok
from wire import wait_for

pytestmark = pytest.mark.threads

PATH = "/api/v1/targets/node/last-bad-answer"


def speak(*answers):
    """One raw answer a connection, the last one again and again."""
    left = list(answers)

    def behave(conn):
        conn.read_request()
        conn.send(left.pop(0) if len(left) > 1 else left[0])

    return behave


def kept(gate):
    return gate.api("targets/node/last-bad-answer")


def assert_none(gate):
    answer = gate.admin(PATH)
    assert answer.status == 404
    assert json.loads(answer.body)["error"] == "no bad answer yet"


@pytest.mark.smoke
def test_the_last_bad_answer_is_kept(lab):
    page = b"<html>\xff Internal error \\ \x00 &amp;</html>\n"
    gate = lab.gate(lab.faultd(speak(
        ok(), ok(page, "text/html", status="500 Oops"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nup 1\n", ok())))
    assert gate.get().status == 200
    assert_none(gate)
    assert gate.get().status == 502
    data = kept(gate)
    assert data["target"] == "node"
    assert data["reason"] == "http_server_error"
    assert data["words"] == gate.target()["scrapeReason"]["words"]
    assert data["time"] == gate.target()["lastScrape"]
    assert data["head"].startswith("HTTP/1.1 500 Oops\r\n")
    assert data["head"].endswith("\r\n\r\n")
    assert data["body"] == ("<html>\\xff Internal error \\\\ \\x00 "
                            "&amp;</html>\n")
    assert data["inflated"] is data["truncated"] is False
    assert gate.get().status == 502
    for _ in range(2):
        data = kept(gate)
        assert data["reason"] == "body_truncated"
        assert data["body"] == "up 1\n"
        gate.get()  # a good one does not take it away
    assert PATH in gate.admin("/targets").text


@pytest.mark.parametrize("answer, reason, head, body", [
    (b"SSH-2.0-OpenSSH_9.2\r\n", "http_malformed_response", "",
     "SSH-2.0-OpenSSH_9.2\r\n"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
     "http_bad_framing",
     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n", None),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"5\r\nup 1\n\r\nzz\r\n", "body_chunk_malformed", None,
     "5\r\nup 1\n\r\nzz\r\n"),
    (b"HTTP/1.1 200 OK\r\nContent-Ty", "http_closed_in_headers",
     "HTTP/1.1 200 OK\r\n", None),
], ids=["ssh", "framing", "chunks", "cut head"])
def test_as_it_came(lab, answer, reason, head, body):
    gate = lab.gate(lab.faultd(speak(answer)))
    assert gate.get().status == 502
    data = kept(gate)
    assert data["reason"] == reason
    if head is not None:
        assert data["head"].startswith(head)
    if body is not None:
        assert data["body"] == body


def test_a_coded_body_is_shown_inflated(lab):
    text = gzip.compress(GOOD_BODY)
    gate = lab.gate(lab.faultd(speak(
        ok(text[:-8] + b"\0" * 8, extra=["Content-Encoding: gzip"]))))
    assert gate.get().status == 502
    data = kept(gate)
    assert data["reason"] == "body_gzip_checksum"
    assert data["inflated"] is True
    assert GOOD_BODY.decode().startswith(data["body"][:100])
    assert "gzip" in data["head"]


def test_bounded(lab):
    gate = lab.gate(lab.faultd(speak(
        ok(b"x" * 100_000, "text/html", status="500 No",
           extra=[f"X-{n}: " + "y" * 100 for n in range(10)]))))
    assert gate.get().status == 502
    data = kept(gate)
    assert data["truncated"] is True
    assert len(data["head"]) + len(data["body"]) == 4096


def test_no_secrets(lab):
    """Neither theirs nor ours: not on any page, nor in the log."""
    gate = lab.gate(lab.faultd(speak(
        ok(b"no", "text/html", status="403 No", extra=[
            "Set-Cookie: id=canary-1", "X-Auth-Token: canary-2",
            "X-Visible: yes"]))), {
                "authorization": {"credentials": "canary-3"}})
    assert gate.get(headers={"Authorization": "Bearer canary-4",
                             "Cookie": "canary-5"}).status == 502
    data = kept(gate)
    assert "X-Visible: yes\r\n" in data["head"]
    assert "Set-Cookie: <masked>\r\n" in data["head"]
    assert "X-Auth-Token: <masked>\r\n" in data["head"]
    everything = "".join(gate.admin(path).text for path in [
        PATH, "/targets", "/api/v1/targets", "/api/v1/scrapes",
        "/metrics"]) + gate.get().text + gate.log
    assert not re.findall(r"canary-\d", everything)


def test_nobody_scraping_sees_it(lab):
    gate = lab.gate(lab.faultd(speak(
        ok(b"no", "text/html", status="500 No"))))
    gate.get()
    assert gate.get(PATH).status == 404


def test_a_file_that_is_no_metrics(lab):
    path = lab.folder / "broken.prom"
    path.write_bytes(b"up 1\nno end")
    gate = lab.gate(f"file:{path}")
    if gate.get().status == 200:
        assert_none(gate)
    else:
        assert kept(gate)["body"] == "up 1\nno end"


def test_gone_with_its_target(lab):
    gate = lab.gate(lab.faultd(speak(
        ok(b"no", "text/html", status="500 No"))))
    gate.get()
    assert kept(gate)["body"] == "no"
    text = gate.config_path.read_text()
    gate.config_path.write_text(text.replace("name: node", "name: other"))
    assert gate.admin("/-/reload", method="POST").status == 200
    wait_for(lambda: gate.admin(PATH).status == 404, what="the target gone")
    gate.config_path.write_text(text)
    assert gate.admin("/-/reload", method="POST").status == 200
    assert_none(gate)
