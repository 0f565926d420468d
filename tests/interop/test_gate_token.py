"""The gate's own ServiceAccount token, which the kubelet replaces before it
ends."""

import pytest

from tenant import AUDIENCE, assert_ok, assert_refused, scrape
from wire import wait_for


def void_tokens(tenant):
    """None of those that were given to the gate is good any more."""
    with open(tenant.volume.path("token"), encoding="ascii") as given:
        old = given.read()
    tenant.gate_account.make_again()
    # The API remembers a good token for ten seconds.
    wait_for(lambda: tenant.cluster.api.review_token(
        "any", [AUDIENCE], old)[0] == 401, 30, "the gate's token is void")


def test_replaced(lab, tenant):
    gate = tenant.gate(lab, tenant.reviews_tokens())
    assert_ok(scrape(gate, tenant.token()))
    void_tokens(tenant)
    tenant.give_token(tenant.gate_account.token())
    # Without a failure in between: a 401 of the API makes it look at the
    # file once more.
    assert_ok(scrape(gate, tenant.token()))


def test_void(lab, tenant):
    """That is the gate's trouble, not the scraper's: no 401 for it."""
    gate = tenant.gate(lab, tenant.reviews_tokens())
    void_tokens(tenant)
    assert_refused(scrape(gate, tenant.token()), 503,
                   "authn_backend_unavailable")
    wait_for(lambda: "401" in gate.log, what="the API's refusal in the log")
    tenant.give_token(tenant.gate_account.token())
    token = tenant.token()
    wait_for(lambda: scrape(gate, token).status == 200, 40,
             "200 with the new token")


@pytest.mark.parametrize("section", ["kubernetes", "jwt"])
def test_missing_file(lab, tenant, section):
    """A token that is not there yet is waited for."""
    path = tenant.volume.folder / "later"
    auth = (tenant.reviews_tokens(token_file=str(path))
            if section == "kubernetes"
            else {"jwt": tenant.jwt(jwks_token_file=str(path))})
    gate = tenant.gate(lab, auth)
    token = tenant.token()
    assert_refused(scrape(gate, token), 503, "authn_backend_unavailable")
    wait_for(lambda: str(path) in gate.log, what="the file's name in the log")
    path.write_text(tenant.gate_account.token() + "\n")
    wait_for(lambda: scrape(gate, token).status == 200, 40,
             "200 with the token")
