"""The document of the admin API is true: real answers of every endpoint, in
every state that a test can bring about, are as it says."""

import hashlib
import re
import ssl
import threading

import pytest

from faultd import good, ok
from openapi import Document, Invalid
from wire import Closed, fetch, request_bytes, wait_for

TARGETS = [
    "/", "/targets", "/reasons", "/metrics", "/-/healthy", "/-/ready",
    "/-/ready?target=node", "/-/ready?target=bad", "/-/ready?target=nobody",
    "/api/v1/targets", "/api/v1/targets?state=dropped",
    "/api/v1/targets?state=any&scrapePool=node",
    "/api/v1/targets/bad/last-bad-answer",
    "/api/v1/targets/node/last-bad-answer",
    "/api/v1/targets/nobody/last-bad-answer",
    "/api/v1/scrape_pools",
    "/api/v1/scrapes", "/api/v1/scrapes?limit=1", "/api/v1/scrapes?limit=x",
    "/api/v1/scrapes?target=node&reason=ok&since=1h&cursor=1",
    "/api/v1/failures", "/api/v1/failures?limit=1",
    "/api/v1/failures?since=never",
    "/api/v1/incidents", "/api/v1/incidents?limit=1",
    "/api/v1/incidents?cursor=nothing",
    "/api/v1/tls_handshakes", "/api/v1/refusals", "/api/v1/pod",
    "/api/v1/status/config", "/api/v1/status/buildinfo",
    "/api/v1/status/runtimeinfo", "/api/v1/openapi.json"]

STATUSES = {
    "/-/ready?target=bad": 503, "/-/ready?target=nobody": 404, "/": 302,
    "/api/v1/targets/node/last-bad-answer": 404,
    "/api/v1/targets/nobody/last-bad-answer": 404,
    "/api/v1/scrapes?limit=x": 400, "/api/v1/failures?since=never": 400,
    "/api/v1/incidents?cursor=nothing": 400}


def document_of(gate):
    answer = gate.admin("/api/v1/openapi.json")
    assert answer.status == 200
    return Document(answer.text)


def check_all(document, gate):
    for target in TARGETS:
        answer = gate.admin(target)
        try:
            document.check_answer("GET", target, answer)
        except Invalid as error:
            raise AssertionError(f"{target}: {error}") from error


def make_history(lab):
    """A gate that has something to show in every list."""
    (lab.folder / "tokens").write_text(
        f"prometheus {hashlib.sha256(b'secret').hexdigest()}\n")
    is_late = threading.Event()
    hold = lab.faultd(lambda conn: (conn.read_request(), conn.wait(is_late),
                                    conn.send(ok())))
    bad = lab.faultd(lambda conn: (conn.read_request(), conn.send(
        ok(b"\xff<oops>", "text/html", status="500 Oops"))))
    fine = lab.faultd(good())
    gate = lab.gate(secure=True, config={
        "targets": [{"name": "node", "url": fine.url},
                    {"name": "bad", "url": bad.url},
                    {"name": "late", "url": hold.url, "late_finish": "10x"},
                    {"name": "gone", "url": fine.url}],
        "auth": {"bearer_tokens_file": "tokens"},
        "journal": {"path": str(lab.folder / "journal")}})
    token = {"Authorization": "Bearer secret"}
    assert gate.get("/metrics/node", token).status == 200
    for _ in range(2):
        assert gate.get("/metrics/bad", token).status == 502
    assert gate.get("/metrics/late", token, timeout=3).status == 504
    is_late.set()
    assert gate.get("/metrics", {"Authorization": "Bearer x"}).status == 401
    nobody = ssl.create_default_context()  # trusts not this one: an alert
    nobody.check_hostname = False
    with pytest.raises((OSError, Closed)):
        fetch(gate.address, "/metrics", tls=nobody)
    fine.stop()
    assert gate.get("/metrics/gone", token).status == 502
    wait_for(lambda: [each for each in gate.api("failures")["failures"]
                      if "late" in each], what="the late end")
    wait_for(lambda: gate.api("tls_handshakes")["failures"],
             what="the handshake")
    return gate


@pytest.mark.smoke
def test_every_answer_is_as_the_document_says(lab):
    gate = make_history(lab)
    document = document_of(gate)
    for target in TARGETS:
        assert gate.admin(target).status == STATUSES.get(target, 200), target
    check_all(document, gate)
    # It was put to the test: nearly all fields have been there.
    for schema in ["Target", "Reason", "Phases", "Scrape", "Failure", "Late",
                   "BadAnswer", "RuntimeInfo", "Journal",
                   "BuildInfo"]:
        properties = document.tree["components"]["schemas"][schema][
            "properties"]
        missing = [field for field in properties
                   if f"{schema}.{field}" not in document.used]
        assert missing in ([], ["late"]), (schema, missing)
    for listing in ["Handshakes.failures", "Refusals.refusals",
                    "Incidents.incidents", "Failures.next"]:
        assert listing in document.used


def test_nothing_is_left_out(lab):
    """Every path of the document is asked for here."""
    gate = lab.gate(lab.faultd())
    document = document_of(gate)
    check_all(document, gate)
    asked = {document.operation(target.partition("?")[0], "GET")["summary"]
             for target in TARGETS}
    for path, item in document.paths.items():
        if "get" in item:
            assert item["get"]["summary"] in asked, path
    for config, status in [(gate.config_path.read_text(), 200),
                           ("nonsense: 1", 500)]:
        gate.config_path.write_text(config)
        answer = gate.admin("/-/reload", method="POST")
        assert answer.status == status
        document.check_answer("POST", "/-/reload", answer)


def test_every_reference_leads_somewhere(lab):
    gate = lab.gate(lab.faultd())
    document = document_of(gate)
    text = gate.admin("/api/v1/openapi.json").text
    schemas = document.tree["components"]["schemas"]
    used = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert used == set(schemas)


def test_while_nothing_has_happened(lab):
    gate = lab.gate(lab.faultd())
    check_all(document_of(gate), gate)


def test_the_validator_bites():
    document = Document("""{"openapi": "3.0.3", "paths": {}, "components": {
        "schemas": {"A": {"type": "object", "additionalProperties": false,
        "required": ["n"], "properties": {
            "n": {"type": "integer", "minimum": 1},
            "s": {"type": "string", "enum": ["x"]},
            "t": {"type": "string", "pattern": "^a$"},
            "l": {"type": "array", "items": {"type": "boolean"}}}}}}}""")
    schema = {"$ref": "#/components/schemas/A"}
    document.check(schema, {"n": 1, "s": "x", "t": "a", "l": [True]})
    for value in [{}, {"n": 0}, {"n": True}, {"n": 1.5}, {"n": 1, "s": "y"},
                  {"n": 1, "t": "b"}, {"n": 1, "l": [1]}, {"n": 1, "z": 1},
                  [], None]:
        with pytest.raises(Invalid):
            document.check(schema, value)
    with pytest.raises(Invalid):
        document.check({"type": "string", "maxLength": 3}, "abc")


def test_health_listener_is_in_it(lab):
    gate = lab.gate(lab.faultd(), config={"health": {"listen": "127.0.0.1:0"}})
    document = document_of(gate)
    for target in ["/-/healthy", "/-/ready", "/-/ready?target=node",
                   "/-/ready?target=nobody"]:
        document.check_answer("GET", target,
                              fetch(gate.listening("health"), target))
    with gate.connect() as connection:
        connection.send(request_bytes("/-/ready?target=nobody"))
        document.check_answer("GET", "/-/ready?target=nobody",
                              connection.answer())
