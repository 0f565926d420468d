"""What a web config file says about requests: who may ask (basic_auth_users),
how often (rate_limit), and what every answer carries (headers)."""

import base64
import os
import re
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from faultd import GOOD_BODY, good, readable
from programs import parse_logfmt, run_cli
from wire import request_bytes, wait_for

# Of the scraper: the thread that checks passwords runs when nobody else wants
# to, and on a busy machine that takes longer than the usual ten seconds.
PATIENT = 100
# Cost 4, so that logins are cheap where they are not what is measured.
ALICE = ("alice", "correct horse")
ALICE_HASH = "$2b$04$RuhJFDdsntD6BEzBEQc9ROoi.LPMNuXMJCUNHy1Be45yn8UqEjbI."
CAROL = ("carol", "carol:123")  # a colon belongs to the password
CAROL_HASH = "$2b$04$369T/fcSxQljNZFQaO/6NOY5uISttsTWGimznxe6KEWrskkOIiZ6S"
USERS = {"alice": ALICE_HASH, "carol": CAROL_HASH}
# Nobody's password; only what it costs matters.
SALT_AND_HASH = "$" + "a" * 21 + "u" + "b" * 31
CHEAP, USUAL, DEAR, ENDLESS = [f"$2b${cost}" + SALT_AND_HASH
                               for cost in ("08", "12", "14", "22")]

MISSING = ("credentials_missing: this gate wants basic auth (user and "
           "password)")
INVALID = ("credentials_invalid: basic auth user or password not accepted by "
           "this gate")


def basic(user, password, scheme="Basic"):
    pair = f"{user}:{password}".encode()
    return {"Authorization": f"{scheme} {base64.b64encode(pair).decode()}"}


def assert_401(answer, words=INVALID):
    assert (answer.status, answer.reason) == (401, words)
    assert answer.header("WWW-Authenticate") == 'Basic realm="scrapegate"'
    assert answer.header("X-Scrapegate-Reason") == words.split(":")[0]
    assert answer.text == words + "\n"


def curl(gate, *options, path="/metrics"):
    """(status, body) as curl sees them."""
    scheme = "https" if gate.tls else "http"
    result = subprocess.run(
        ["curl", "-sS", "-m", "60", "--noproxy", "*", "-w", "\n%{http_code}",
         *options, f"{scheme}://{gate.netloc}{path}"],
        capture_output=True, text=True, check=True)
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.smoke
def test_curl(lab, authority):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, secure=True,
                    config={"basic_auth_users": USERS})
    ca = ["--cacert", authority.ca_file]
    assert curl(gate, *ca, "-u", ":".join(ALICE)) == (200, GOOD_BODY.decode())
    assert curl(gate, *ca, "-u", ":".join(CAROL)) == (200, GOOD_BODY.decode())
    assert exporter.request_count == 2
    assert curl(gate, *ca) == (401, MISSING + "\n")
    assert curl(gate, *ca, "-u", "alice:carol:123") == (401, INVALID + "\n")
    assert curl(gate, *ca, "-u", "eve:correct horse") == (401, INVALID + "\n")
    assert curl(gate, *ca, "-u", "Alice:correct horse") == (
        401, INVALID + "\n")
    assert curl(gate, *ca, "-u", "alice:") == (401, INVALID + "\n")
    assert exporter.request_count == 2
    assert "no authentication" not in gate.log


@pytest.mark.threads
def test_counted(lab):
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": USERS})

    def counts():
        return {result: gate.metric("scrapegate_auth_total", method=method,
                                    result=result)
                for method, result in (("basic", "allowed"),
                                       ("basic", "denied"),
                                       ("none", "missing"))}
    assert ("scrapegate_auth_total",
            (("method", "basic"), ("result", "denied"))) in gate.metrics()
    for _ in range(3):
        assert gate.get(headers=basic(*ALICE)).status == 200
    assert_401(gate.get(headers=basic("alice", "x")))
    assert_401(gate.get(headers=basic("eve", "x")))
    assert_401(gate.get(), MISSING)
    assert gate.get("/-/healthy").status == 200
    assert counts() == {"allowed": 3, "denied": 2, "missing": 1}


def test_no_series_without_users(lab):
    gate = lab.gate(lab.faultd(good()))
    assert gate.get().status == 200
    assert not [name for name, _ in gate.metrics()
                if name == "scrapegate_auth_total"]
    assert "no authentication is configured" in gate.log


@pytest.mark.parametrize("value, words", [
    ("Bearer abc", "credentials_missing: this gate wants basic auth (user and "
     "password)"),
    ("Basic", "credentials_invalid: basic auth header that is not base64 not "
     "accepted by this gate"),
    ("Basic !!!!", "credentials_invalid: basic auth header that is not base64 "
     "not accepted by this gate"),
    ("Basic YWxpY2U6Y29ycmVjdCBob3JzZQ", "credentials_invalid: basic auth "
     "header that is not base64 not accepted by this gate"),
    ("Basic YWxpY2U=", "credentials_invalid: basic auth header without a "
     "colon not accepted by this gate"),
    ("Basic " + base64.b64encode(b"alice:correct horse\0").decode(),
     "credentials_invalid: basic auth header with a NUL byte not accepted by "
     "this gate"),
    ("Basic " + base64.b64encode(b"alice:" + b"x" * 73).decode(),
     "credentials_invalid: basic auth password of more than 72 bytes not "
     "accepted by this gate"),
    ("Basic " + base64.b64encode(b"u" * 11000 + b":x").decode(),
     "credentials_invalid: basic auth header of more than 1 KB not accepted "
     "by this gate"),
], ids=["bearer", "empty", "not-base64", "no-padding", "no-colon", "nul",
        "73-bytes", "15-KB"])
def test_refused_without_hashing(lab, value, words):
    """H33: each of these would take a second, were it hashed."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, config={"basic_auth_users": {"alice": DEAR}})
    before = cpu_seconds(gate.pid)
    for _ in range(5):
        assert_401(gate.get(headers={"Authorization": value}), words)
    assert cpu_seconds(gate.pid) - before < 2
    assert exporter.request_count == 0


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc", "Basic  "])
def test_scheme_is_case_insensitive(lab, scheme):
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": USERS})
    assert gate.get(headers=basic(*ALICE, scheme=scheme)).status == 200


def test_two_headers(lab):
    """H55."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, config={"basic_auth_users": USERS})
    one = basic(*ALICE)["Authorization"]
    two = basic("alice", "wrong")["Authorization"]
    for values in ([one, two], [two, one], [one, one], [one, "Bearer x"]):
        with gate.connect() as connection:
            answer = connection.get(headers=[("Authorization", value)
                                             for value in values])
        assert answer.status == 400
        assert answer.header("X-Scrapegate-Reason") == "request_malformed"
    assert exporter.request_count == 0


def test_which_paths(lab):
    """Without credentials nobody learns what is served, or of what kind."""
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": USERS})
    for path in ("/metrics", "/metrics/node", "/nope", "/", "/proxy",
                 "/proxy?module=node", "/-/metrics", "/-/nope",
                 "/-/healthy/", "/-/healthyx", "/x//-/healthy",
                 "/-/ready/../metrics", "/metrics?x=/-/healthy",
                 "/metrics?collect[]=a"):
        for method in ("GET", "HEAD"):
            answer = gate.get(path, method=method)
            assert (answer.status, answer.reason) == (401, MISSING), path
    assert gate.get("/-/healthy").status == 200
    assert gate.get("/-/ready").status == 200
    good_ones = {"/metrics": 200, "/metrics/node": 200, "/nope": 404,
                 "/proxy?module=node": 200, "/proxy?module=x": 404,
                 "/-/metrics": 200}
    for path, status in good_ones.items():
        assert gate.get(path, basic(*ALICE)).status == status, path


def test_auth_before_the_cache(lab):
    """H62: what is kept for those who may is nothing to those who may not."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, config={
        "basic_auth_users": USERS, "auth": {"failed_logins_per_address": 0}},
        target={"cache": {"ttl": "1h", "once_per_scraper": False}})
    for _ in range(20):
        answer = gate.get(headers=basic(*ALICE))
        assert (answer.status, answer.body) == (200, GOOD_BODY)
        assert_401(gate.get(headers=basic("alice", "x")))
        assert_401(gate.get(), MISSING)
    assert exporter.request_count == 1


def test_once_per_scraper_and_user(lab):
    """Two users behind one address are two scrapers."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, config={"basic_auth_users": USERS},
                    target={"cache": {"ttl": "1h", "once_per_scraper": True}})
    first = gate.get(headers=basic(*ALICE))
    assert gate.get(headers=basic(*CAROL)).header("Age") is not None
    assert first.header("Age") is None
    assert exporter.request_count == 1
    assert gate.get(headers=basic(*ALICE)).header("Age") is None
    assert exporter.request_count == 2


def test_nothing_reaches_the_exporter(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, config={"basic_auth_users": USERS})
    headers = [*basic(*ALICE).items(), ("X-Remote-User", "root"),
               ("X-Forwarded-For", "1.2.3.4"), ("Cookie", "a=b"),
               ("Proxy-Authorization", "Basic eDp5"), ("TE", "trailers"),
               ("Impersonate-User", "root"), ("Keep-Alive", "timeout=9")]
    assert gate.get(headers=headers).status == 200
    names = {line.split(b":")[0].lower()
             for line in exporter.requests[0].split(b"\r\n")[1:] if line}
    assert names <= {b"host", b"accept", b"accept-encoding", b"user-agent",
                     b"x-prometheus-scrape-timeout-seconds", b"connection"}


@pytest.mark.threads
def test_kept_alive(lab):
    """A refusal costs the connection nothing, and lends it nothing."""
    gate = lab.gate(lab.faultd(good()), secure=True,
                    config={"basic_auth_users": USERS})
    with gate.connect() as connection:
        for _ in range(5):
            assert_401(connection.get(), MISSING)
            assert_401(connection.get(headers=basic("alice", "no")))
            assert connection.get(headers=basic(*ALICE)).body == GOOD_BODY
            assert_401(connection.get(), MISSING)


def test_pipelined(lab):
    """Answers keep the order of their requests, also while one is hashed."""
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": USERS})
    with gate.connect() as connection:
        connection.send(request_bytes(headers=basic("alice", "no")) +
                        request_bytes() +
                        request_bytes(headers=basic(*ALICE)))
        assert [connection.answer().status for _ in range(3)] == [
            401, 401, 200]


@pytest.mark.threads
def test_guessing_does_not_disturb(lab):
    """H30: 200 wrong passwords, known and unknown users, from many connections:
    the good scraper gets every answer."""
    gate = lab.gate(lab.faultd(good()), secure=True,
                    config={"basic_auth_users": {**USERS, "bob": CHEAP},
                            "workers": 2})
    assert gate.get(headers=basic(*ALICE)).status == 200
    done = threading.Event()
    statuses = []
    begin = time.monotonic()

    def scrape():
        with gate.connect() as connection:
            while not done.is_set():
                statuses.append(connection.get(
                    headers=basic(*ALICE)).status)

    def guess(number):
        user = ("bob", "eve")[number % 2]
        return gate.get(headers=basic(user, f"guess{number}")).status
    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        wait_for(lambda: statuses, what="the good scraper's begin")
        with ThreadPoolExecutor(20) as pool:
            guesses = list(pool.map(guess, range(200)))
        # Whoever of the two threads had more of the time.
        wait_for(lambda: len(statuses) > 10, what="its answers")
    finally:
        done.set()
        scraper.join()
    assert set(guesses) <= {401, 429} and 401 in guesses
    assert set(statuses) == {200}
    lines = [line for line in gate.log.splitlines()
             if "credentials refused" in line]
    # One in ten seconds.
    assert 1 <= len(lines) <= 2 + (time.monotonic() - begin) / 10
    fields = parse_logfmt(lines[0])
    assert fields["level"] == "warn" and fields["method"] == "basic"
    assert fields["peer"] == "127.0.0.1" and fields["user"] in ("bob", "eve")
    # Too many at once, or too many that failed before: whichever came first.
    assert sum(gate.metric("scrapegate_auth_total", result=result)
               for result in ("overloaded", "limited")) == guesses.count(429)


def test_more_logins_than_can_be_checked(lab):
    """The queue is short: who comes too late hears so at once, and those who
    are known already do not notice."""
    gate = lab.gate(lab.faultd(good()),
                    config={"basic_auth_users": {**USERS, "bob": USUAL}})
    assert gate.get(headers=basic(*ALICE)).status == 200
    connections = [gate.connect() for _ in range(20)]
    for number, connection in enumerate(connections):
        user = ("bob", "eve")[number % 2]
        connection.send(request_bytes(headers=basic(user, f"x{number}")))
    refused = wait_for(
        lambda: gate.metric("scrapegate_auth_total", result="overloaded"))
    assert gate.get(headers=basic(*ALICE)).status == 200
    for connection in connections:
        answer = connection.answer()
        assert answer.status in (401, 429)
        if answer.status == 429:
            assert answer.header("X-Scrapegate-Reason") == "too_many_requests"
            assert int(answer.header("Retry-After")) >= 1
        connection.close()
    assert refused >= 1


def test_login_is_answered_in_time(lab):
    """Before the scraper gives up, it hears what takes so long."""
    gate = lab.gate(lab.faultd(good()),
                    config={"basic_auth_users": {"bob": ENDLESS}})
    answer = gate.get(headers=basic("bob", "x"), timeout=0.3)
    assert (answer.status, answer.reason) == (
        429, "too_many_requests: checking these credentials took too long")
    assert gate.get("/-/healthy").status == 200


def test_scrapers_that_leave(lab):
    """Who closes while its password is checked leaves nothing behind."""
    gate = lab.gate(lab.faultd(good()), secure=True,
                    config={"basic_auth_users": {**USERS, "bob": CHEAP}})
    for number in range(40):
        with gate.connect() as connection:
            connection.send(request_bytes(headers=basic("bob", f"{number}")))
    wait_for(lambda: gate.get(headers=basic(*ALICE)).status == 200)
    wait_for(lambda: gate.metric("scrapegate_connections") == 0)


def is_hashing(gate):
    """A check has begun: its thread is made for the first one."""
    for task in os.listdir(f"/proc/{gate.pid}/task"):
        try:
            with open(f"/proc/{gate.pid}/task/{task}/comm") as name:
                if name.read().strip() == "hash":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            pass  # ended meanwhile
    return False


@pytest.mark.threads
def test_guesses_of_another_address(lab):
    """However many connections guess at one address, a scraper at another
    that is not known yet logs in."""
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": {
        "alice": ALICE_HASH, "bob": USUAL}, "workers": 2})
    done = threading.Event()

    def guess(number):
        statuses = set()
        with gate.connect(source="127.0.0.2") as connection:
            while not done.is_set():
                statuses.add(connection.get(headers=basic(
                    "bob", os.urandom(8).hex())).status)
        return statuses
    with ThreadPoolExecutor(16) as pool:
        guesses = [pool.submit(guess, number) for number in range(16)]
        try:
            wait_for(lambda: gate.metric("scrapegate_auth_total",
                                         result="overloaded"))
            for _ in range(3):
                # Changed salts are not known: each login is hashed.
                answer = gate.get(headers=basic(*ALICE), source="127.0.0.3",
                                  timeout=PATIENT, seconds=PATIENT)
                assert answer.status == 200
                hashed = run_cli("hash-password", stdin=ALICE[1])
                reload(gate, basic_auth_users={
                    "alice": hashed.stdout.strip(), "bob": USUAL})
        finally:
            done.set()
        assert set.union(*(each.result() for each in guesses)) <= {401, 429}


@pytest.mark.threads
def test_end_while_hashing(lab):
    """The end waits for no check, and takes none for a wrong password."""
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": {
        "alice": ALICE_HASH, "bob": ENDLESS}})
    connections = [gate.connect() for _ in range(9)]
    for number, connection in enumerate(connections[:8]):
        connection.send(request_bytes(headers=basic("bob", f"{number}")))
    wait_for(lambda: is_hashing(gate))
    connections[8].send(request_bytes(headers=basic(*ALICE)))
    gate.process.send_signal(signal.SIGTERM)
    gate.process.send_signal(signal.SIGTERM)
    assert gate.process.wait(30) == 0
    assert "credentials refused" not in gate.log
    for connection in connections:
        connection.close()


def test_secrets_stay_secret(lab):
    """No password, right or wrong, in any form, in any output, at any level."""
    exporter = lab.faultd(good())
    canaries = ["canary-right-7421", "canary-wrong-7422", "canary-gone-7423"]
    hashed = run_cli("hash-password", stdin=canaries[0])
    assert hashed.returncode == 0
    gate = lab.gate(exporter, secure=True, config={
        "basic_auth_users": {"alice": hashed.stdout.strip()},
        "log": {"level": "debug"}})
    texts = []
    for user, password in [("alice", canaries[0]), ("alice", canaries[1]),
                           ("eve", canaries[2]), ("alice", canaries[1])]:
        answer = gate.get(headers=basic(user, password))
        texts.append(answer.head.decode() + answer.text)
        canaries.append(basic(user, password)["Authorization"].split()[1])
    assert gate.get(headers=basic("alice", canaries[0])).status == 200
    long = gate.get(headers=basic("alice", canaries[1] * 9))
    texts.append(long.head.decode() + long.text)
    for path in ("targets", "failures", "status/config"):
        texts.append(gate.admin(f"/api/v1/{path}").text)
    texts += [gate.admin("/").text, gate.admin("/metrics").text]
    gate.stop()
    canaries.append(hashed.stdout.strip())
    for text in [gate.log, *texts, *map(repr, exporter.requests)]:
        for canary in canaries:
            assert canary not in text


def test_user_names_are_escaped_in_the_log(lab):
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": USERS})
    name = 'ev\nlevel=info msg=listening role=gate "\x1b[31m\xff'
    assert_401(gate.get(headers=basic(name, "x")))
    line = wait_for(lambda: re.search("^.*credentials refused.*$", gate.log,
                                      re.MULTILINE)).group(0)
    assert line.isascii() and line.isprintable()
    assert "\\nlevel=info" in parse_logfmt(line)["user"]


def test_prometheus(lab, authority):
    """A real scrape job with the right password, and two without."""
    gate = lab.gate(lab.faultd(good()), secure=True,
                    config={"basic_auth_users": USERS})

    def job(name, credentials):
        made = {"job_name": name, "scheme": "https",
                "tls_config": {"ca_file": authority.ca_file,
                               "server_name": "localhost"},
                "static_configs": [{"targets": [gate.netloc]}]}
        if credentials:
            made["basic_auth"] = dict(zip(("username", "password"),
                                          credentials))
        return made
    prometheus = lab.prometheus([job("right", ALICE),
                                 job("wrong", ("alice", "wrong")),
                                 job("none", None)])
    prometheus.wait_for_target("right", lambda each: each["health"] == "up")
    # A scrape has a second, which a busy machine may not have each time.
    for name, words in (("wrong", INVALID), ("none", MISSING)):
        prometheus.wait_for_target(name, lambda each: (
            each["lastError"] == f"server returned HTTP status 401 {words}"))
    wait_for(lambda: prometheus.query('up{job="right"} == 1'))
    wait_for(lambda: prometheus.query('demo_up{job="right"} == 1'))


def test_plain_http_is_warned_about(lab):
    gate = lab.gate(lab.faultd(good()), config={"basic_auth_users": USERS})
    lines = [line for line in gate.log.splitlines() if "level=warn" in line
             and "plain" in line.lower()]
    assert len(lines) == 1 and "password" in lines[0]
    assert gate.get(headers=basic(*ALICE)).status == 200


# rate_limit.

def assert_429(answer):
    assert (answer.status, answer.reason) == (
        429, "too_many_requests: more requests than rate_limit allows")


@pytest.mark.threads
def test_rate_limit(lab):
    """One bucket for all workers and paths, before any question of who."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, config={
        "rate_limit": {"interval": "1h", "burst": 5}, "workers": 2,
        "basic_auth_users": USERS})
    paths = ["/metrics", "/-/metrics", "/nope", "/nope", "/metrics"]
    statuses = [gate.get(path, basic(*ALICE)).status for path in paths]
    assert statuses == [200, 200, 404, 404, 200]
    for path in paths:
        answer = gate.get(path)
        assert_429(answer)
        assert 3500 < int(answer.header("Retry-After")) <= 3600
        assert "Do:    rate limit: raise rate_limit" in answer.text
    assert exporter.request_count == 2
    assert gate.metric("scrapegate_refusals_total",
                       reason="too_many_requests") == 5


def test_rate_limit_leaves_probes_alone(lab):
    """A kubelet restarts no pod because scrapes come too often, and its
    probes take nothing from the scrapers' share."""
    gate = lab.gate(lab.faultd(good()), config={
        "rate_limit": {"interval": "1h", "burst": 1}})
    probes = ["/-/healthy", "/-/ready"]
    assert {gate.get(path).status for path in probes * 3} == {200}
    assert gate.get().status == 200
    assert_429(gate.get())
    assert {gate.get(path).status for path in probes * 3} == {200}


def test_rate_limit_without_burst(lab):
    """As Go's limiter: a bucket that holds nothing gives nothing."""
    gate = lab.gate(lab.faultd(good()), config={
        "rate_limit": {"interval": "1s", "burst": 0}})
    for _ in range(3):
        assert_429(gate.get())
    assert gate.admin("/-/healthy").status == 200


def test_rate_limit_fills_again(lab):
    gate = lab.gate(lab.faultd(good()), config={
        "rate_limit": {"interval": "200ms", "burst": 1}})
    with gate.connect() as connection:
        for _ in range(3):
            wait_for(lambda: connection.get().status == 200)
            wait_for(lambda: connection.get().status == 429)


# http_server_config.headers.

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


def own_headers(answer):
    return [(name, value) for name, value in answer.headers
            if name in HEADERS]


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_headers_on_every_answer(lab, secure):
    exporter = lab.faultd(good(GOOD_BODY * 3000))  # more than one record
    gate = lab.gate(exporter, secure=secure, target={
        "cache": {"ttl": "1h", "once_per_scraper": False}}, config={
            "http_server_config": {"headers": HEADERS},
            "basic_auth_users": USERS})
    auth = basic(*ALICE)
    packed = {**auth, "Accept-Encoding": "gzip"}
    with gate.connect() as connection:
        answers = [(200, connection.get(headers=auth)),
                   (200, connection.get(headers=auth)),  # with Age
                   (200, connection.get(headers=auth, method="HEAD")),
                   (200, connection.get(headers=packed)),
                   (200, connection.get(headers=packed)),
                   (200, connection.get("/-/healthy")),
                   (200, connection.get("/-/metrics", auth)),
                   (404, connection.get("/nope", auth)),
                   (401, connection.get()),
                   (200, connection.get(headers={**auth,
                                                 "Connection": "close"}))]
    answers.append((405, gate.get(method="PUT")))
    exporter.stop()
    answers.append((502, gate.get("/metrics?", {**auth, "Accept": "a/b"})))
    for status, answer in answers:
        assert answer.status == status
        assert sorted(own_headers(answer)) == sorted(HEADERS.items())
        if status == 200 and answer.header("X-Scrapegate-Reason") is None:
            assert answer.text == "" or "demo" in answer.text or (
                "scrapegate" in answer.text)
    assert answers[0][1].body == answers[1][1].body == GOOD_BODY * 3000
    assert answers[3][1].text.encode() == GOOD_BODY * 3000
    assert int(answers[2][1].header("Content-Length")) == (
        len(GOOD_BODY * 3000))


def test_large_headers(lab):
    """More than fits one record, because the operator says so."""
    policy = "default-src " + " ".join(
        f"https://{number}.example.org" for number in range(1500))
    gate = lab.gate(lab.faultd(good()), secure=True, config={
        "http_server_config": {"headers": {
            "Content-Security-Policy": policy}}})
    for _ in range(3):
        answer = gate.get()
        assert answer.header("Content-Security-Policy") == policy
        assert answer.body == GOOD_BODY


# hash-password.

@pytest.mark.parametrize("given, password", [
    ("secret", "secret"), ("secret\n", "secret"), ("se cret \n", "se cret "),
    ("\n\n", "\n"), ("x" * 72, "x" * 72), ("x" * 72 + "\n", "x" * 72),
    ("pässwörd", "pässwörd")],
    ids=["plain", "newline", "blanks", "newlines", "longest",
         "longest-newline", "utf-8"])
def test_hash_password(lab, given, password):
    result = run_cli("hash-password", stdin=given)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"\$2b\$12\$[./A-Za-z0-9]{53}\n", result.stdout)
    again = run_cli("hash-password", stdin=given)
    assert again.stdout != result.stdout
    gate = lab.gate(lab.faultd(good()), config={
        "basic_auth_users": {"u": result.stdout.strip()}})
    for sent, status in ((password, 200), (password[:-1], 401)):
        assert gate.get(headers=basic("u", sent), timeout=PATIENT,
                        seconds=PATIENT).status == status


@pytest.mark.parametrize("given, words", [
    ("", "the password is empty"), ("\n", "the password is empty"),
    ("x" * 73, "more than 72 bytes"), ("x" * 73 + "\n", "more than 72 bytes"),
    ("x" * 100000, "more than 72 bytes"), ("sec\0ret", "NUL byte")],
    ids=["nothing", "newline", "long", "long-newline", "huge", "nul"])
def test_hash_password_refuses(given, words):
    result = run_cli("hash-password", stdin=given)
    assert result.returncode == 1 and result.stdout == ""
    assert words in result.stderr
    assert "xxx" not in result.stderr and "sec" not in result.stderr


def test_hash_password_help():
    result = run_cli("hash-password", "--help")
    assert result.returncode == 0
    assert "basic_auth_users" in result.stdout
    assert run_cli("hash-password", "secret").returncode == 2
    assert run_cli("hash-password", "--upstream", "x").returncode == 2


# Reload.

def reload(gate, **changes):
    """Rewrites the file, says so, and waits until it is in force."""
    config = yaml.safe_load(gate.config_path.read_text())
    config.update(changes)
    gate.config_path.write_text(yaml.safe_dump(config))
    answer = gate.admin("/-/reload", method="POST")
    assert answer.status == 200, answer.text


@pytest.mark.threads
def test_reload_shuts_out_at_once(lab):
    """Removed or changed users fail with the next request, also on the
    connection that they were let in on, and whatever is remembered."""
    gate = lab.gate(lab.faultd(good()), secure=True, config={
        "basic_auth_users": USERS, "workers": 2})
    with gate.connect() as kept:
        assert kept.get(headers=basic(*ALICE)).status == 200
        assert kept.get(headers=basic(*CAROL)).status == 200
        reload(gate, basic_auth_users={"alice": CAROL_HASH})
        assert_401(kept.get(headers=basic(*ALICE)))
        assert_401(kept.get(headers=basic(*CAROL)))
        assert kept.get(headers=basic("alice", CAROL[1])).status == 200
        reload(gate, basic_auth_users=USERS)
        assert kept.get(headers=basic(*ALICE)).status == 200
        assert_401(kept.get(headers=basic("alice", CAROL[1])))


def test_reload_switches_authentication(lab):
    gate = lab.gate(lab.faultd(good()))
    with gate.connect() as kept:
        assert kept.get().status == 200
        reload(gate, basic_auth_users=USERS,
               http_server_config={"headers": HEADERS})
        answer = kept.get()
        assert_401(answer, MISSING)
        assert sorted(own_headers(answer)) == sorted(HEADERS.items())
        assert kept.get(headers=basic(*ALICE)).status == 200
        reload(gate, basic_auth_users={}, http_server_config={})
        answer = kept.get()
        assert answer.status == 200 and own_headers(answer) == []


def test_reload_while_hashing(lab):
    """A password that was right when it was sent, and is not any more when
    its check ends, opens nothing."""
    hashed = run_cli("hash-password", stdin="secret").stdout.strip()
    users = {"bob": USUAL, "alice": ALICE_HASH,
             **{f"ann{turn}": hashed for turn in range(5)}}
    gate = lab.gate(lab.faultd(good()), config={
        "auth": {"failed_logins_per_address": 0, "failed_logins_per_user": 0},
        "basic_auth_users": users})
    queue = [gate.connect(seconds=PATIENT) for _ in range(8)]
    *guessers, changed, same = queue

    def login(connection, *pair):
        connection.send(request_bytes(headers={
            **basic(*pair), "X-Prometheus-Scrape-Timeout-Seconds": PATIENT}))

    def is_refused(turn):
        """False: its check had ended before the reload, which proves
        nothing."""
        for number, connection in enumerate(guessers):
            login(connection, "bob", f"{turn}-{number}")
        login(changed, f"ann{turn}", "secret")
        login(same, *ALICE)
        reload(gate, basic_auth_users={**users, f"ann{turn}": ALICE_HASH})
        is_early = bool(readable(changed.socket, seconds=0))
        answers = [connection.answer() for connection in queue]
        assert answers[-1].status == 200
        if is_early and answers[-2].status == 200:
            return False
        assert_401(answers[-2])
        return True
    assert any(is_refused(turn) for turn in range(5))
    for connection in queue:
        connection.close()


def test_reload_fills_no_bucket(lab):
    gate = lab.gate(lab.faultd(good()), config={
        "rate_limit": {"interval": "1h", "burst": 2}})
    assert [gate.get().status for _ in range(3)] == [200, 200, 429]
    reload(gate, basic_auth_users=USERS)
    assert_429(gate.get())
    reload(gate, basic_auth_users={}, rate_limit={})
    assert gate.get().status == 200
