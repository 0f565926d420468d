"""JWTs through a gate: good ones of each algorithm get in, and each attack of
jwts.py is a 401 that tells the scraper nothing and the exporter nothing."""

import pytest

import jwts
from faultd import good

GOOD = (200, None)
INVALID = (401, "credentials_invalid")
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
# Every guess comes from one address here.
NO_LIMIT = {"failed_logins_per_address": 0, "failed_logins_per_user": 0}


def start(lab, exporter, jwks_file, **auth):
    return lab.gate(exporter, config={"auth": {**NO_LIMIT, **auth, "jwt": {
        "issuer": jwts.ISSUER, "audiences": [jwts.AUDIENCE],
        "jwks_file": jwks_file}}})


def ask(gate, token):
    answer = gate.get(headers={"Authorization": f"Bearer {token}"})
    return answer.status, answer.header("X-Scrapegate-Reason")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithms(lab, tmp_path, algorithm):
    issuer = jwts.Issuer(algorithm)
    gate = start(lab, lab.faultd(good()), issuer.write(tmp_path / "jwks"))
    assert ask(gate, issuer.token()) == GOOD
    assert ask(gate, jwts.Issuer(algorithm).token()) == INVALID


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_h64_attacks(lab, tmp_path, algorithm):
    issuer = jwts.Issuer(algorithm)
    exporter = lab.faultd(good())
    gate = start(lab, exporter, issuer.write(tmp_path / "jwks"))
    attacks = jwts.attacks(issuer)
    answers = {name: ask(gate, token) for name, token in attacks.items()}
    assert answers == dict.fromkeys(attacks, INVALID)
    assert gate.metric("scrapegate_auth_total", method="jwt",
                       result="denied") == len(attacks)
    assert exporter.requests == []
    # The gate is none the worse for it.
    assert ask(gate, issuer.token()) == GOOD


def test_h64_oversized(lab, tmp_path):
    issuer = jwts.Issuer()
    gate = start(lab, lab.faultd(good()), issuer.write(tmp_path / "jwks"))
    for token in jwts.oversized(issuer).values():
        assert ask(gate, token) == (431, "headers_too_large")


def test_groups_and_rules(lab, tmp_path):
    """What the token says is what the rules see; a ServiceAccount has the
    groups that TokenReview would give it."""
    issuer = jwts.Issuer()
    gate = start(lab, lab.faultd(good()), issuer.write(tmp_path / "jwks"),
                 rules=[{"groups": ["scrapers",
                                    "system:serviceaccounts:monitoring"]}])
    assert ask(gate, issuer.token(groups=["a", "scrapers"])) == GOOD
    assert ask(gate, issuer.account_token()) == GOOD
    for token in (issuer.token(), issuer.token(groups=["Scrapers"]),
                  issuer.account_token(namespace="default")):
        assert ask(gate, token) == (403, "access_denied")
