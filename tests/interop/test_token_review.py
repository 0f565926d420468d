"""TokenReview: whose token it is, by a real API's word."""

import itertools
import json
import re
import threading
import time

import pytest

import forged
from tenant import AUDIENCE, assert_ok, assert_refused, scrape
from wire import wait_for


def test_good_token(lab, tenant):
    exporter = lab.faultd()
    gate = tenant.gate(lab, tenant.reviews_tokens(), exporter)
    token = tenant.token()
    assert_ok(scrape(gate, token))
    assert b"authorization" not in exporter.requests[0].lower()
    # Told again from memory, wherever it comes from.
    for _ in range(3):
        assert_ok(scrape(gate, token))
    wait_for(tenant.token_reviews, what="audit of the review")
    assert tenant.token_reviews() == 1
    assert gate.metric("scrapegate_auth_total", method="token_review",
                       result="allowed") == 4
    assert token.split(".")[2] not in gate.log


def test_no_credentials(lab, tenant):
    gate = tenant.gate(lab, tenant.reviews_tokens())
    assert_refused(scrape(gate), 401, "credentials_missing")
    assert_ok(scrape(gate, tenant.token()))
    wait_for(tenant.token_reviews, what="audit of the review")
    assert tenant.token_reviews() == 1


@pytest.mark.parametrize("make, detail", [
    (forged.expired, "expired"),
    (forged.not_yet_valid, "not valid yet"),
    (forged.other_issuer, "invalid bearer token"),
    (forged.other_audience, "elsewhere.*scrapegate|audience"),
    (forged.api_audience, "audience"),
    (forged.other_key, "invalid bearer token"),
    (forged.unsigned, "invalid bearer token"),
    (forged.cut_signature, "invalid bearer token"),
    (forged.garbage, "invalid bearer token"),
])
def test_bad_token(lab, tenant, make, detail):
    exporter = lab.faultd()
    gate = tenant.gate(lab, tenant.reviews_tokens(), exporter)
    token = make(tenant)
    for _ in range(2):
        assert_refused(scrape(gate, token), 401, "credentials_invalid")
    assert exporter.request_count == 0
    # One question at most: the no is remembered for a while, too.
    assert tenant.token_reviews() <= 1
    # The operator learns what is wrong with it.
    wait_for(lambda: re.search(detail, gate.log), what=f"{detail} in the log")
    if "." in token:
        assert token.split(".")[1] not in gate.log
    assert_ok(scrape(gate, tenant.token()))


def test_deleted_account(lab, tenant):
    gate = tenant.gate(lab, tenant.reviews_tokens(cache_allowed="1s",
                                                  cache_denied="1s"))
    token = tenant.token()
    assert_ok(scrape(gate, token))
    tenant.scraper.delete()
    seen = set()

    def is_refused():
        answer = scrape(gate, token)
        seen.add(answer.status)
        return answer.status == 401
    # The API itself remembers for ten seconds.
    wait_for(is_refused, 30, "401 for a deleted account")
    assert seen <= {200, 401}
    wait_for(lambda: "not found" in gate.log, what="the API's words")


def test_account_made_again(lab, tenant):
    """The same name does not make it the same account."""
    gate = tenant.gate(lab, tenant.reviews_tokens())
    old = tenant.token()
    tenant.scraper.make_again()
    assert_refused(scrape(gate, old), 401, "credentials_invalid")
    assert_ok(scrape(gate, tenant.token()))


def test_many_bad_tokens(lab, tenant):
    """The API is spared, and so is a scraper that is known."""
    gate = tenant.gate(lab, tenant.reviews_tokens())
    good = tenant.token()
    assert_ok(scrape(gate, good))
    seen, good_seen = set(), set()
    is_over = threading.Event()

    def guess(number):
        for count in itertools.count():
            if is_over.is_set():
                return
            seen.add(scrape(gate, f"guess.{number}.{count}").status)
    threads = [threading.Thread(target=guess, args=(each,), daemon=True)
               for each in range(8)]
    started = time.monotonic()
    for each in threads:
        each.start()
    try:
        while time.monotonic() < started + 5:
            good_seen.add(scrape(gate, good).status)
    finally:
        is_over.set()
        for each in threads:
            each.join(30)
    seconds = time.monotonic() - started
    assert good_seen == {200}
    assert seen <= {401, 429} and 401 in seen
    # At most ten a second; one second is begun twice.
    assert 1 < tenant.token_reviews() <= 10 * (seconds + 1)


def test_gate_without_permission(lab, tenant):
    """No word of the API about the scraper, so none of ours."""
    tenant.cluster.api.unbind(f"{tenant.name}-delegates")
    gate = tenant.gate(lab, tenant.reviews_tokens())
    assert_refused(scrape(gate, tenant.token()), 503,
                   "authn_backend_unavailable")
    wait_for(lambda: "403" in gate.log or "forbidden" in gate.log,
             what="the API's refusal in the log")


def test_other_authority(lab, tenant, authority):
    """An API server that cannot prove that it is ours is not asked."""
    gate = tenant.gate(lab, tenant.reviews_tokens(ca_file=authority.ca_file))
    assert_refused(scrape(gate, tenant.token()), 503,
                   "authn_backend_unavailable")
    wait_for(lambda: "certificate" in gate.log, what="why, in the log")
    assert tenant.asked() == []


def in_pod(tenant, host=None):
    """The environment of a container, and the section without the address
    that is found there."""
    section = tenant.kubernetes(token_review={"audiences": [AUDIENCE]})
    del section["api_server"]
    env = {"KUBERNETES_SERVICE_HOST": host or "",
           "KUBERNETES_SERVICE_PORT": str(tenant.cluster.api.port)}
    return {"kubernetes": section}, env


def test_in_pod(lab, tenant):
    auth, env = in_pod(tenant, tenant.cluster.host)
    gate = lab.gate(lab.faultd(), config={"auth": auth}, env=env)
    assert_ok(scrape(gate, tenant.token()))


def test_not_in_pod(lab, tenant):
    auth, env = in_pod(tenant)
    gate = lab.gate(lab.faultd(), config={"auth": auth}, env=env)
    assert_refused(scrape(gate, tenant.token()), 503,
                   "authn_backend_unavailable")
    assert "KUBERNETES_SERVICE_HOST" in gate.log


def test_tokens_are_told_nobody(lab, tenant):
    """Neither a scraper's nor the gate's own, whatever the log level."""
    gate = lab.gate(lab.faultd(), config={
        "auth": {"jwt": tenant.jwt(audiences=["elsewhere"]),
                 **tenant.reviews_all()},
        "log": {"level": "debug"}})
    with open(tenant.volume.path("token"), encoding="ascii") as given:
        secrets = [given.read(), tenant.token(), forged.cut_signature(tenant),
                   forged.other_issuer(tenant), "a-canary-that-is-garbage"]
    answers = [scrape(gate, each) for each in secrets]
    assert {each.status for each in answers} <= {401, 403}
    shown = gate.log
    for path in ("targets", "scrapes", "refusals", "status/config"):
        shown += json.dumps(gate.api(path))
    for path in ("/metrics", "/targets"):
        shown += gate.admin(path).text
    shown += "".join(each.head.decode() + each.text for each in answers)
    for secret in secrets:
        for part in secret.split("."):
            assert part not in shown
