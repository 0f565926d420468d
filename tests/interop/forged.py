"""Tokens that the cluster would not give: each is the good one but for one
thing."""

import time

from signing_key import SigningKey, claims_of, encode

HOUR = 3600


def expired(tenant):
    now = int(time.time())
    return with_claims(tenant, iat=now - 2 * HOUR, nbf=now - 2 * HOUR,
                       exp=now - 240)


def not_yet_valid(tenant):
    now = int(time.time())
    return with_claims(tenant, iat=now + HOUR, nbf=now + HOUR,
                       exp=now + 2 * HOUR)


def other_issuer(tenant):
    return with_claims(tenant, iss="https://elsewhere.example")


def other_audience(tenant):
    return tenant.token(["elsewhere"])


def api_audience(tenant):
    """What a pod finds without asking: good for the API only."""
    return tenant.token([])


def other_key(tenant):
    """Signed by somebody else who knows the cluster's key id."""
    key = SigningKey(tenant.volume.folder, "stranger")
    key.id = tenant.cluster.keys[-1].id
    return key.sign(claims_of(tenant.token()))


def unsigned(tenant):
    head = encode(b'{"alg":"none"}')
    return f"{head}.{tenant.token().split('.')[1]}."


def cut_signature(tenant):
    return tenant.token()[:-8] + "AAAAAAAA"


def garbage(tenant):
    del tenant
    return "garbage"


def with_claims(tenant, **claims):
    return tenant.cluster.keys[-1].sign(
        {**claims_of(tenant.token()), **claims})
