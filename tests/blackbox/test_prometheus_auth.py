"""A real Prometheus that logs in: each method with a scrape job of its own,
and what its targets page shows of jobs that may not."""

import pytest

from faultd import good
from test_basic_auth import ALICE, ALICE_HASH
from test_identities import SPIFFE, line
from wire import wait_for

DENIED = "server returned HTTP status 403 access_denied: "
INVALID = "server returned HTTP status 401 credentials_invalid: "
MISSING = "server returned HTTP status 401 credentials_missing: "


def job(name, gate, authority, tls=None, **more):
    return {"job_name": name, "scheme": "https",
            "tls_config": {"ca_file": authority.ca_file,
                           "server_name": "localhost", **(tls or {})},
            "static_configs": [{"targets": [gate.netloc]}], **more}


@pytest.mark.smoke
@pytest.mark.threads
def test_jobs(lab, authority):
    tokens = lab.folder / "tokens"
    tokens.write_text(line("prometheus", "right-token", "scrapers") +
                      line("eve", "other-token"))
    block = dict(lab.certificate, client_ca_file=authority.ca_file,
                 client_auth_type="VerifyClientCertIfGiven")
    gate = lab.gate(lab.faultd(good()), tls=lab.client_tls, config={
        "insecure_http": False, "tls_server_config": block,
        "basic_auth_users": {"alice": ALICE_HASH},
        "auth": {"failed_logins_per_address": 0,
                 "bearer_tokens_file": str(tokens), "client_certificate": {},
                 "rules": [{"users": ["alice", SPIFFE]},
                           {"groups": ["scrapers"]}]}})
    spiffe = authority.issue("prometheus", (SPIFFE,), usage="client")
    other = authority.issue("stranger", ("x.test",), usage="client")

    def token(name, text):
        path = lab.folder / name
        path.write_text(text)
        return {"authorization": {"credentials_file": str(path)}}

    def certificate(pair):
        return {"cert_file": pair.cert_file, "key_file": pair.key_file}

    def password(text):
        return {"basic_auth": {"username": "alice", "password": text}}
    good_ones = [
        job("basic", gate, authority, **password(ALICE[1])),
        job("bearer", gate, authority, **token("right", "right-token")),
        job("certificate", gate, authority, certificate(spiffe))]
    bad = {
        "wrong-token": (
            job("wrong-token", gate, authority, **token("wrong", "guess")),
            INVALID + "bearer token not accepted by this gate"),
        "wrong-password": (
            job("wrong-password", gate, authority, **password("guess")),
            INVALID + "basic auth user or password not accepted by this "
            "gate"),
        "no-rule": (
            job("no-rule", gate, authority, **token("eve", "other-token")),
            DENIED),
        "other-certificate": (
            job("other-certificate", gate, authority, certificate(other)),
            DENIED),
        "nothing": (job("nothing", gate, authority),
                    MISSING + "this gate wants basic auth (user and "
                    "password) or a bearer token or a client certificate"),
    }
    prometheus = lab.prometheus(
        good_ones + [each for each, _ in bad.values()],
        interval="3s", timeout="3s")
    for each in good_ones:
        name = each["job_name"]
        prometheus.wait_for_target(name, lambda one: one["health"] == "up")
        wait_for(lambda: prometheus.query(f'up{{job="{name}"}} == 1'))
        wait_for(lambda: prometheus.query(f'demo_up{{job="{name}"}} == 1'))
    for name, (_, words) in bad.items():
        # On a busy machine a scrape may be too late to be refused.
        prometheus.wait_for_target(
            name, lambda one: one["health"] == "down"
            and one["lastError"].startswith(words))
        wait_for(lambda: prometheus.query(f'up{{job="{name}"}} == 0'))
        assert prometheus.query(f'demo_up{{job="{name}"}}') == []
    for method in ("basic", "bearer", "client_certificate"):
        assert gate.metric("scrapegate_auth_total", method=method,
                           result="allowed") >= 1
