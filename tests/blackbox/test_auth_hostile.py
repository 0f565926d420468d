"""Hostile scrapers before a gate that wants to know who they are: spoofed
identities, ways around a rule or a cache, targets they choose themselves.
What is not here has the name of its row (H29 to H36, H52 to H72) in the tests
of its method."""

import json
import os
import random
import re
import subprocess
import threading
import time

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

import kube_api
from faultd import GOOD_BODY, answer_when, good, ok
from jwts import AUDIENCE, ISSUER, Issuer
from kube_api import ACCESS_REVIEWS, TOKEN_REVIEWS, KubeApi
from test_basic_auth import ALICE, ALICE_HASH, basic
from test_identities import (SPIFFE, as_client, bearer, certificate_gate,
                             line, refusals, tokens_gate, write)
from tls_tools import REQUEST, s_client
from wire import Closed, Connection, fetch, request_bytes, wait_for

NO_LIMIT = {"failed_logins_per_address": 0, "failed_logins_per_user": 0}
MALFORMED = (400, "request_malformed")
MISSING = (401, "credentials_missing")
INVALID = (401, "credentials_invalid")
DENIED = (403, "access_denied")


def get(gate, headers, path="/metrics"):
    """With each header as often as it is given."""
    with gate.connect() as connection:
        return connection.get(path, headers)


def said(answer):
    return answer.status, answer.header("X-Scrapegate-Reason")


def echo(conn):
    """Says in its metrics what it was asked, so that nothing can hide."""
    while True:
        head = conn.read_request().decode("latin-1")
        text = head.replace("\\", "\\\\").replace('"', '\\"')
        label = text.replace("\r\n", "\\n")
        conn.send(ok(f'asked{{head="{label}"}} 1\n'.encode()))


def sent(exporter, number=-1):
    """A request's header lines as the exporter got them."""
    lines = exporter.requests[number].decode("latin-1").split("\r\n")[1:]
    return [tuple(each.split(": ", 1)) for each in lines if each]


def named(exporter, name):
    return [value for key, value in sent(exporter)
            if key.lower() == name.lower()]


# H29: certificates that cost.

def huge_rsa_key():
    """4484 bits, in no time: of two known Mersenne primes."""
    p, q = 2 ** 2281 - 1, 2 ** 2203 - 1
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
        rsa.RSAPublicNumbers(e, p * q)).private_key()


def test_h29_huge_key(lab, authority):
    gate = certificate_gate(lab, authority)
    pair = authority.issue("h29-huge", (SPIFFE,), usage="client",
                           key=huge_rsa_key())
    with pytest.raises((OSError, Closed)):
        fetch(gate.address, tls=as_client(authority, pair))
    wait_for(lambda: gate.metric("scrapegate_tls_handshakes_total",
                                 result="client_certificate_bad") == 1)
    usual = authority.issue("h29-usual", (SPIFFE,), usage="client")
    assert fetch(gate.address, tls=as_client(authority, usual)).status == 200


def test_h29_explicit_curve(lab, authority):
    """A curve of the client's own making is not computed with."""
    def run(*command):
        subprocess.run(["openssl", *command], cwd=lab.folder, check=True,
                       capture_output=True)
    run("ecparam", "-name", "prime256v1", "-genkey", "-noout",
        "-param_enc", "explicit", "-out", "own.key")
    run("req", "-new", "-key", "own.key", "-subj", "/CN=own", "-out",
        "own.csr")
    run("x509", "-req", "-in", "own.csr", "-CA", authority.pair.cert_file,
        "-CAkey", authority.pair.key_file, "-set_serial", "29", "-days", "9",
        "-out", "own.crt")
    gate = certificate_gate(lab, authority)
    done = s_client(gate, "-cert", f"{lab.folder}/own.crt", "-key",
                    f"{lab.folder}/own.key", text=REQUEST)
    assert (done.answer, done.alert) == (None, "42"), done.text
    wait_for(lambda: gate.metric("scrapegate_tls_handshakes_total",
                                 result="client_certificate_bad") == 1)


# H52, H53, H69: what the exporter is told about who asks.

SPOOFED = ["X-Remote-User", "x-remote-user", "X-REMOTE-USER", "X_Remote_User",
           "X-Remote-Group", "X-Remote-Groups", "X-Remote-Extra-Scopes",
           "X-Forwarded-For", "X-Forwarded-User", "X-Forwarded-Groups",
           "X-Forwarded-Proto", "Forwarded", "X-Real-IP",
           "X-Auth-Request-User",
           "Impersonate-User", "Impersonate-Group", "Impersonate-Extra-x",
           "Impersonate-Uid", "X-Client-Cert", "Ssl-Client-S-Dn",
           "Proxy-Authorization", "Cookie"]


@pytest.mark.parametrize("is_told", [False, True], ids=["silent", "told"])
def test_h52_h53_spoofed_identities(lab, is_told):
    """Once and twice; the exporter hears of nobody, or of whom we know."""
    auth = {"identity_headers": {}} if is_told else {}
    gate, _ = tokens_gate(lab, line("alice", "a", "ops"), auth)
    exporter = lab.things[0]
    fake = [(name, "root") for name in SPOOFED]
    for headers in (fake, fake * 2):
        answer = get(gate, [*bearer("a").items(), *headers])
        assert answer.status == 200
        assert "root" not in str(sent(exporter))
        assert named(exporter, "Authorization") == []
        expected = {"X-Remote-User": ["alice"], "X-Remote-Groups": ["ops"]}
        for name, values in expected.items():
            assert named(exporter, name) == (values if is_told else [])
    # Who is nobody is not made somebody.
    assert said(get(gate, fake)) == MISSING
    assert exporter.request_count == 2


def test_h69_names_with_separators(lab):
    """Percent-encoded, so that one group cannot become two."""
    issuer = Issuer()
    jwks = issuer.write(lab.folder / "jwks.json")
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, config={"auth": {
        **NO_LIMIT, "identity_headers": {"groups_separator": "|"},
        "jwt": {"issuer": ISSUER, "audiences": [AUDIENCE],
                "jwks_file": jwks}}})
    token = issuer.token(sub="a|b, c%41\u00fc",
                         groups=["x|y", "100%", "a,b", "system:all"])
    assert gate.get(headers=bearer(token)).status == 200
    assert named(exporter, "X-Remote-User") == ["a%7Cb,%20c%2541%C3%BC"]
    assert named(exporter, "X-Remote-Groups") == [
        "x%7Cy|100%25|a,b|system:all"]
    # Lines are no names at all.
    for claims in ({"sub": "a\r\nX-Remote-User: root"},
                   {"groups": ["a\nb"]}, {"groups": ["a\0b"]},
                   {"sub": "a\x7fb"}):
        assert said(gate.get(headers=bearer(issuer.token(**claims)))) == (
            INVALID)
    assert exporter.request_count == 1


# H54, H55: one head, one meaning.

@pytest.mark.parametrize("value", [
    "Authorization", "authorization", "close, AUTHORIZATION",
    "keep-alive,Authorization", "X-Remote-User", "x_remote_groups",
    "X-Remote-User, Host", "\tAuthorization\t", "Authorization;q=1"])
def test_h54_named_in_connection(lab, value):
    """What was judged here must not be dropped behind."""
    gate, _ = tokens_gate(lab, line("alice", "a"))
    answer = gate.get(headers={**bearer("a"), "Connection": value})
    assert said(answer) == MALFORMED
    assert lab.things[0].request_count == 0


def test_h54_other_names_in_connection(lab):
    gate, _ = tokens_gate(lab, line("alice", "a"))
    headers = {**bearer("a"), "Connection": "X-Other, keep-alive"}
    assert gate.get(headers=headers).status == 200


@pytest.fixture(scope="module")
def every_method(shared_lab, authority, tmp_path_factory):
    """Basic, bearer and client certificate; who came in as whom is what the
    exporter is told."""
    tokens = shared_lab.folder / "tokens"
    tokens.write_text(line("token-user", "t"))
    block = dict(shared_lab.certificate, client_ca_file=authority.ca_file,
                 client_auth_type="VerifyClientCertIfGiven")
    exporter = shared_lab.faultd(good())
    return shared_lab.gate(exporter, tls=shared_lab.client_tls, config={
        "insecure_http": False, "tls_server_config": block,
        "basic_auth_users": {"alice": ALICE_HASH},
        "auth": {**NO_LIMIT, "bearer_tokens_file": str(tokens),
                 "client_certificate": {}, "identity_headers": {}}}), exporter


@pytest.mark.parametrize("values, as_whom", [
    ([], "cert-user"),
    (["Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="], "alice"),
    (["Bearer t"], "token-user"),
    # Of a kind that is configured: it decides, however good the certificate.
    (["Basic YWxpY2U6eA=="], INVALID), (["Bearer x"], INVALID),
    (["Basic"], INVALID), (["Bearer"], INVALID), (["Basic !"], INVALID),
    # Of another kind: no credentials that anybody here could check.
    (["Digest username=root"], "cert-user"), (["x"], "cert-user"),
    # Two are none.
    (["Bearer t", "Bearer t"], MALFORMED), (["Bearer t", ""], MALFORMED),
    (["Bearer t", "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="], MALFORMED),
    (["Bearer t, Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="], INVALID)],
    ids=lambda each: str(each)[:40])
def test_h55_exactly_one_identity(every_method, authority, values, as_whom):
    gate, exporter = every_method
    pair = authority.issue("cert-user", (), usage="client")
    before = exporter.request_count
    with Connection(gate.address, as_client(authority, pair)) as connection:
        answer = connection.get(headers=[("Authorization", each)
                                         for each in values])
    if isinstance(as_whom, str):
        assert answer.status == 200
        assert named(exporter, "X-Remote-User") == [as_whom]
    else:
        assert said(answer) == as_whom
        assert exporter.request_count == before


# H56: credentials where they get written down.

@pytest.mark.parametrize("name", ["access_token", "token", "id_token",
                                  "api_key", "Authorization"])
def test_h56_credentials_in_the_query(lab, name):
    gate, _ = tokens_gate(lab, line("alice", "canary-h56"), config={
        "log": {"level": "debug"}})
    path = f"/metrics?{name}=canary-h56"
    seen = []
    for headers, expected in ((None, MISSING),
                              (bearer("canary-h56"),
                               (400, "query_not_allowed"))):
        answer = gate.get(path, headers)
        assert said(answer) == expected
        seen.append(answer.head.decode() + answer.text)
    assert lab.things[0].request_count == 0
    seen += [json.dumps(refusals(gate)), gate.admin("/targets").text, gate.log]
    assert "canary" not in "".join(seen)


@pytest.mark.parametrize("target, host", [
    ("http://alice:canary-h56@localhost/metrics", "localhost"),
    ("//alice:canary-h56@localhost/metrics", "localhost"),
    ("/metrics", "alice:canary-h56@localhost")])
def test_h56_credentials_in_the_authority(lab, target, host):
    gate = lab.gate(lab.faultd(good()), config={
        "basic_auth_users": {"alice": ALICE_HASH},
        "log": {"level": "debug"}})
    with gate.connect() as connection:
        connection.send(request_bytes(target, host=host))
        answer = connection.answer()
    assert answer.status in (400, 404)
    assert lab.things[0].request_count == 0
    for text in (answer.text, answer.head.decode(), gate.log,
                 json.dumps(refusals(gate))):
        assert "canary" not in text


# H57: the bytes that are judged are the bytes that are served.

@pytest.fixture
def api(lab, authority, tmp_path):
    made = lab.keep(KubeApi(authority, tmp_path, lab.loopback))
    made.add("t", "prom", paths=["/metrics/first", "/metrics/second"])
    return made


def test_h57_what_kubernetes_is_asked_about(lab, api):
    """The plain path, and for other spellings nothing."""
    exporter = lab.faultd(good())
    gate = lab.gate(config={
        "targets": [{"name": name, "url": exporter.url}
                    for name in ("first", "second")],
        "auth": {**NO_LIMIT, **api.config(access_review=True)}})
    for path in ("/metrics/second/", "//metrics/second", "/metrics/./second",
                 "/metrics/%73econd", "/metrics/first/../second",
                 "/metrics/second%3fx", "/metrics/second;x"):
        assert gate.get(path, bearer("t")).status in (400, 403, 404)
    assert exporter.request_count == api.count(ACCESS_REVIEWS) == 0
    assert gate.get("/metrics/second?collect[]=x", bearer("t")).status == 200
    assert [each["spec"]["nonResourceAttributes"]
            for each in api.bodies(ACCESS_REVIEWS)] == [
        {"path": "/metrics/second", "verb": "get"}]


# H68: one identity's permission is no other's.

def test_h68_alike_is_not_the_same(lab, api):
    """Users, groups and paths that run together into the same text."""
    path = "/metrics/first"
    people = [("ab", ["c"]), ("a", ["bc"]), ("a", ["b", "c"]),
              ("a", ["b,c"]), ("a", ["b|c"]), ("a", ["c", "b"]),
              ("a", ["b"]), ("a", []), ("a,b", ["c"]), ("a", ["b", "c", ""]),
              ("a\nb", ["c"]), ("A", ["b"]), ("a", [path])]
    for number, (name, groups) in enumerate(people):
        api.users[f"t{number}"] = kube_api.User(name, groups)
    api.allowed.add(("ab", path))
    exporter = lab.faultd(good())
    gate = lab.gate(config={
        "targets": [{"name": "first", "url": exporter.url}],
        # The second time, what was found out the first time still holds.
        "auth": {**NO_LIMIT, **api.config(
            access_review=True, cache_allowed="10m", cache_denied="10m")}})
    statuses = {}
    for _ in range(2):
        for number, person in enumerate(people):
            answer = gate.get(path, bearer(f"t{number}"))
            statuses.setdefault(number, set()).add(answer.status)
    assert statuses[0] == {200}
    assert 200 not in set.union(*list(statuses.values())[1:])
    asked = [(each["spec"]["user"], tuple(each["spec"].get("groups", ())))
             for each in api.bodies(ACCESS_REVIEWS)]
    assert len(asked) == len(set(asked))
    known = [(name, tuple(groups)) for name, groups in people
             if name.isprintable() and "" not in groups]
    assert set(known) <= set(asked)


# H59: where the exporter is sent.

INSIDE = ["127.0.0.1", "http://127.0.0.1:9100/metrics", "localhost:80",
          "http://169.254.169.254/latest/meta-data", "[::1]:9100",
          "http://0x7f000001/", "http://x@127.1/", "fe80::1%25eth0",
          "http://[::ffff:169.254.169.254]/", "10.96.0.1",
          "https://10.96.0.1:443/api", "https://kubernetes.default.svc/"]


@pytest.mark.parametrize("rule", ["any", "regex", "listed"])
def test_h59_targets_inside(lab, rule):
    """A name that is allowed, even with an expression that fits everything,
    sends no exporter to its own neighbours; one that is listed does."""
    values = {"any": {}, "regex": {"target": ".*"},
              "listed": {"target": [each.replace("%25", "%")
                                    for each in INSIDE] + ["db.test:9104"]}}
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, target={"query": {
        "allow": ["target", "module"], "values": values[rule]}},
        env={"KUBERNETES_SERVICE_HOST": "10.96.0.1",
             "KUBERNETES_SERVICE_PORT": "443"})
    assert gate.get("/metrics?target=db.test:9104").status == 200
    before = exporter.request_count
    for value in INSIDE:
        answer = gate.get(f"/metrics?target={value}")
        if rule == "listed":
            assert answer.status == 200
        else:
            assert said(answer) == (400, "query_not_allowed")
            again = gate.get(f"/metrics?module=x&%74arget={value}")
            assert said(again) == (400, "query_not_allowed")
    assert (exporter.request_count == before) == (rule != "listed")


def test_h59_no_target_by_default(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    for query in ("target=db.test", "target=http://169.254.169.254/"):
        assert gate.get(f"/metrics?{query}").status == 400
    for line_ in ("GET http://169.254.169.254/metrics HTTP/1.1",
                  "GET /metrics HTTP/1.1\r\nX-Forwarded-Host: evil.test"):
        with gate.connect() as connection:
            connection.send(f"{line_}\r\nHost: evil.test\r\n\r\n".encode())
            assert connection.answer().status in (200, 400)
    assert "evil" not in str(exporter.requests)
    assert exporter.request_count == 1


# H60, H61: what is kept is what anybody would have got.

KEPT = {"cache": {"ttl": "1h", "once_per_scraper": False}}


def test_h60_nothing_else_shapes_the_answer(lab):
    """What the first scraper sends beside the key is in nobody's answer."""
    exporter = lab.faultd(echo)
    gate = lab.gate(exporter, target=KEPT)
    evil = {"Host": "canary.test", "X-Forwarded-Host": "canary.test",
            "X-Original-URL": "/canary", "X-Forwarded-Proto": "canary",
            "Cookie": "canary=1", "Accept-Language": "canary",
            "User-Agent": "canary", "Range": "bytes=0-1",
            "Accept-Encoding": "gzip, canary", "Cache-Control": "no-cache",
            "X-HTTP-Method-Override": "POST", "If-None-Match": "*"}
    first = gate.get(headers=evil)
    plain = gate.get()
    assert first.status == plain.status == 200
    assert first.text == plain.text and "canary" not in plain.text
    assert "canary" not in plain.head.decode()
    assert exporter.request_count == 1
    # What does reach the exporter is a part of the key.
    other = gate.get(headers={"Accept": "application/canary"})
    asked = gate.get("/metrics?collect[]=canary")
    assert "application/canary" in other.text
    assert "collect%5B%5D=canary" in asked.text
    assert gate.get().text == plain.text
    assert exporter.request_count == 3


def test_h61_cache_deception(lab):
    gate, _ = tokens_gate(lab, line("alice", "a"))
    exporter = lab.things[0]
    for path in ("/metrics/x.css", "/metrics/node/x.css", "/metrics.css",
                 "/metrics/node.js", "/metrics/x.css?collect[]=a"):
        for headers, status in ((bearer("a"), 404), (bearer("a"), 404),
                                (None, 401)):
            answer = gate.get(path, headers)
            assert answer.status == status
            assert answer.header("Age") is None
            assert GOOD_BODY not in answer.body
    assert exporter.request_count == 0


# H62: no answer for one who may not have it, in whatever order they ask.

WHO = [("alice", bearer("a"), 200), ("bob", bearer("b"), 200),
       ("basic", basic(*ALICE), 200), ("eve", bearer("e"), 403),
       ("stranger", bearer("x"), 401), ("wrong", basic("alice", "x"), 401),
       ("nobody", {}, 401)]
MARK = b"demo_up 1"


class Asker:
    """One kept connection, on which all kinds of scrapers take turns."""

    def __init__(self, gate, who):
        self.link = gate.connect()
        self.who = who
        self.requests = {name: request_bytes(headers=headers)
                         for name, headers, _ in WHO}
        self.statuses = {name: status for name, _, status in WHO}
        self.asked = []

    def ask(self, chance, count):
        self.asked = chance.choices(self.who, k=count)
        self.link.send(b"".join(self.requests[each] for each in self.asked))

    def leaks(self):
        """Answers that are not what their asker may have."""
        found = 0
        for name in self.asked:
            head = self.link.take_until(b"\r\n\r\n")
            body = self.link.take(int(re.search(
                rb"\r\nContent-Length: (\d+)", head, re.I).group(1)))
            status = int(head[9:12])
            assert status == self.statuses[name], (name, head)
            found += (MARK in body) != (status == 200)
        return found


@pytest.mark.threads
def test_h62_interleaved_identities(lab):
    """INTERLEAVINGS of them: one key, kept for a second at a time, so that
    hits, misses and waiters are among them."""
    tokens = line("alice", "a") + line("bob", "b", "ops") + line("eve", "e")
    gate, _ = tokens_gate(
        lab, tokens, {**NO_LIMIT, "rules": [
            {"users": ["alice"]}, {"groups": ["ops"]}]},
        target={"cache": {"ttl": "1s", "once_per_scraper": False}},
        config={"workers": 2, "basic_auth_users": {"alice": ALICE_HASH}})
    count = int(os.environ.get("INTERLEAVINGS", 5000))
    chance = random.Random(62)
    who = [name for name, _, _ in WHO]
    askers = [Asker(gate, who) for _ in range(8)]
    done = leaks = 0
    while done < count:
        some = chance.sample(askers, chance.randint(1, len(askers)))
        for each in some:
            each.ask(chance, chance.randint(1, 25))
        leaks += sum(each.leaks() for each in some)
        done += sum(len(each.asked) for each in some)
    assert leaks == 0
    for each in askers:
        each.link.close()
    assert 0 < lab.things[0].request_count < done / 2


def test_h62_told_identities_share_nothing(lab):
    """Where the exporter is told who asks, its answer is that scraper's."""
    gate, _ = tokens_gate(
        lab, line("alice", "a") + line("bob", "b", "ops"),
        {"identity_headers": {}}, target=KEPT)
    exporter = lab.things[0]
    exporter.behaviour = echo
    chance = random.Random(62)
    for _ in range(200):
        name = chance.choice(("alice", "bob"))
        text = gate.get(headers=bearer(name[0])).text
        assert f"X-Remote-User: {name}" in text
        assert text.count("X-Remote-User") == 1
        assert ("X-Remote-Groups: ops" in text) == (name == "bob")
    assert exporter.request_count == 2


# H63: who waits is judged again before there is an answer.

LONG = {"X-Prometheus-Scrape-Timeout-Seconds": "60"}


class Waiters:
    """Scrapers by their tokens that share one attempt which is held up."""

    def __init__(self, lab, gate, exporter, tokens):
        self.links = {each: gate.connect() for each in tokens}
        for token, link in self.links.items():
            link.send(request_bytes(headers={**bearer(token), **LONG}))
        wait_for(lambda: exporter.request_count == 1, what="the attempt")
        wait_for(lambda: gate.metric("scrapegate_connections") >=
                 len(tokens), what="all who wait")

    def answers(self):
        return {token: link.answer() for token, link in self.links.items()}


def held(lab):
    released = threading.Event()
    return released, lab.faultd(answer_when(released))


def test_h63_token_revoked_while_it_waits(lab):
    released, exporter = held(lab)
    path = lab.folder / "tokens"
    path.write_text(line("alice", "stays") + line("alice", "goes"))
    gate = lab.gate(exporter, config={
        "auth": {**NO_LIMIT, "bearer_tokens_file": str(path)}})
    waiters = Waiters(lab, gate, exporter, ["stays", "goes"])
    write(path, line("alice", "stays"))
    wait_for(lambda: said(gate.get(headers=bearer("goes"))) == INVALID)
    released.set()
    answers = waiters.answers()
    assert said(answers["goes"]) == INVALID
    assert GOOD_BODY not in answers["goes"].body
    assert answers["stays"].body == GOOD_BODY
    assert exporter.request_count == 1


def test_h63_rule_reloaded_while_it_waits(lab):
    released, exporter = held(lab)
    path = lab.folder / "tokens"
    path.write_text(line("alice", "a") + line("eve", "e"))
    gate = lab.gate(exporter, config={"auth": {
        **NO_LIMIT, "bearer_tokens_file": str(path)}})
    waiters = Waiters(lab, gate, exporter, ["a", "e"])
    config = yaml.safe_load(gate.config_path.read_text())
    config["auth"]["rules"] = [{"users": ["alice"]}]
    gate.config_path.write_text(yaml.safe_dump(config))
    assert gate.admin("/-/reload", method="POST").status == 200
    wait_for(lambda: gate.get(headers=bearer("e")).status == 403)
    released.set()
    answers = waiters.answers()
    assert said(answers["e"]) == DENIED
    assert answers["a"].body == GOOD_BODY


def test_h63_review_ran_out_while_it_waits(lab, api):
    """Kubernetes' yes holds for cache_allowed, also in the middle of it."""
    released, exporter = held(lab)
    api.add("gone", "other")
    gate = lab.gate(exporter, config={"auth": {
        **NO_LIMIT, **api.config(cache_allowed="1s")}})
    waiters = Waiters(lab, gate, exporter, ["t", "gone"])
    # Answered, not only asked for.
    wait_for(lambda: gate.metric("scrapegate_auth_backend_calls_total",
                                 service="token_review", result="ok") >= 2,
             what="both reviews")
    admitted = time.monotonic()
    del api.users["gone"]
    # Only what is older than cache_allowed has to be asked again.
    wait_for(lambda: time.monotonic() > admitted + 1.5, what="its end")
    wait_for(lambda: said(gate.get(headers=bearer("gone"))) == INVALID)
    released.set()
    answers = waiters.answers()
    assert said(answers["gone"]) == INVALID
    assert answers["t"].body == GOOD_BODY
    tokens = [each["spec"]["token"] for each in api.bodies(TOKEN_REVIEWS)]
    assert tokens.count("gone") >= 2


# H65: a token's own end.

def test_h65_token_after_its_end(lab):
    """Whatever is remembered of it, and on whichever connection."""
    issuer = Issuer()
    jwks = issuer.write(lab.folder / "jwks.json")
    gate = lab.gate(lab.faultd(good()), config={"auth": {**NO_LIMIT, "jwt": {
        "issuer": ISSUER, "audiences": [AUDIENCE], "jwks_file": jwks,
        "leeway": "0s"}}})
    with gate.connect() as kept:
        now = issuer.claims()["iat"]
        token = issuer.token(exp=now + 6)
        assert kept.get(headers=bearer(token)).status == 200
        wait_for(lambda: said(gate.get(headers=bearer(token))) == INVALID)
        assert said(kept.get(headers=bearer(token))) == INVALID
    assert issuer.claims()["iat"] >= now + 6
    assert "expired" in refusals(gate)[0]["detail"]


@pytest.mark.parametrize("claim, seconds, status", [
    ("exp", -20, 200), ("exp", -60, 401), ("nbf", 20, 200),
    ("nbf", 60, 401)])
def test_h65_clock_skew(lab, claim, seconds, status):
    """30 s to either side."""
    issuer = Issuer()
    jwks = issuer.write(lab.folder / "jwks.json")
    gate = lab.gate(lab.faultd(good()), config={"auth": {**NO_LIMIT, "jwt": {
        "issuer": ISSUER, "audiences": [AUDIENCE], "jwks_file": jwks}}})
    now = issuer.claims()["iat"]
    token = issuer.token(**{claim: now + seconds})
    assert gate.get(headers=bearer(token)).status == status


# H71: the admin listener is not the gate.

def test_h71_admin_is_elsewhere(lab):
    """Nothing of it on the gate, for whoever comes; on its own listener only
    one thing changes anything, and not by GET or from a foreign page."""
    gate, _ = tokens_gate(lab, line("alice", "a"))
    for path in ("/-/reload", "/api/v1/targets", "/api/v1/refusals",
                 "/api/v1/status/config", "/targets"):
        assert gate.get(path).status == 401
        assert gate.get(path, bearer("a")).status == 404
        for method in ("POST", "PUT"):
            assert gate.get(path, bearer("a"), method=method).status == 405
    assert gate.get("/-/metrics").status == 401
    assert gate.get("/-/metrics", bearer("a")).status == 200
    assert gate.listening("admin")[0] == "127.0.0.1"
    before = gate.metric(
        "scrapegate_config_last_reload_success_timestamp_seconds")
    for method, headers in (("GET", {}), ("HEAD", {}), ("PUT", {}),
                            ("POST", {"Host": "evil.test"}),
                            ("POST", {"Origin": "http://evil.test"})):
        answer = gate.admin("/-/reload", headers, method)
        assert 400 <= answer.status < 500, (method, headers)
    assert before == gate.metric(
        "scrapegate_config_last_reload_success_timestamp_seconds")
    assert gate.admin("/-/reload", method="POST").status == 200


def test_h71_own_metrics_follow_the_rules(lab):
    gate, _ = tokens_gate(lab, line("alice", "a") + line("eve", "e"), {
        "rules": [{"users": ["eve"], "paths": ["/metrics"]},
                  {"users": ["alice"]}]})
    assert gate.get("/-/metrics", bearer("a")).status == 200
    assert said(gate.get("/-/metrics", bearer("e"))) == DENIED
    assert gate.get("/metrics", bearer("e")).status == 200
