"""JSON Web Tokens and key sets for one test run, made in memory: good ones,
and each attack that a gate has to refuse.

    issuer = Issuer()
    issuer.write(tmp_path / "jwks.json")
    token = issuer.token(sub="prometheus")
    for name, token in attacks(issuer).items(): ...
"""

import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed25519, padding, rsa, utils)

ISSUER = "https://issuer.example"
AUDIENCE = "scrapegate"
HOUR = 3600

# Leaves a claim or a header's member out.
ABSENT = object()


def base64url(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    size = size or (value.bit_length() + 7) // 8
    return base64url(value.to_bytes(size, "big"))


def _sign_rsa(key, text, pad):
    return key.sign(text, pad, hashes.SHA256())


def _sign_es256(key, text):
    r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


SIGNERS = {
    "RS256": lambda key, text: _sign_rsa(key, text, padding.PKCS1v15()),
    "PS256": lambda key, text: _sign_rsa(
        key, text, padding.PSS(padding.MGF1(hashes.SHA256()), 32)),
    "ES256": _sign_es256,
    "EdDSA": lambda key, text: key.sign(text),
}


def new_key(algorithm, bits=2048):
    if algorithm in ("RS256", "PS256"):
        return rsa.generate_private_key(65537, bits)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(key, **members):
    """The public half of `key` as a dict; `members` are added."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = public.public_numbers()
        found = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = public.public_numbers()
        found = {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32),
                 "y": number(numbers.y, 32)}
    else:
        found = {"kty": "OKP", "crv": "Ed25519",
                 "x": base64url(public.public_bytes(
                     serialization.Encoding.Raw,
                     serialization.PublicFormat.Raw))}
    return {**found, **members}


def jwks(*keys):
    """A key set's text, of dicts as jwk() makes them."""
    return json.dumps({"keys": list(keys)})


def _without_absent(members):
    return {name: value for name, value in members.items()
            if value is not ABSENT}


def _text(value):
    """JSON of a dict; text and bytes as they are."""
    if isinstance(value, dict):
        value = json.dumps(_without_absent(value))
    return value


def sign(key, algorithm, header, payload):
    """A token; header and payload are dicts, or any text in their place.
    `algorithm` says how it is signed, whatever the header says."""
    text = f"{base64url(_text(header))}.{base64url(_text(payload))}"
    signature = SIGNERS[algorithm](key, text.encode())
    return f"{text}.{base64url(signature)}"


class Issuer:
    """One key and who signs with it."""

    def __init__(self, algorithm="ES256", kid="key-1", issuer=ISSUER,
                 audience=AUDIENCE, key=None):
        self.algorithm = algorithm
        self.kid = kid
        self.issuer = issuer
        self.audience = audience
        self.key = key or new_key(algorithm)

    def jwk(self, **members):
        return jwk(self.key, kid=self.kid, **members)

    def jwks(self, *others):
        """Its own key's set, with the keys of other issuers beside it."""
        return jwks(self.jwk(), *(each.jwk() for each in others))

    def write(self, path, *others):
        path.write_text(self.jwks(*others))
        return str(path)

    def header(self, **members):
        """Members given as ABSENT are left out."""
        return _without_absent({"alg": self.algorithm, "kid": self.kid,
                                "typ": "JWT", **members})

    def claims(self, **claims):
        now = int(time.time())
        return _without_absent({"iss": self.issuer, "aud": self.audience,
                                "sub": "prometheus", "iat": now, "nbf": now,
                                "exp": now + HOUR, **claims})

    def token(self, header=None, payload=None, **claims):
        """A good token, but for what is asked to be different: members of
        the header, claims, or text in place of the whole payload."""
        return sign(self.key, self.algorithm, self.header(**(header or {})),
                    self.claims(**claims) if payload is None else payload)

    def account_token(self, namespace="monitoring", name="prometheus",
                      **claims):
        """As a cluster makes it for a ServiceAccount."""
        return self.token(**{
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": {"name": name, "uid": "1"}},
            **claims})


def unsigned(issuer, algorithm="none"):
    """A token with an empty signature."""
    header = issuer.header(alg=algorithm)
    return (f"{base64url(_text(header))}."
            f"{base64url(_text(issuer.claims()))}.")


def hmac_by_public_key(issuer, algorithm="HS256"):
    """Signed with the PEM of the public key as if it were a secret."""
    text = (f"{base64url(_text(issuer.header(alg=algorithm)))}."
            f"{base64url(_text(issuer.claims()))}")
    digest = hmac.new(public_pem(issuer.key), text.encode(), hashlib.sha256)
    return f"{text}.{base64url(digest.digest())}"


def with_signature(issuer, signature):
    """A good token with other bytes as its signature."""
    return f"{issuer.token().rpartition('.')[0]}.{base64url(signature)}"


def with_own_key(issuer):
    """Signed by a stranger's key that the header brings along."""
    stranger = Issuer(issuer.algorithm, issuer.kid, issuer.issuer)
    return stranger.token(header={"jwk": jwk(stranger.key)})


def _payload_with(issuer, text):
    """The good claims, and `text` behind the last of them."""
    return _text(issuer.claims())[:-1] + text + "}"


def _header_attacks(issuer):
    pairs = {
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/chain.pem",
        "x5c": ["AAAA"],
        "b64": False,
        "crit": ["exp"],
    }
    rows = {name: issuer.token(header={name: value})
            for name, value in pairs.items()}
    rows["jwk"] = with_own_key(issuer)
    rows["typ"] = issuer.token(header={"typ": "dpop+jwt"})
    for name, kid in {
            "kid unknown": "nobody", "kid path": "../../../../dev/null",
            "kid sql": "x' UNION SELECT 'k", "kid shell": "|/bin/true",
            "kid empty": "", "kid number": 1, "kid list": [issuer.kid],
            "kid newline": issuer.kid + "\n", "kid long": "k" * 257}.items():
        rows[name] = issuer.token(header={"kid": kid})
    for name in ("none", "None", "nOnE"):
        rows[f"alg {name}"] = unsigned(issuer, name)
    rows["alg missing"] = issuer.token(header={"alg": ABSENT})
    rows["alg case"] = issuer.token(header={"alg": issuer.algorithm.lower()})
    rows["alg HS256"] = hmac_by_public_key(issuer)
    rows["alg HS256 as ours"] = hmac_by_public_key(issuer, issuer.algorithm)
    return rows


def _form_attacks(issuer):
    good = issuer.token()
    first, second, third = good.split(".")
    return {
        "one part": first,
        "two parts": f"{first}.{second}",
        "four parts": f"{good}.{third}",
        "five parts": f"{good}.{third}.{third}",
        "empty parts": "..",
        "padding": f"{first}.{second}.{third}==",
        "standard alphabet": f"{first}.{second}.+/{third[2:]}",
        "no signature": f"{first}.{second}.",
        "signature of zeros": with_signature(issuer, bytes(64)),
        "signature cut": with_signature(issuer, b"\x01" * 63),
        "other signature": with_signature(issuer, b"\x01" * 64),
        "stranger": Issuer(issuer.algorithm, issuer.kid).token(),
        "other payload": ".".join(
            (first, base64url(_text(issuer.claims(sub="root"))), third)),
        "nested": issuer.token(payload=good),
        "payload list": issuer.token(payload="[1]"),
    }


def _json_attacks(issuer):
    return {
        "depth bomb": issuer.token(
            payload=_payload_with(issuer, ',"a":' + "[" * 2000 + "]" * 2000)),
        "claim twice": issuer.token(
            payload=_payload_with(issuer, ',"sub":"root"')),
        "claim twice, escaped": issuer.token(
            payload=_payload_with(issuer, ',"\\u0073ub":"root"')),
        "NUL": issuer.token(sub="prometheus\0evil"),
        "lone surrogate": issuer.token(sub="prometheus\ud800"),
        "trailing bytes": issuer.token(
            payload=_text(issuer.claims()) + "x"),
        "exp infinite": issuer.token(payload=_payload_with(
            issuer, "").replace('"exp": ', '"exp": 1e999, "was": ')),
        "exp NaN": issuer.token(exp=float("nan")),
    }


def _claim_attacks(issuer):
    now = int(time.time())
    claims = {
        "iss missing": {"iss": ABSENT},
        "iss slash": {"iss": issuer.issuer + "/"},
        "iss case": {"iss": issuer.issuer.upper()},
        "iss list": {"iss": [issuer.issuer]},
        "aud missing": {"aud": ABSENT},
        "aud other": {"aud": "other"},
        "aud prefix": {"aud": issuer.audience + "-x"},
        "aud empty": {"aud": ""},
        "aud empty list": {"aud": []},
        "aud number": {"aud": 7},
        "aud list of others": {"aud": ["a", "b"]},
        "aud mixed list": {"aud": [issuer.audience, 7]},
        "exp missing": {"exp": ABSENT},
        "exp past": {"exp": now - HOUR},
        "exp text": {"exp": str(now + HOUR)},
        "exp huge": {"exp": 1e300},
        "exp negative": {"exp": -1},
        "exp null": {"exp": None},
        "nbf future": {"nbf": now + HOUR},
        "nbf text": {"nbf": "0"},
        "iat future": {"iat": now + HOUR},
        "sub missing": {"sub": ABSENT},
        "SUB": {"sub": ABSENT, "SUB": "prometheus"},
        "sub empty": {"sub": ""},
        "sub newline": {"sub": "prometheus\nX-Remote-User: root"},
        "sub list": {"sub": ["prometheus"]},
        "sub long": {"sub": "u" * 513},
        "groups number": {"groups": 7},
        "groups mixed": {"groups": ["a", 7]},
    }
    return {name: issuer.token(**each) for name, each in claims.items()}


def oversized(issuer):
    """Good but for their length: a gate refuses the whole head."""
    return {"too long": issuer.token(padding="x" * 20000),
            "64 KiB": issuer.token(padding="x" * 49152)}


def attacks(issuer):
    """Name -> token: each must be refused by who trusts `issuer` (which is
    to sign with ES256 or EdDSA) and accepts issuer.token()."""
    return {**_header_attacks(issuer), **_form_attacks(issuer),
            **_json_attacks(issuer), **_claim_attacks(issuer)}
