"""A cluster's tokens judged by its published keys: no question per token."""

import re

import pytest

import forged
from signing_key import header_of
from tenant import METRICS, assert_ok, assert_refused, scrape
from wire import wait_for


def test_good_token_asks_nobody(lab, tenant):
    gate = tenant.gate(lab, {"jwt": tenant.jwt()})
    for _ in range(3):
        assert_ok(scrape(gate, tenant.token()))
    wait_for(tenant.key_fetches, what="audit of the key set")
    assert tenant.key_fetches() == 1
    assert tenant.token_reviews() == 0
    assert gate.metric("scrapegate_auth_total", method="jwt",
                       result="allowed") == 3


@pytest.mark.parametrize("make, detail", [
    (forged.expired, r"expired.* 4m|expired.*240"),
    (forged.not_yet_valid, "not yet|not valid|nbf|future"),
    (forged.other_issuer, "issuer|elsewhere.example|iss"),
    (forged.other_audience, "audience"),
    (forged.api_audience, "audience"),
    (forged.other_key, "signature"),
    (forged.unsigned, "alg"),
    (forged.cut_signature, "signature"),
    (forged.garbage, ""),
])
def test_bad_token(lab, tenant, make, detail):
    exporter = lab.faultd()
    gate = tenant.gate(lab, {"jwt": tenant.jwt()}, exporter)
    assert_refused(scrape(gate, make(tenant)), 401, "credentials_invalid")
    assert exporter.request_count == 0
    wait_for(lambda: re.search(detail, gate.log), what=f"{detail} in the log")
    assert_ok(scrape(gate, tenant.token()))
    assert tenant.token_reviews() == 0


def test_beside_token_review(lab, tenant):
    """Its own issuer's tokens are judged here, and that is final."""
    gate = tenant.gate(lab, {"jwt": tenant.jwt(), **tenant.reviews_tokens()})
    assert_ok(scrape(gate, tenant.token()))
    assert_refused(scrape(gate, forged.other_audience(tenant)), 401,
                   "credentials_invalid")
    assert tenant.token_reviews() == 0
    # A token of nobody we know is Kubernetes' to judge.
    assert_refused(scrape(gate, "garbage"), 401, "credentials_invalid")
    assert tenant.token_reviews() == 1


def test_with_access_review(lab, tenant):
    gate = tenant.gate(lab, {
        "jwt": tenant.jwt(),
        "kubernetes": tenant.kubernetes(access_review=True,
                                        cache_denied="1s")})
    token = tenant.token()
    assert_refused(scrape(gate, token), 403, "access_denied")
    tenant.may_scrape()
    wait_for(lambda: scrape(gate, token).status == 200, 10,
             "200 after the binding was made")
    assert tenant.token_reviews() == 0
    asked = tenant.access_reviews()[0]
    assert asked["user"] == tenant.scraper.user
    # Not in the token, but what TokenReview would have said.
    assert sorted(asked["groups"]) == sorted(tenant.scraper.groups)
    assert asked["nonResourceAttributes"] == METRICS


def test_many_unknown_keys(lab, tenant):
    """A key id that the set does not have makes us look again, but not each
    time."""
    gate = tenant.gate(lab, {"jwt": tenant.jwt()})
    assert_ok(scrape(gate, tenant.token()))
    key = forged.SigningKey(tenant.volume.folder, "stranger")
    claims = forged.claims_of(tenant.token())
    for number in range(30):
        key.id = f"stranger-{number}"
        assert scrape(gate, key.sign(claims)).status in (401, 429)
    assert_ok(scrape(gate, tenant.token()))
    assert tenant.key_fetches() <= 3


def test_signing_key_rotated(lab, tenant):
    gate = tenant.gate(lab, {"jwt": tenant.jwt()})
    old = tenant.token()
    assert_ok(scrape(gate, old))
    tenant.cluster.rotate_signing_key()
    new = tenant.token()
    assert header_of(new)["kid"] != header_of(old)["kid"]
    # The set is looked at again at most every ten seconds.
    wait_for(lambda: scrape(gate, new).status == 200, 20,
             "200 for a token of the new key")
    assert_ok(scrape(gate, old))
    assert tenant.token_reviews() == 0
    assert tenant.key_fetches() <= 4


def test_keys_refused(lab, tenant):
    """The API wants a token for its keys, and ours is not good."""
    (tenant.volume.folder / "bad").write_text("garbage")
    gate = tenant.gate(lab, {"jwt": tenant.jwt(
        jwks_token_file=str(tenant.volume.folder / "bad"))})
    assert_refused(scrape(gate, tenant.token()), 503,
                   "authn_backend_unavailable")
    wait_for(lambda: "401" in gate.log, what="the API's refusal in the log")
