"""Who may scrape, as far as the gate knows it by itself: bearer tokens from a
file, names in client certificates, rules; what is said of those who may not,
and where.  The file of tokens holds digests only."""

import hashlib
import json
import os
import re
import time

import pytest

from faultd import good
from test_basic_auth import ALICE, ALICE_HASH, basic, curl
from wire import client_context, fetch, wait_for

SPIFFE = "spiffe://prod.example/ns/monitoring/sa/prometheus"
SECRET = "canary-token-7431"


def bearer(token, scheme="Bearer"):
    return {"Authorization": f"{scheme} {token}"}


def line(name, token, *groups):
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f"{name} {digest} {','.join(groups)}\n"


def write(path, text):
    """Whole, or the gate would read half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


def tokens_gate(lab, text, auth=None, **options):
    """A gate with a file of tokens, and that file."""
    path = lab.folder / "tokens"
    path.write_text(text)
    config = options.pop("config", {})
    gate = lab.gate(lab.faultd(good()), config={
        "auth": {"bearer_tokens_file": str(path), **(auth or {})}, **config},
        **options)
    return gate, path


def refusals(gate):
    return gate.api("refusals")["refusals"]


def parse_time(text):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    return text


@pytest.mark.smoke
def test_bearer_tokens(lab):
    gate, _ = tokens_gate(lab, "# who\n\n" + line("alice", "a-1", "ops") +
                          line("alice", "a-2") + line("bob", SECRET))
    for token in ("a-1", "a-2", SECRET):
        assert gate.get(headers=bearer(token)).status == 200
    assert gate.get(headers=bearer("a-1", "bearer")).status == 200
    digest = hashlib.sha256(b"a-1").hexdigest()
    for token in ("a-3", "A-1", "a-1a", digest, "alice"):
        answer = gate.get(headers=bearer(token))
        assert (answer.status, answer.reason) == (
            401, "credentials_invalid: bearer token not accepted by this gate")
        assert answer.header("WWW-Authenticate") == 'Bearer realm="scrapegate"'
    assert curl(gate, "-H", f"Authorization: Bearer {SECRET}")[0] == 200
    answer = gate.get()
    assert (answer.status, answer.reason) == (
        401, "credentials_missing: this gate wants a bearer token")
    assert gate.metric("scrapegate_auth_total", method="bearer",
                       result="allowed") == 5
    assert gate.metric("scrapegate_auth_total", method="bearer",
                       result="denied") == 5
    assert "no authentication" not in gate.log


def test_tokens_change(lab):
    """The file is watched; what is wrong in it changes nothing, and a token
    that is taken out of it is worth nothing from then on."""
    gate, path = tokens_gate(lab, line("alice", "old"))
    with gate.connect() as connection:
        assert connection.get(headers=bearer("old")).status == 200
        write(path, line("alice", "old") + line("alice", "new"))
        wait_for(lambda: gate.get(headers=bearer("new")).status == 200)
        assert connection.get(headers=bearer("old")).status == 200
        write(path, "alice hunter2\n")
        wait_for(lambda: "hexadecimal digits" in gate.log)
        assert "hunter2" not in gate.log
        assert connection.get(headers=bearer("new")).status == 200
        assert gate.metric("scrapegate_config_last_reload_successful") == 0
        write(path, line("alice", "new"))
        wait_for(lambda: gate.get(headers=bearer("old")).status == 401)
        assert connection.get(headers=bearer("old")).status == 401
        assert connection.get(headers=bearer("new")).status == 200
        # The last one, too.
        write(path, "")
        wait_for(lambda: gate.get(headers=bearer("new")).status == 401)


def certificate_gate(lab, authority, user_from=None, **auth):
    names = {"user_from": user_from} if user_from else {}
    block = dict(lab.certificate, client_ca_file=authority.ca_file,
                 client_auth_type="VerifyClientCertIfGiven")
    return lab.gate(lab.faultd(good()), tls=lab.client_tls, config={
        "tls_server_config": block, "insecure_http": False,
        "auth": {"client_certificate": names, **auth}})


def as_client(authority, pair):
    context = client_context(authority.ca_file)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    return context


def get_as(gate, authority, pair, path="/metrics"):
    return fetch(gate.address, path, tls=as_client(authority, pair))


def test_client_certificates(lab, authority):
    """A SPIFFE id, a DNS name, a CN; the first there is."""
    gate = certificate_gate(lab, authority, rules=[
        {"paths": ["/metrics"], "users": [SPIFFE, "cn-only"]},
        {"paths": ["/-/*"], "users": ["dns.test"], "groups": ["ops"]}])
    spiffe = authority.issue("i-spiffe", ("dns.test", SPIFFE), usage="client")
    dns = authority.issue("i-dns", ("dns.test",), usage="client",
                          groups=("dev", "ops"))
    only = authority.issue("cn-only", (), usage="client")
    assert get_as(gate, authority, spiffe).status == 200
    assert get_as(gate, authority, only).status == 200
    assert get_as(gate, authority, dns, "/-/metrics").status == 200
    for pair, path in ((spiffe, "/-/metrics"), (dns, "/metrics"),
                       (only, "/-/metrics")):
        answer = get_as(gate, authority, pair, path)
        assert (answer.status, answer.header("X-Scrapegate-Reason")) == (
            403, "access_denied")
        assert "i-" not in answer.reason + answer.text
    assert gate.get().status == 401
    assert refusals(gate)[1]["detail"] == (
        'no rule for path /-/metrics, user "cn-only", address 127.0.0.1')
    # Without the name that is asked for, or with two, nobody is known.
    gate = certificate_gate(lab, authority, ["san_uri"])
    two = authority.issue("i-two", (SPIFFE, "spiffe://evil.example/x"),
                          usage="client")
    assert get_as(gate, authority, spiffe).status == 200
    for pair, words in ((two, "more than once"), (dns, "none of san_uri")):
        answer = get_as(gate, authority, pair)
        assert (answer.status, answer.reason) == (
            401, "credentials_invalid: client certificate not accepted by "
            "this gate")
        row = refusals(gate)[0]
        assert row["method"] == "client_certificate"
        assert words in row["detail"]


RULES = [{"paths": ["/-/metrics"], "users": ["alice"]},
         {"paths": ["/metrics"], "groups": ["ops"]},
         {"paths": ["/metrics"], "networks": ["192.0.2.0/24"]}]


def test_rules(lab):
    gate, _ = tokens_gate(lab, line("alice", "a") + line("bob", "b", "ops") +
                          line("eve", "e", "opsx"), {"rules": RULES})

    def status(token, path):
        return gate.get(path, headers=bearer(token)).status
    assert [status(token, "/-/metrics") for token in "abe"] == [
        200, 403, 403]
    # A target has two names, and a rule for one means both.
    for path in ("/metrics", "/metrics/node", "/proxy?module=node"):
        assert [status(token, path) for token in "abe"] == [403, 200, 403]
    answer = gate.get("/metrics", headers=bearer("e"))
    assert answer.reason.startswith("access_denied: ")
    assert "eve" not in answer.reason + answer.text
    assert gate.metric("scrapegate_auth_total", method="bearer",
                       result="forbidden") == 9
    row = refusals(gate)[0]
    assert (row["user"], row["reason"]) == ("eve", "access_denied")
    assert "access denied" in gate.log


# H57: other spellings of a path that eve may not read.
SPELLINGS = ["/metrics/../metrics/node", "//metrics/node", "/metrics//node",
             "/./metrics/node", "/metrics/./node", "/metrics/node/",
             "/metrics/node/.", "/metrics/%6eode", "/metrics%2fnode",
             "/metrics%252fnode", "/metrics/node%00", "/metrics/node;x",
             "/metrics\\node", "/metrics/%c0%aenode", "/Metrics/node",
             "/metrics/NODE", "/metrics/%2e%2e/metrics/node", "/open/../"
             "metrics/node", "/open/..%2fmetrics/node", "/metrics/node%3f",
             "/metrics/no\xb7de"]


@pytest.fixture(scope="module")
def spelled(shared_lab):
    """A gate where eve may read something else, and its exporter."""
    path = shared_lab.folder / "tokens"
    path.write_text(line("alice", "a") + line("eve", "e"))
    exporter = shared_lab.faultd(good())
    return shared_lab.gate(exporter, config={"auth": {
        "bearer_tokens_file": str(path),
        "anonymous_paths": ["/open/*", "/metricsx*"],
        "rules": [{"paths": ["/metrics/node"], "users": ["alice"]},
                  {"paths": ["/-/metrics"], "users": ["eve"]}]}}), exporter


@pytest.mark.parametrize("path", SPELLINGS)
def test_other_spellings(spelled, path):
    gate, exporter = spelled
    before = exporter.request_count
    for headers in (bearer("e"), bearer("a"), None):
        assert fetch(gate.address, path, headers).status in (
            400, 401, 403, 404)
    assert exporter.request_count == before
    assert gate.get("/metrics/node", headers=bearer("a")).status == 200


@pytest.mark.threads
def test_what_the_operator_sees(lab):
    """The scraper hears the method and no more; the admin listener and the
    log hold the rest, and nobody a secret."""
    gate, _ = tokens_gate(
        lab, line("alice", SECRET), config={
            "basic_auth_users": {"alice": ALICE_HASH},
            "log": {"level": "debug"}})
    wrong = ["canary-wrong-7432", "canary-<b>7433"]
    assert gate.get(headers=bearer(SECRET)).status == 200
    assert gate.get(headers=basic(*ALICE)).status == 200
    assert refusals(gate) == []
    texts = []
    for headers in (bearer(wrong[0]), basic("al<i>ce", wrong[1]),
                    basic("al<i>ce", wrong[1]), None):
        answer = gate.get(headers=headers)
        assert answer.status == 401
        texts.append(answer.head.decode() + answer.text)
    rows = refusals(gate)
    assert [(row["reason"], row["result"], row["method"], row["user"],
             row["count"]) for row in rows] == [
        ("credentials_missing", "missing", "none", "", 1),
        ("credentials_invalid", "denied", "basic", "al<i>ce", 2),
        ("credentials_invalid", "denied", "bearer", "", 1)]
    for row in rows:
        assert row["peer"] == "127.0.0.1" and row["path"] == "/metrics"
        assert row["detail"]
        assert parse_time(row["first"]) <= parse_time(row["last"])
        assert row["time"] == row["last"]
    page = gate.admin("/targets").text
    assert "<h2>Not let in</h2>" in page and "al&lt;i&gt;ce" in page
    assert "<i>ce" not in page
    texts += [page, json.dumps(rows), gate.admin("/metrics").text,
              gate.admin("/api/v1/status/config").text]
    gate.stop()
    secrets = [SECRET, *wrong, hashlib.sha256(SECRET.encode()).hexdigest(),
               basic("al<i>ce", wrong[1])["Authorization"].split()[1]]
    for text in [gate.log, *texts]:
        for secret in secrets:
            assert secret not in text


def test_guessing(lab):
    """H31: ten wrong ones a minute from one address; who is known does not
    notice."""
    gate, _ = tokens_gate(lab, line("alice", "a"))
    assert gate.get(headers=bearer("a")).status == 200
    begin = time.monotonic()
    answers = [gate.get(headers=bearer(f"guess{number}"))
               for number in range(30)]
    later = (time.monotonic() - begin) // 6  # those that may be tried again
    statuses = [answer.status for answer in answers]
    assert statuses[:10] == [401] * 10
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 11 + later
    late = answers[statuses.index(429)]
    assert late.header("X-Scrapegate-Reason") == "too_many_requests"
    assert 1 <= int(late.header("Retry-After")) <= 6
    assert gate.get(headers=bearer("a")).status == 200
    assert gate.metric("scrapegate_auth_total", method="bearer",
                       result="limited") == statuses.count(429)
    # Another address is another guesser.
    assert gate.get(headers=bearer("x"), source="127.0.0.2").status == 401
    assert refusals(gate)[1]["result"] == "limited"
    assert "too many failed logins" in gate.log


def test_a_file_that_comes_late(lab):
    """Waited for with the gate closed, and named for what it is."""
    path = lab.folder / "late-tokens"
    gate = lab.gate(lab.faultd(good()), wait=False, config={
        "auth": {"bearer_tokens_file": str(path)}})
    gate.wait_for_line(r"waiting for bearer_tokens_file, the gate stays "
                       r"closed.* reason=auth_file_missing .*late-tokens")
    path.write_text(line("alice", "a"))
    gate.wait_until_listening()
    assert gate.get(headers=bearer("a")).status == 200
    assert gate.get().status == 401
