"""The API server dies, hangs and comes back."""

import time

import pytest

from tenant import AUDIENCE, assert_ok, assert_refused, scrape
from wire import wait_for

AUTHN = "authn_backend_unavailable"
AUTHZ = "authz_backend_unavailable"


def wait_for_status(gate, token, status, seconds=10):
    """The answer, and the statuses that came before it."""
    seen = set()

    def look():
        answer = scrape(gate, token)
        if answer.status == status:
            return answer
        seen.add(answer.status)
        return None
    return wait_for(look, seconds, f"status {status}"), seen


def test_gone_and_back(lab, tenant):
    gate = tenant.gate(lab, tenant.reviews_tokens(cache_allowed="1s"))
    token = tenant.token()
    assert_ok(scrape(gate, token))
    tenant.cluster.stop_api()
    answer, before = wait_for_status(gate, token, 503)
    assert_refused(answer, 503, AUTHN)
    assert before <= {200}
    # Nobody's credentials are wrong because we cannot ask.
    assert_refused(scrape(gate, "garbage"), 503, AUTHN)
    assert "connection refused" in gate.log
    tenant.cluster.start_api()
    _, before = wait_for_status(gate, token, 200, 40)
    assert before <= {503}


def test_down_from_the_start(lab, tenant):
    token = tenant.token()
    tenant.cluster.stop_api()
    gate = tenant.gate(lab, tenant.reviews_all())
    assert_refused(scrape(gate, token), 503, AUTHN)
    assert gate.get("/-/ready").status == 200
    tenant.cluster.start_api()
    tenant.may_scrape()
    wait_for_status(gate, token, 200, 40)


def test_stale_grace(lab, tenant):
    tenant.may_scrape()
    gate = tenant.gate(lab, tenant.reviews_all(
        cache_allowed="1s", cache_denied="1s", stale_grace="10m"))
    token = tenant.token()
    stranger = tenant.cluster.api.make_service_account(
        tenant.name, "stranger").token([AUDIENCE])
    assert_ok(scrape(gate, token))
    assert_refused(scrape(gate, stranger), 403, "access_denied")
    tenant.cluster.stop_api()
    end = time.monotonic() + 4  # far beyond what is remembered as fresh
    while time.monotonic() < end:
        assert_ok(scrape(gate, token))
    # Nobody gets in who was not in.
    assert_refused(scrape(gate, "garbage"), 503, AUTHN)
    assert scrape(gate, stranger).status == 503
    assert_ok(scrape(gate, token))


def test_stale_grace_ends(lab, tenant):
    gate = tenant.gate(lab, tenant.reviews_tokens(
        cache_allowed="1s", stale_grace="3s"))
    token = tenant.token()
    assert_ok(scrape(gate, token))
    asked = time.monotonic()
    tenant.cluster.stop_api()
    answer, before = wait_for_status(gate, token, 503, 20)
    assert_refused(answer, 503, AUTHN)
    assert before == {200}
    assert 3.5 < time.monotonic() - asked < 10


def test_access_cannot_be_asked(lab, tenant):
    """The keys are at hand, so it is known who asks; not what they may."""
    tenant.may_scrape()
    gate = tenant.gate(lab, {
        "jwt": tenant.jwt(),
        "kubernetes": tenant.kubernetes(access_review=True,
                                        cache_allowed="1s")})
    token = tenant.token()
    assert_ok(scrape(gate, token))
    tenant.cluster.stop_api()
    answer, _ = wait_for_status(gate, token, 503)
    assert_refused(answer, 503, AUTHZ)
    tenant.cluster.start_api()
    wait_for_status(gate, token, 200, 40)


def test_keys_at_hand_need_nobody(lab, tenant):
    gate = tenant.gate(lab, {"jwt": tenant.jwt()})
    tokens = [tenant.token() for _ in range(3)]
    assert_ok(scrape(gate, tokens[0]))
    tenant.cluster.stop_api()
    for each in tokens:
        assert_ok(scrape(gate, each))
    assert_refused(scrape(gate, "garbage"), 401, "credentials_invalid")


def test_keys_cannot_be_fetched(lab, tenant):
    token = tenant.token()
    auth = {"jwt": tenant.jwt()}
    tenant.cluster.stop_api()
    gate = tenant.gate(lab, auth)
    assert_refused(scrape(gate, token), 503, AUTHN)
    tenant.cluster.start_api()
    wait_for_status(gate, token, 200, 40)


# Less and more than what the gate itself allows a call.
SCRAPE_TIMEOUTS = [2, 10]


@pytest.mark.parametrize("timeout", SCRAPE_TIMEOUTS)
def test_hangs(lab, tenant, timeout):
    """It takes connections and says nothing: the scraper still gets its
    answer in time."""
    gate = tenant.gate(lab, tenant.reviews_tokens())
    known, new = tenant.token(), tenant.token()
    assert_ok(scrape(gate, known))
    with tenant.cluster.hanging_api():
        answer = scrape(gate, new, timeout=timeout)
        assert answer.seconds < min(timeout, 5)
        assert_refused(answer, 503, AUTHN)
        assert_ok(scrape(gate, known))
    wait_for_status(gate, new, 200, 40)


@pytest.mark.parametrize("timeout", SCRAPE_TIMEOUTS)
def test_hangs_when_asked_for_access(lab, tenant, timeout):
    tenant.may_scrape()
    gate = tenant.gate(lab, {
        "jwt": tenant.jwt(),
        "kubernetes": tenant.kubernetes(access_review=True)})
    known = tenant.token()
    assert_ok(scrape(gate, known))
    other = tenant.cluster.api.make_service_account(
        tenant.name, "other").token([AUDIENCE])
    with tenant.cluster.hanging_api():
        answer = scrape(gate, other, timeout=timeout)
        assert answer.seconds < min(timeout, 5)
        assert_refused(answer, 503, AUTHZ)
        assert_ok(scrape(gate, known))
    wait_for_status(gate, other, 403, 40)
