"""Kubernetes says who scrapes and who may: TokenReview and
SubjectAccessReview against a strict stand-in of the API, which also slows
down, lies and goes away."""

import collections
import json
import math
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

import certs as certs_module
import kube_api
from arrivals import has_read
from faultd import good
from kube_api import ACCESS_REVIEWS, TOKEN_REVIEWS, KubeApi
from wire import Closed, request_bytes, wait_for

PROM = "system:serviceaccount:monitoring:prometheus"
GROUPS = ["system:serviceaccounts", "system:serviceaccounts:monitoring",
          "system:authenticated"]
TOKEN = "eyJ.prometheus.token"
# What guesses would be refused for otherwise, before anybody is asked.
NO_LIMIT = {"failed_logins_per_address": 0, "failed_logins_per_user": 0}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def api(lab, authority, tmp_path):
    made = lab.keep(KubeApi(authority, tmp_path, lab.loopback))
    made.add(TOKEN, PROM, GROUPS)
    return made


def start(lab, api, auth=None, target=None, env=None, log=None, **kubernetes):
    config = {"auth": {**api.config(**kubernetes), **(auth or {})}}
    if log:
        config["log"] = {"level": log}
    return lab.gate(lab.faultd(good()), target=target, config=config, env=env)


def scrape(gate, token=TOKEN, **options):
    headers = {**bearer(token), **options.pop("headers", {})}
    return gate.get(headers=headers, **options)


def reason(answer):
    return answer.status, answer.header("X-Scrapegate-Reason")


def details(gate):
    """Of the refusals, the newest first."""
    data = gate.api("refusals")
    rows = data["refusals"] if isinstance(data, dict) else data
    return [each["detail"] for each in rows]


GOOD = (200, None)
INVALID = (401, "credentials_invalid")
DENIED = (403, "access_denied")
NO_AUTHN = (503, "authn_backend_unavailable")
NO_AUTHZ = (503, "authz_backend_unavailable")


def on(path, trouble):
    """Only where `path` is asked."""
    return lambda handler: trouble(handler) if handler.path == path else None


# Who it is.

@pytest.mark.smoke
def test_token_review(lab, api):
    api.add("for-another", PROM, GROUPS, audiences=["other"])
    gate = start(lab, api)
    assert reason(scrape(gate)) == GOOD
    assert api.bodies(TOKEN_REVIEWS) == [{
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {"token": TOKEN, "audiences": ["scrapegate"]}}]
    assert reason(scrape(gate, "unknown")) == INVALID
    assert details(gate)[0] == "invalid bearer token"
    assert reason(scrape(gate, "for-another")) == INVALID
    assert details(gate)[0] == (
        '[invalid bearer token, token audiences ["other"] is invalid for the '
        'target audiences ["scrapegate"]]')
    assert api.count() == 3


def test_nothing_to_ask_about(lab, api):
    gate = start(lab, api)
    assert reason(gate.get()) == (401, "credentials_missing")
    for value in ("Bearer", "Bearer a b", "Basic YTpi"):
        assert gate.get(headers={"Authorization": value}).status == 401
    assert api.count() == 0


def test_any_audience(lab, api):
    """Without audiences the token has to be the API server's own."""
    api.add("own", PROM, audiences=[api.own_audience])
    gate = start(lab, api, token_review={})
    assert reason(scrape(gate, "own")) == GOOD
    assert reason(scrape(gate)) == INVALID
    assert "audiences" not in api.bodies(TOKEN_REVIEWS)[0]["spec"]


def test_groups_for_rules(lab, api):
    api.add("other", "eve", ["system:authenticated"])
    gate = start(lab, api, auth={"rules": [
        {"groups": ["system:serviceaccounts:monitoring"],
         "action": "allow"}]})
    assert reason(scrape(gate)) == GOOD
    assert reason(scrape(gate, "other")) == DENIED


@pytest.mark.parametrize("audiences", [None, [], ["other"], ["Scrapegate"],
                                       ["other", ""]])
def test_h66_audience_of_the_answer(lab, api, audiences):
    api.trouble = kube_api.status(audiences=audiences)
    gate = start(lab, api)
    assert reason(scrape(gate)) == INVALID
    assert "audience" in details(gate)[0]
    assert "wanted scrapegate" in details(gate)[0]


# Whether it may.

def test_access_review(lab, api):
    api.allowed.add((PROM, "/metrics"))
    gate = start(lab, api, access_review=True)
    assert reason(scrape(gate)) == GOOD
    assert api.bodies(ACCESS_REVIEWS) == [{
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": PROM, "groups": GROUPS, "nonResourceAttributes": {
            "path": "/metrics", "verb": "get"}}}]
    api.reason = 'RBAC: clusterrole "x" not found'
    assert reason(scrape(gate, path="/metrics/node")) == DENIED
    assert details(gate)[0] == 'RBAC: clusterrole "x" not found'
    assert api.count(TOKEN_REVIEWS) == 1


def test_denied_then_bound(lab, api):
    gate = start(lab, api, access_review=True, cache_denied="5s")
    assert reason(scrape(gate)) == DENIED
    assert reason(scrape(gate)) == DENIED
    assert api.count(ACCESS_REVIEWS) == 1
    api.allowed.add((PROM, "/metrics"))
    wait_for(lambda: reason(scrape(gate)) == GOOD, 20, "the new role")


def test_resource(lab, api):
    attributes = {"namespace": "shop", "apiGroup": "apps",
                  "apiVersion": "v1", "resource": "deployments",
                  "subresource": "metrics", "name": "web"}
    api.allowed.add((PROM, ("shop", "apps", "v1", "deployments", "metrics",
                            "web")))
    gate = start(lab, api, access_review=True, resourceAttributes=attributes)
    assert reason(scrape(gate)) == GOOD
    assert api.bodies(ACCESS_REVIEWS)[0]["spec"]["resourceAttributes"] == {
        "namespace": "shop", "verb": "get", "group": "apps", "version": "v1",
        "resource": "deployments", "subresource": "metrics", "name": "web"}


@pytest.mark.parametrize("rewrite", ["query", "header"])
def test_rewrite(lab, api, rewrite):
    """kube-rbac-proxy's templates."""
    api.allowed.add((PROM, ("shop", "", "v1", "services", "", "")))
    rewrites = ({"byQueryParameter": {"name": "namespace"}}
                if rewrite == "query" else
                {"byHttpHeader": {"name": "X-Namespace"}})
    gate = start(
        lab, api, access_review=True, rewrites=rewrites,
        resourceAttributes={"namespace": "{{ .Value }}", "apiVersion": "v1",
                            "resource": "services"},
        target={"query": {"allow": ["namespace"]}})

    def ask(value):
        if rewrite == "query":
            return reason(scrape(gate, path=f"/metrics?namespace={value}"))
        return reason(scrape(gate, headers={"X-Namespace": value}))
    assert ask("shop") == GOOD
    assert ask("bank") == DENIED
    asked = api.count(ACCESS_REVIEWS)
    assert asked == 2
    # Without a value, or one that is no name, nobody is asked.
    for answer in (reason(scrape(gate)), ask("%2e%2e" if rewrite == "query"
                                             else ".."),
                   ask("a/b"), ask("a" * 254)):
        assert answer[0] in (400, 403)
    assert api.count(ACCESS_REVIEWS) == asked


# H67: nobody is let in, and nobody is told that the credentials are bad.

TROUBLES = {
    "slow": kube_api.slow(20),
    "429": kube_api.failing(429, [("Retry-After", "1")]),
    "500": kube_api.failing(500),
    "503": kube_api.failing(503),
    "403": kube_api.failing(403),
    "404": kube_api.failing(404),
    "422": kube_api.failing(422),
    "html": kube_api.html(),
    "html-502": kube_api.html(502),
    "redirect": kube_api.elsewhere,
    "truncated": kube_api.truncated,
    "huge": kube_api.huge,
    "reset": kube_api.reset,
    "twins": kube_api.twins,
    "trailing": kube_api.trailing,
    "kind": kube_api.head(kind="Status"),
    "version": kube_api.head(apiVersion="v1"),
    "no-status": kube_api.head(status=None),
}
OF_ACCESS = {
    "both": kube_api.status(allowed=True, denied=True),
    "evaluation": kube_api.status(allowed=False, evaluationError="broken"),
    "text": kube_api.status(allowed="true"),
    "none": kube_api.status(allowed=None),
}
OF_TOKEN = {
    "text": kube_api.status(authenticated="true"),
    "nobody": kube_api.status(user={}),
    "groups": kube_api.status(user={"username": "u", "groups": "admin"}),
}


@pytest.mark.parametrize("path, expected", [
    (TOKEN_REVIEWS, NO_AUTHN), (ACCESS_REVIEWS, NO_AUTHZ)],
    ids=["token", "access"])
@pytest.mark.parametrize("name", TROUBLES)
def test_h67_no_answer(lab, api, name, path, expected):
    api.allowed.add((PROM, "/metrics"))
    api.trouble = on(path, TROUBLES[name])
    gate = start(lab, api, access_review=True)
    answer = scrape(gate)
    assert reason(answer) == expected
    assert answer.header("Retry-After")
    assert answer.seconds < 9  # a call may take 3, and a login 9.5
    assert details(gate)[0]
    api.trouble = None
    wait_for(lambda: reason(scrape(gate)) == GOOD, 20, "recovery")


@pytest.mark.parametrize("name", OF_TOKEN)
def test_h67_token_answer(lab, api, name):
    api.trouble = OF_TOKEN[name]
    gate = start(lab, api)
    assert reason(scrape(gate)) == NO_AUTHN


@pytest.mark.parametrize("name", OF_ACCESS)
def test_h67_access_answer(lab, api, name):
    api.allowed.add((PROM, "/metrics"))
    api.trouble = on(ACCESS_REVIEWS, OF_ACCESS[name])
    gate = start(lab, api, access_review=True)
    assert reason(scrape(gate)) == NO_AUTHZ


def test_yes_in_spite_of_an_error(lab, api):
    """Kubernetes: an error in the evaluation leaves a yes what it is."""
    api.allowed.add((PROM, "/metrics"))
    api.trouble = on(ACCESS_REVIEWS, kube_api.status(
        evaluationError="another binding is broken"))
    gate = start(lab, api, access_review=True)
    assert reason(scrape(gate)) == GOOD


def test_words_for_the_operator(lab, api):
    """The scraper is told nothing of it."""
    api.trouble = kube_api.failing(403)
    gate = start(lab, api)
    answer = scrape(gate)
    assert "system:auth-delegator" not in answer.reason + answer.text
    assert details(gate)[0] == (
        "the gate's ServiceAccount may not create tokenreviews (403): bind "
        "the ClusterRole system:auth-delegator to it")
    wait_for(lambda: "Kubernetes cannot be asked for token reviews"
             in gate.log)
    api.trouble = None
    wait_for(lambda: reason(scrape(gate)) == GOOD, 20, "recovery")
    wait_for(lambda: "Kubernetes answers token reviews again" in gate.log)


def test_api_is_not_there(lab, api):
    api.go_down()
    gate = start(lab, api)
    assert reason(scrape(gate)) == NO_AUTHN
    assert "connection refused" in details(gate)[0]
    api.start()
    wait_for(lambda: reason(scrape(gate)) == GOOD, 20, "the API")


def test_wrong_authority(lab, api, tmp_path_factory):
    other = certs_module.Authority(tmp_path_factory.mktemp("other"), "Other")
    gate = start(lab, api, ca_file=other.ca_file)
    assert reason(scrape(gate)) == NO_AUTHN
    assert "certificate" in details(gate)[0]
    assert api.count() == 0


def outside():
    return {"KUBERNETES_SERVICE_HOST": "", "KUBERNETES_SERVICE_PORT": ""}


def test_outside_of_a_pod(lab, api):
    kubernetes = api.config()["kubernetes"]
    del kubernetes["api_server"]
    gate = lab.gate(lab.faultd(good()), env=outside(), config={
        "auth": {"kubernetes": kubernetes}})
    assert reason(scrape(gate)) == NO_AUTHN
    assert "set auth.kubernetes.api_server" in details(gate)[0]


def test_inside_a_pod(lab, api):
    kubernetes = api.config()["kubernetes"]
    del kubernetes["api_server"]
    gate = lab.gate(lab.faultd(good()), config={
        "auth": {"kubernetes": kubernetes}},
        env={"KUBERNETES_SERVICE_HOST": api.host,
             "KUBERNETES_SERVICE_PORT": str(api.port)})
    assert reason(scrape(gate)) == GOOD


# The gate's own token.

def test_rotation(lab, api):
    gate = start(lab, api)
    assert reason(scrape(gate)) == GOOD
    api.rotate("gate-token-2")
    api.add("new", "someone")
    assert reason(scrape(gate, "new")) == GOOD


def test_rotation_in_the_middle(lab, api):
    """The old one is void while it is in use: it is read again, at once."""
    gate = start(lab, api)
    api.gate_token = "gate-token-2"
    seen = []

    def is_gate(handler):
        given = handler.headers.get("Authorization")
        seen.append(given)
        if len(seen) == 1:
            api.write_token("gate-token-2")
        return given == f"Bearer {api.gate_token}"
    original = kube_api.Handler.is_gate
    kube_api.Handler.is_gate = is_gate
    try:
        assert reason(scrape(gate)) == GOOD
    finally:
        kube_api.Handler.is_gate = original
    assert seen == ["Bearer gate-token-1", "Bearer gate-token-2"]


def test_own_token_void(lab, api):
    gate = start(lab, api)
    api.gate_token = "gate-token-2"
    assert reason(scrape(gate)) == NO_AUTHN
    assert "token of the gate's own ServiceAccount" in details(gate)[0]
    api.write_token("gate-token-2")
    wait_for(lambda: reason(scrape(gate)) == GOOD, 20, "the new token")


@pytest.mark.parametrize("content", ["", "two\nlines", "x" * 100000, "a\0b",
                                     None])
def test_own_token_unusable(lab, api, content):
    gate = start(lab, api)
    if content is None:
        api.token_file.unlink()
    else:
        api.write_token(content)
    assert reason(scrape(gate)) == NO_AUTHN
    assert "gate-token" in details(gate)[0]
    assert api.count() == 0


# How often it is asked.

@pytest.mark.threads
def test_single_flight(lab, api):
    begun = threading.Event()
    go_on = threading.Event()

    def hold(_):
        begun.set()
        go_on.wait(20)
    api.trouble = hold
    gate = start(lab, api)
    # Connected before: the call that they share takes no longer than 3 s.
    waiting = [gate.connect() for _ in range(20)]
    for each in waiting:
        each.send(request_bytes(headers=bearer(TOKEN)))
    assert begun.wait(20)
    # All of them wait for the one that is on its way.
    wait_for(lambda: has_read(gate, 20), what="all of them read")
    go_on.set()
    assert [reason(each.answer()) for each in waiting] == [GOOD] * 20
    assert api.count() == 1
    for each in waiting:
        each.close()


def test_caches(lab, api):
    api.allowed.add((PROM, "/metrics"))
    gate = start(lab, api, access_review=True, cache_allowed="1s",
                 cache_denied="1s")
    for _ in range(20):
        assert reason(scrape(gate)) == GOOD
        assert reason(scrape(gate, "bad")) == INVALID
        if api.count(TOKEN_REVIEWS) > 2:
            break  # a second has passed on a slow machine
    else:
        assert api.count(TOKEN_REVIEWS) == 2
        assert api.count(ACCESS_REVIEWS) == 1
    wait_for(lambda: scrape(gate).status == 200 and
             api.count(ACCESS_REVIEWS) >= 2 and
             scrape(gate, "bad").status == 401 and
             api.count(TOKEN_REVIEWS) >= 4, 20, "to be asked again")


def test_default_caches(lab, api):
    gate = start(lab, api)
    for _ in range(50):
        assert reason(scrape(gate)) == GOOD
    assert api.count() == 1


def test_h34_bad_tokens(lab, api):
    """As many as can be sent: the API sees two and then six a second, at most
    10 with those that meet on the way; and who is known is served."""
    gate = start(lab, api, auth=NO_LIMIT)
    assert reason(scrape(gate)) == GOOD
    begin = time.monotonic()
    done = threading.Event()
    seen = collections.Counter()

    def flood(number):
        connection = gate.connect()
        sent = 0
        while not done.is_set():
            answer = connection.get(headers=bearer(f"bad-{number}-{sent}"))
            seen[answer.status] += 1
            sent += 1
            if answer.header("Connection") == "close":
                connection.close()
                connection = gate.connect()
        connection.close()
    threads = [threading.Thread(target=flood, args=(number,))
               for number in range(16)]
    for each in threads:
        each.start()

    def is_enough():
        assert reason(scrape(gate)) == GOOD
        return (time.monotonic() - begin > 3 and seen[429] > 100
                and api.count() >= 12)
    try:
        wait_for(is_enough, 60, "a flood of three seconds")
    finally:
        done.set()
        for each in threads:
            each.join()
    assert set(seen) == {401, 429}
    # By the time since the begin, as calls may be late and then meet here.
    for number, when in enumerate(api.times()[1:], 1):
        assert number <= 3 + 6.1 * (when - begin)
    assert gate.metric("scrapegate_auth_backend_calls_total",
                       service="token_review", result="limited") > 100


def test_turns(lab, api):
    """Who guesses from one address holds up a new scraper at another for one
    guess, not for all of them."""
    gate = start(lab, api, auth=NO_LIMIT)

    def is_soon(turn):
        """The guesses take a second: who came later than that proves
        nothing."""
        new = f"new-{turn}"
        api.add(new, "someone")
        with ThreadPoolExecutor(8) as pool:
            bad = [pool.submit(scrape, gate, f"bad-{turn}-{number}",
                               source="127.0.0.2") for number in range(8)]
            wait_for(lambda: api.count() >= 9 * turn + 2)
            assert reason(scrape(gate, new, source="127.0.0.3")) == GOOD
            assert {reason(each.result()) for each in bad} == {INVALID}
        assert api.count() == 9 * (turn + 1)
        tokens = [each["spec"]["token"]
                  for each in api.bodies(TOKEN_REVIEWS)[9 * turn:]]
        return tokens.index(new) < 7
    assert any(is_soon(turn) for turn in range(10))


def test_back_off(lab, api):
    """While it fails it is left alone, and the answer is there at once."""
    gate = start(lab, api, auth=NO_LIMIT)
    api.trouble = kube_api.failing(503)
    begin = time.monotonic()
    asked = 0

    def is_enough():
        nonlocal asked
        assert reason(scrape(gate, f"token-{asked}")) == NO_AUTHN
        asked += 1
        return (time.monotonic() - begin > 3 and asked > 30
                and api.count() >= 2)
    wait_for(is_enough, 60, "another call")
    # 0.25 s, 0.5 s, 1 s, 2 s, ... after each other at the very fastest.
    assert api.count() <= 2 + math.log2(
        1 + (time.monotonic() - begin) / 0.25)
    assert any("retrying" in each for each in details(gate))
    api.trouble = None
    wait_for(lambda: reason(scrape(gate)) == GOOD, 20, "recovery")


def test_retry_after(lab, api):
    gate = start(lab, api, auth=NO_LIMIT)
    api.trouble = kube_api.failing(429, [("Retry-After", "2")])
    begin = time.monotonic()
    assert reason(scrape(gate)) == NO_AUTHN
    api.trouble = None
    wait_for(lambda: reason(scrape(gate)) == GOOD, 20, "recovery")
    assert time.monotonic() - begin > 1.9
    assert api.count() == 2


# When it is away for a while.

@pytest.mark.threads
def test_stale_grace(lab, api):
    """At every worker, whichever of them let somebody in before."""
    api.allowed.add((PROM, "/metrics"))
    api.add("new", PROM, paths=["/metrics"])
    gate = start(lab, api, access_review=True, cache_allowed="1s",
                 stale_grace="1h")
    assert reason(scrape(gate)) == GOOD
    api.go_down()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert reason(scrape(gate)) == GOOD
    # Only who was let in before.
    assert reason(scrape(gate, "new")) == NO_AUTHN
    assert reason(scrape(gate, path="/metrics/node")) == NO_AUTHZ
    api.start()
    wait_for(lambda: reason(scrape(gate, "new")) == GOOD, 20, "the API")


def test_stale_grace_ends(lab, api):
    gate = start(lab, api, cache_allowed="1s", stale_grace="2s")
    begin = time.monotonic()  # no later than the yes
    assert reason(scrape(gate)) == GOOD
    api.go_down()
    wait_for(lambda: reason(scrape(gate)) == NO_AUTHN, 20, "the end")
    assert 2.9 < time.monotonic() - begin < 15


def test_no_grace_by_default(lab, api):
    gate = start(lab, api, cache_allowed="1s")
    assert reason(scrape(gate)) == GOOD
    begin = time.monotonic()
    api.go_down()
    wait_for(lambda: reason(scrape(gate)) == NO_AUTHN, 20, "the end")
    assert time.monotonic() - begin < 10


@pytest.mark.threads
def test_grace_is_not_for_the_refused(lab, api):
    """A no is a no: grace is for silence only."""
    gate = start(lab, api, cache_allowed="1s", stale_grace="1h")
    assert reason(scrape(gate)) == GOOD
    del api.users[TOKEN]
    wait_for(lambda: reason(scrape(gate)) == INVALID, 20, "the refusal")
    api.go_down()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert scrape(gate).status in (401, 429, 503)


# Beside.

@pytest.mark.threads
def test_reload(lab, api):
    """What was found out under another configuration counts no more."""
    gate = start(lab, api)
    assert reason(scrape(gate)) == GOOD
    config = yaml.safe_load(gate.config_path.read_text())
    config["auth"]["kubernetes"]["token_review"]["audiences"] = ["another"]
    gate.config_path.write_text(yaml.safe_dump(config))
    gate.process.send_signal(signal.SIGHUP)
    wait_for(lambda: reason(scrape(gate)) == INVALID, 20, "the reload")
    assert api.bodies(TOKEN_REVIEWS)[-1]["spec"]["audiences"] == ["another"]


def calls(gate):
    return {(labels["service"], labels["result"]): value
            for (name, pairs), value in gate.metrics().items()
            for labels in [dict(pairs)]
            if name == "scrapegate_auth_backend_calls_total"}


def test_counted(lab, api):
    api.allowed.add((PROM, "/metrics"))
    gate = start(lab, api, access_review=True)
    assert set(calls(gate).values()) == {0}
    assert len(calls(gate)) == 8
    assert reason(scrape(gate)) == GOOD
    assert reason(scrape(gate, "bad")) == INVALID
    assert reason(scrape(gate, path="/metrics/node")) == DENIED
    api.trouble = kube_api.html()
    assert reason(scrape(gate, "other")) == NO_AUTHN
    assert {key: value for key, value in calls(gate).items() if value} == {
        ("token_review", "ok"): 1, ("token_review", "denied"): 1,
        ("token_review", "unavailable"): 1, ("access_review", "ok"): 1,
        ("access_review", "denied"): 1}
    assert gate.metric("scrapegate_auth_total", method="token_review",
                       result="unavailable") == 1


def test_no_series_without(lab):
    gate = lab.gate(lab.faultd(good()))
    assert calls(gate) == {}


def test_secrets_stay_secret(lab, api):
    """Neither the scrapers' tokens nor the gate's own, at any level."""
    api.add("canary-good", PROM, GROUPS, paths=["/metrics"])
    api.trouble = on(TOKEN_REVIEWS, lambda handler: None)
    gate = start(lab, api, log="debug", access_review=True)
    assert reason(scrape(gate, "canary-good")) == GOOD
    assert reason(scrape(gate, "canary-bad")) == INVALID
    api.trouble = kube_api.truncated
    answer = scrape(gate, "canary-truncated")
    assert reason(answer) == NO_AUTHN
    seen = gate.log + json.dumps(gate.api("refusals")) + answer.text
    for path in ("/", "/metrics", "/api/v1/status/config"):
        seen += gate.admin(path).text
    for secret in ("canary-good", "canary-bad", "canary-truncated",
                   api.gate_token):
        assert secret not in seen


@pytest.mark.parametrize("path", [TOKEN_REVIEWS, ACCESS_REVIEWS],
                         ids=["token", "access"])
def test_stop_while_it_is_asked(lab, api, path):
    """The end is clean, whoever still waits for an answer."""
    begun = threading.Event()
    api.allowed.add((PROM, "/metrics"))

    def hold(handler):
        begun.set()
        handler.api.stopped.wait(20)
    api.trouble = on(path, hold)
    gate = start(lab, api, access_review=True)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(scrape, gate)
        assert begun.wait(20)
        gate.process.send_signal(signal.SIGTERM)
        gate.process.send_signal(signal.SIGTERM)
        try:
            assert waiting.result().status == 503
        except (Closed, OSError):
            pass  # cut off by the end
    gate.stop()
