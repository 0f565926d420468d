"""What the real API answers to what a gate asks: the stand-in of the
black-box suite has to say the same."""

import json

import pytest

import forged
from signing_key import header_of
from tenant import AUDIENCE, METRICS


def review(tenant, token, audiences=(AUDIENCE,)):
    """(status, answer), asked with the gate's own token."""
    return tenant.cluster.api.review_token(
        token, audiences, tenant.gate_account.token())


def access(tenant, attributes):
    return tenant.cluster.api.review_access(
        tenant.scraper.user, tenant.scraper.groups, attributes,
        tenant.gate_account.token())


def depth(value):
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)
    return 0


def test_good_token(tenant):
    token = tenant.token()
    status, answer = review(tenant, token, ["elsewhere", AUDIENCE])
    assert status == 201
    assert (answer["kind"], answer["apiVersion"]) == (
        "TokenReview", "authentication.k8s.io/v1")
    found = answer["status"]
    assert found["authenticated"] is True
    assert found["audiences"] == [AUDIENCE]
    assert found["user"]["username"] == tenant.scraper.user
    assert found["user"]["groups"] == tenant.scraper.groups
    assert answer["spec"]["token"] == token
    assert depth(answer) <= 8


def test_token_without_audience_asked_for(tenant):
    _, answer = review(tenant, tenant.token([]), [])
    assert answer["status"]["authenticated"] is True
    assert AUDIENCE not in answer["status"]["audiences"]


@pytest.mark.parametrize("make, words", [
    (forged.expired, "has expired"),
    (forged.not_yet_valid, "not valid yet"),
    (forged.other_issuer, "invalid bearer token"),
    (forged.other_audience, "is invalid for the target audiences"),
    (forged.api_audience, "is invalid for the target audiences"),
    (forged.other_key, "invalid bearer token"),
    (forged.unsigned, "invalid bearer token"),
    (forged.cut_signature, "invalid bearer token"),
    (forged.garbage, "invalid bearer token"),
])
def test_bad_token(tenant, make, words):
    status, answer = review(tenant, make(tenant))
    assert status == 201
    assert words in answer["status"].pop("error")
    # A no is left out, not written.
    assert answer["status"] == {"user": {}}


def test_token_of_deleted_account(tenant):
    token = tenant.token()
    tenant.scraper.delete()
    _, answer = review(tenant, token)
    assert answer["status"].get("authenticated") is None
    assert 'serviceaccounts "prometheus" not found' in (
        answer["status"]["error"])


def test_access(tenant):
    question = {"nonResourceAttributes": METRICS}
    status, answer = access(tenant, question)
    assert (status, answer["status"]) == (201, {"allowed": False})
    tenant.may_scrape()
    status, answer = access(tenant, question)
    assert status == 201 and answer["status"]["allowed"] is True
    assert "RBAC: allowed by ClusterRoleBinding" in answer["status"]["reason"]
    # As deep as a reader of depth 8 may go, for Kubernetes' book-keeping.
    assert depth(answer) == 8


def test_access_denied_with_reason(tenant):
    tenant.cluster.api.bind(tenant.scraper, "no-such-role",
                            f"{tenant.name}-dangling")
    _, answer = access(tenant, {"nonResourceAttributes": METRICS})
    assert answer["status"]["allowed"] is False
    assert '"no-such-role" not found' in answer["status"]["reason"]


def test_asked_without_permission(tenant):
    status, answer = tenant.cluster.api.review_token(
        tenant.token(), [AUDIENCE], tenant.scraper.token())
    assert (status, answer["kind"], answer["reason"]) == (
        403, "Status", "Forbidden")
    status, answer = tenant.cluster.api.review_token(
        tenant.token(), [AUDIENCE], "garbage")
    assert (status, answer["kind"], answer["reason"]) == (
        401, "Status", "Unauthorized")


def test_key_set(tenant):
    api = tenant.cluster.api
    status, answer = api.ask("GET", "/openid/v1/jwks",
                             token=tenant.gate_account.token())
    if isinstance(answer, str):  # application/jwk-set+json
        answer = json.loads(answer)
    assert status == 200
    ids = [key["kid"] for key in answer["keys"]]
    assert ids == [key.id for key in tenant.cluster.keys]
    head = header_of(tenant.token())
    assert head == {"alg": "RS256", "kid": tenant.cluster.keys[-1].id}
