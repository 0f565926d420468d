"""Refusals, as those see them who ask, who operate and who count: the status
line says which method was tried and never who exists; the admin listener and
the log say why."""

import re
import time

import pytest

from faultd import good
from jwts import AUDIENCE, ISSUER, Issuer
from kube_api import KubeApi
from programs import parse_logfmt
from test_basic_auth import ALICE, ALICE_HASH, basic
from test_identities import bearer, line, refusals
from wire import fetch, client_context

NO_LIMIT = {"failed_logins_per_address": 0, "failed_logins_per_user": 0}
BASIC, BEARER = 'Basic realm="scrapegate"', 'Bearer realm="scrapegate"'
MISSING = "credentials_missing: this gate wants "


@pytest.fixture
def parts(lab, authority, tmp_path):
    """Configuration for each method by its name."""
    issuer = Issuer()
    api = lab.keep(KubeApi(authority, tmp_path, lab.loopback))
    tokens = lab.folder / "tokens"
    tokens.write_text(line("alice", "a", "ops") + line("eve", "e"))
    lab.issuer, lab.api = issuer, api
    return {
        "basic": ({"basic_auth_users": {"alice": ALICE_HASH}}, {}),
        "bearer": ({}, {"bearer_tokens_file": str(tokens)}),
        "jwt": ({}, {"jwt": {"issuer": ISSUER, "audiences": [AUDIENCE],
                             "jwks_file": issuer.write(tmp_path / "jwks")}}),
        "token_review": ({}, api.config()),
        "certificate": (
            {"insecure_http": False, "tls_server_config": {
                **lab.certificate, "client_ca_file": authority.ca_file,
                "client_auth_type": "VerifyClientCertIfGiven"}},
            {"client_certificate": {}})}


def start(lab, parts, *names, **auth):
    config, section = {}, {**NO_LIMIT}
    for name in names:
        config.update(parts[name][0])
        section.update(parts[name][1])
    tls = lab.client_tls if "certificate" in names else None
    return lab.gate(lab.faultd(good()), tls=tls, config={
        **config, "auth": {**section, **auth}})


# What a client may try, and a person reads.

@pytest.mark.parametrize("names, challenge, wanted", [
    (["basic"], BASIC, "basic auth (user and password)"),
    (["bearer"], BEARER, "a bearer token"),
    (["jwt"], BEARER, "a bearer token"),
    (["token_review"], BEARER, "a bearer token"),
    (["certificate"], None, "a client certificate"),
    (["bearer", "jwt", "token_review"], BEARER, "a bearer token"),
    (["basic", "bearer"], f"{BASIC}, {BEARER}",
     "basic auth (user and password) or a bearer token"),
    (["basic", "certificate"], BASIC,
     "basic auth (user and password) or a client certificate"),
    (["jwt", "certificate"], BEARER,
     "a bearer token or a client certificate"),
    (["basic", "bearer", "jwt", "token_review", "certificate"],
     f"{BASIC}, {BEARER}", "basic auth (user and password) or a bearer token "
     "or a client certificate")],
    ids=lambda each: "-".join(each) if isinstance(each, list) else "")
def test_challenges(lab, parts, names, challenge, wanted):
    gate = start(lab, parts, *names)
    for headers in (None, {"Authorization": "Negotiate YII="},
                    {"Authorization": ""}):
        answer = gate.get(headers=headers)
        assert (answer.status, answer.header("WWW-Authenticate")) == (
            401, challenge)
        assert answer.reason.startswith("credentials_missing: ")
        assert answer.text == answer.reason + "\n"
        assert answer.header("Cache-Control") == "no-store"
    assert gate.get().reason == MISSING + wanted
    # No challenge where credentials are not the matter.
    assert gate.get("/-/healthy").header("WWW-Authenticate") is None


def test_no_challenge_with_403(lab, parts):
    gate = start(lab, parts, "bearer", rules=[{"users": ["alice"]}])
    answer = gate.get(headers=bearer("e"))
    assert answer.status == 403
    assert answer.header("WWW-Authenticate") is None
    assert answer.reason.startswith("access_denied: ")
    assert answer.text == answer.reason + "\n"


# One refusal each: method, result, what the scraper hears, what the operator.

def rows(lab):
    issuer, api = lab.issuer, lab.api
    now = issuer.claims()["iat"]
    api.add("sa", "prom", audiences=["other"])
    return [
        ("basic", basic("alice", "x"), "basic auth user or password",
         r"."),
        ("basic", basic("nobody", "x"), "basic auth user or password", r"."),
        ("jwt", bearer(issuer.token(exp=now - 240)), "bearer token (JWT)",
         r"^expired 4m(\d+s)? ago"),
        ("jwt", bearer(issuer.token(aud="elsewhere")), "bearer token (JWT)",
         r"wanted .*scrapegate.*elsewhere|elsewhere.*wanted .*scrapegate"),
        ("jwt", bearer(issuer.token(nbf=now + 3600)), "bearer token (JWT)",
         r"not valid before|nbf|not yet"),
        ("jwt", bearer(issuer.token(header={"kid": "k9"})),
         "bearer token (JWT)", r"k9"),
        ("jwt", bearer(issuer.token(header={"alg": "none"})),
         "bearer token (JWT)", r"none"),
        ("token_review", bearer("unknown"), "bearer token (TokenReview)",
         r"invalid bearer token"),
        ("token_review", bearer("sa"), "bearer token (TokenReview)",
         r'audiences \["other"\] is invalid'),
    ]


@pytest.mark.threads
def test_every_refusal_is_explained(lab, parts):
    gate = start(lab, parts, "basic", "bearer", "jwt", "token_review")
    count = {}
    for method, headers, words, detail in rows(lab):
        answer = gate.get(headers=headers)
        assert (answer.status, answer.reason) == (
            401, f"credentials_invalid: {words} not accepted by this gate")
        assert answer.text == answer.reason + "\n"
        row = refusals(gate)[0]
        assert (row["method"], row["result"], row["reason"]) == (
            method, "denied", "credentials_invalid")
        assert re.search(detail, row["detail"]), row
        assert row["peer"] == "127.0.0.1" and row["count"] >= 1
        count[method] = count.get(method, 0) + 1
        for other, expected in count.items():
            assert gate.metric("scrapegate_auth_total", method=other,
                               result="denied") == expected
    assert gate.get().status == 401
    assert gate.metric("scrapegate_auth_total", result="missing") == 1
    for headers in (basic(*ALICE), bearer("a"), bearer(lab.issuer.token())):
        assert gate.get(headers=headers).status == 200
    assert gate.metric("scrapegate_auth_total", result="allowed") == 3
    # Refusals are refusals to those who count answers, too.
    assert gate.metric("scrapegate_refusals_total",
                       reason="credentials_invalid") == sum(count.values())


def test_a_user_that_exists_looks_like_one_that_does_not(lab, parts):
    """In everything but the name that was sent."""
    gate = start(lab, parts, "basic")
    seen = {(answer.head, answer.body)
            for name in ("alice", "nobody", "")
            for answer in [gate.get(headers=basic(name, "x"))]}
    heads = {re.sub(rb"Date: [^\r]*", b"", head) for head, _ in seen}
    assert len(heads) == 1 and len({body for _, body in seen}) == 1


def test_forbidden_is_explained(lab, parts):
    gate = start(lab, parts, "bearer", rules=[
        {"users": ["eve"], "action": "deny"}, {"groups": ["none"]}])
    assert gate.get(headers=bearer("e")).status == 403
    assert re.search(r"^denied by the rule in \S*gate0\.yml:\d+$",
                     refusals(gate)[0]["detail"])
    assert gate.get(headers=bearer("a")).status == 403
    assert refusals(gate)[0]["detail"] == (
        'no rule for path /metrics, user "alice", address 127.0.0.1')
    assert [(row["user"], row["reason"], row["result"])
            for row in refusals(gate)] == [
        ("alice", "access_denied", "forbidden"),
        ("eve", "access_denied", "forbidden")]
    assert gate.metric("scrapegate_auth_total", method="bearer",
                       result="forbidden") == 2


def test_certificates_are_explained(lab, parts, authority):
    gate = start(lab, parts, "certificate", rules=[{"users": ["x"]}])
    pair = authority.issue("cert-eve", ("eve.test",), usage="client")
    context = client_context(authority.ca_file)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    answer = fetch(gate.address, tls=context)
    assert answer.status == 403 and "eve" not in answer.reason + answer.text
    row = refusals(gate)[0]
    assert (row["method"], row["user"]) == ("client_certificate", "eve.test")
    assert gate.metric("scrapegate_auth_total", method="client_certificate",
                       result="forbidden") == 1


def test_repeats_are_one_row(lab, parts):
    gate = start(lab, parts, "bearer")
    for _ in range(7):
        assert gate.get(headers=bearer("x")).status == 401
    for number in range(100):
        assert gate.get(f"/metrics/{number}", bearer("x")).status == 401
    list_ = refusals(gate)
    assert len(list_) == 64
    assert list_[0]["path"] == "/metrics/99"
    # What is rare is not pushed out by what is not.
    assert gate.get().status == 401
    for number in range(100):
        assert gate.get(f"/metrics/{number}", bearer("x")).status == 401
    assert "missing" in {row["result"] for row in refusals(gate)}


def test_the_log_is_limited(lab, parts):
    """One line in ten seconds of each kind, and each line is one."""
    gate = start(lab, parts, "bearer", "basic", rules=[{"users": ["alice"]}])
    begin = time.monotonic()
    with gate.connect() as connection:
        for number in range(300):
            assert connection.get(
                headers=bearer(f"x{number}")).status == 401
            assert connection.get(headers=bearer("e")).status == 403
            assert connection.get().status == 401
    allowed = 1 + (time.monotonic() - begin) // 10
    lines = [parse_logfmt(each) for each in gate.log.splitlines()]
    for words in ("credentials refused", "access denied"):
        found = [each for each in lines if each["msg"] == words]
        assert 1 <= len(found) <= allowed + 1, words
        assert found[0]["level"] == "warn"
        assert found[0]["peer"] == "127.0.0.1"
        assert int(found[0]["count"]) >= 1
    # Who brings nothing is not worth a line.
    assert len([each for each in lines if each["level"] == "warn"]) <= (
        2 * (allowed + 1) + 1)
