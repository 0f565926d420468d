"""JWTs with the keys of a URL, as a cluster has one: fetched when needed, not
more often, and kept while nobody answers."""

import pytest

import kube_api
from faultd import good
from jwts import Issuer
from kube_api import KEYS, KubeApi
from wire import wait_for

NO_LIMIT = {"failed_logins_per_address": 0, "failed_logins_per_user": 0}


@pytest.fixture
def issuer():
    return Issuer()


@pytest.fixture
def api(lab, authority, tmp_path, issuer):
    made = lab.keep(KubeApi(authority, tmp_path, lab.loopback))
    made.keys = {"keys": [issuer.jwk()]}
    return made


def start(lab, api, issuer, auth=None, **jwt):
    return lab.gate(lab.faultd(good()), config={"auth": {**NO_LIMIT, "jwt": {
        "issuer": issuer.issuer, "audiences": [issuer.audience],
        "jwks_url": api.url + KEYS, "jwks_ca_file": api.ca_file,
        "jwks_token_file": str(api.token_file), **jwt}, **(auth or {})}})


def ask(gate, token):
    answer = gate.get(headers={"Authorization": f"Bearer {token}"})
    return answer.status, answer.header("X-Scrapegate-Reason")


GOOD = (200, None)
INVALID = (401, "credentials_invalid")
NO_AUTHN = (503, "authn_backend_unavailable")


@pytest.mark.threads
def test_fetched_once(lab, api, issuer):
    gate = start(lab, api, issuer)
    assert api.count() == 0
    for number in range(20):
        assert ask(gate, issuer.token(sub=f"user-{number}")) == GOOD
    assert ask(gate, issuer.token(exp=1)) == INVALID
    assert api.count(KEYS) == 1
    assert gate.metric("scrapegate_auth_backend_calls_total", service="jwks",
                       result="ok") == 1


def test_service_account_without_a_review(lab, api, issuer):
    """The cluster's own keys: no TokenReview for any scrape."""
    gate = start(lab, api, issuer, auth=api.config())
    for _ in range(20):
        assert ask(gate, issuer.account_token()) == GOOD
    assert api.count() == api.count(KEYS) == 1


def test_h35_unknown_keys(lab, api, issuer):
    """Whatever `kid` they think of: at most one fetch in 10 s."""
    gate = start(lab, api, issuer)
    for number in range(100):
        token = issuer.token(header={"kid": f"random-{number}"})
        assert ask(gate, token) == INVALID
    assert ask(gate, issuer.token()) == GOOD
    assert api.count(KEYS) <= 2
    if api.count(KEYS) == 2:
        first, second = (each[0] for each in api.requests)
        assert second - first > 9.9


def test_new_key(lab, api, issuer):
    """A key that came later is found when a token first names it."""
    gate = start(lab, api, issuer)
    assert ask(gate, issuer.token()) == GOOD
    successor = Issuer(kid="key-2")
    api.keys = {"keys": [issuer.jwk(), successor.jwk()]}
    wait_for(lambda: ask(gate, successor.token()) == GOOD, 25, "the new key")
    assert ask(gate, issuer.token()) == GOOD
    assert api.count(KEYS) == 2


@pytest.mark.parametrize("name, trouble", [
    ("503", kube_api.failing(503)), ("403", kube_api.failing(403)),
    ("html", kube_api.html()), ("redirect", kube_api.elsewhere),
    ("reset", kube_api.reset), ("slow", kube_api.slow(20))])
def test_no_keys_yet(lab, api, issuer, name, trouble):
    api.trouble = trouble
    gate = start(lab, api, issuer)
    assert ask(gate, issuer.token()) == NO_AUTHN
    assert ask(gate, issuer.token(sub="another")) == NO_AUTHN
    api.trouble = None
    wait_for(lambda: ask(gate, issuer.token()) == GOOD, 20, "the keys")


@pytest.mark.parametrize("keys", [
    {}, {"keys": {}}, {"keys": []}, {"keys": [{"kty": "oct", "k": "AAAA"}]},
    {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}, []],
    ids=["empty", "no-list", "none", "secret", "weak", "list"])
def test_bad_keys(lab, api, issuer, keys):
    api.keys = keys
    gate = start(lab, api, issuer)
    assert ask(gate, issuer.token()) == NO_AUTHN
    wait_for(lambda: "the key set cannot be fetched" in gate.log)


def test_huge_keys(lab, api, issuer):
    api.keys = {"keys": [issuer.jwk()], "x": "x" * (256 * 1024)}
    gate = start(lab, api, issuer)
    assert ask(gate, issuer.token()) == NO_AUTHN


def test_keys_outlive_their_url(lab, api, issuer):
    gate = start(lab, api, issuer)
    assert ask(gate, issuer.token()) == GOOD
    api.go_down()
    for number in range(5):
        assert ask(gate, issuer.token(sub=f"user-{number}")) == GOOD
    assert ask(gate, Issuer().token()) == INVALID


def test_own_token(lab, api, issuer):
    api.gate_token = "gate-token-2"
    gate = start(lab, api, issuer)
    assert ask(gate, issuer.token()) == NO_AUTHN
    assert api.count(KEYS) == 2  # the token is read again, once
    api.write_token("gate-token-2")
    wait_for(lambda: ask(gate, issuer.token()) == GOOD, 20, "the new token")
