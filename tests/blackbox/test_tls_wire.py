"""Every TLS option changes what is on the wire, as openssl s_client and
sslscan see it: each test looks without the option and with it."""

import re
import ssl

import pytest

import certs
from faultd import GOOD_BODY, good
from tls_tools import REQUEST, certificate_options, s_client, sslscan
from wire import client_context, fetch

OLD = ["-cipher", "DEFAULT:@SECLEVEL=0"]
AES_128 = "ECDHE-ECDSA-AES128-GCM-SHA256"
AES_256 = "ECDHE-ECDSA-AES256-GCM-SHA384"
GO_NAMES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": AES_128,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": AES_256,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256":
        "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256":
        "ECDHE-ECDSA-CHACHA20-POLY1305",
}


@pytest.fixture
def serve(lab, authority):
    """Starts a gate whose tls_server_config has these options too."""
    def start(pair=None, **options):
        pair = pair or authority.gate
        block = {"cert_file": pair.cert_file, "key_file": pair.key_file,
                 **options}
        return lab.gate(lab.faultd(good()), tls=lab.client_tls,
                        config={"tls_server_config": block,
                                "insecure_http": False})
    return start


@pytest.fixture(scope="session")
def rsa_pair(authority):
    return authority.issue("gate-rsa", key=certs.rsa_key())


def versions(gate):
    """The protocol versions that a client can have."""
    return [name for name, option in (
        ("TLS10", "-tls1"), ("TLS11", "-tls1_1"), ("TLS12", "-tls1_2"),
        ("TLS13", "-tls1_3")) if s_client(gate, option, *OLD).is_done]


@pytest.mark.parametrize("minimum, maximum, expected", [
    (None, None, ["TLS12", "TLS13"]),
    ("TLS13", None, ["TLS13"]),
    (None, "TLS12", ["TLS12"]),
    ("TLS12", "TLS12", ["TLS12"]),
    ("TLS13", "TLS13", ["TLS13"]),
])
def test_versions(serve, minimum, maximum, expected):
    options = {key: value for key, value in (
        ("min_version", minimum), ("max_version", maximum)) if value}
    assert versions(serve(**options)) == expected


@pytest.mark.parametrize("minimum, expected", [
    ("TLS10", ["TLS10", "TLS11", "TLS12", "TLS13"]),
    ("TLS11", ["TLS11", "TLS12", "TLS13"])])
def test_old_versions_by_request(serve, minimum, expected):
    """Who names an old version and a suite for it gets them."""
    gate = serve(min_version=minimum, cipher_suites=[
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"])
    assert versions(gate) == expected


def test_old_version_alone(serve):
    gate = serve(min_version="TLS11", max_version="TLS11", cipher_suites=[
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"])
    assert versions(gate) == ["TLS11"]


def test_refused_version_is_an_alert(serve):
    done = s_client(serve(min_version="TLS13"), "-tls1_2")
    assert (done.is_done, done.alert) == (False, "70"), done.text


@pytest.mark.parametrize("go_name", GO_NAMES)
def test_each_cipher_suite(serve, rsa_pair, go_name):
    """It alone, and nothing else of TLS 1.2."""
    pair = rsa_pair if "_RSA_" in go_name else None
    gate = serve(pair, cipher_suites=[go_name], max_version="TLS12")
    mine = GO_NAMES[go_name]
    assert s_client(gate, "-tls1_2", "-cipher", mine).cipher == mine
    rest = ":".join(name for name in GO_NAMES.values() if name != mine)
    done = s_client(gate, "-tls1_2", "-cipher", rest)
    assert (done.is_done, done.alert) == (False, "40"), done.text


def test_cipher_suites_leave_tls_1_3_alone(serve):
    """As in Go, whose list is that of TLS 1.2."""
    gate = serve(cipher_suites=["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"])
    assert s_client(gate, "-tls1_3").cipher.startswith("TLS_")
    assert s_client(gate, "-tls1_2").cipher == AES_256


def test_default_cipher_suites_have_no_cbc(serve):
    gate = serve()
    for name in GO_NAMES.values():
        done = s_client(gate, "-tls1_2", "-cipher", name)
        assert done.is_done == ("GCM" in name or "CHACHA" in name
                                ) * ("ECDSA" in name), name


@pytest.mark.parametrize("prefers, expected", [
    (None, AES_256), (True, AES_256), (False, AES_128)])
def test_prefer_server_cipher_suites(serve, prefers, expected):
    options = {} if prefers is None else {
        "prefer_server_cipher_suites": prefers}
    gate = serve(cipher_suites=["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
                 **options)
    done = s_client(gate, "-tls1_2", "-cipher", f"{AES_128}:{AES_256}")
    assert done.cipher == expected


GROUPS = {"CurveP256": "P-256", "CurveP384": "P-384", "CurveP521": "P-521",
          "X25519": "X25519"}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("curve", GROUPS)
def test_each_curve(serve, rsa_pair, curve, version):
    """An RSA certificate: a client that offers one curve alone would not
    take one of ECDSA on another."""
    gate = serve(rsa_pair, curve_preferences=[curve])
    assert s_client(gate, version, "-groups", GROUPS[curve]).is_done
    for other, name in GROUPS.items():
        if other != curve:
            done = s_client(gate, version, "-groups", name)
            assert (done.is_done, done.alert) == (False, "40"), done.text


def test_curve_order(serve, rsa_pair):
    """The server's first of what both have."""
    plain = serve(rsa_pair)
    chosen = serve(rsa_pair, curve_preferences=["CurveP384", "X25519"])
    offer = ["-tls1_3", "-groups", "X25519:P-384"]
    assert "X25519" in s_client(plain, *offer).group
    # With a key share for the other, OpenSSL 3.0 spares the round trip.
    assert s_client(chosen, "-tls1_2", *offer[1:]).group is not None
    assert not s_client(chosen, "-groups", "P-521").is_done


@pytest.fixture
def strange(tmp_path):
    return certs.self_signed(tmp_path, "strange", names=("strange.test",))


# Which certificates get an answer: none, one of our CA, a strange one.
AUTH_TYPES = {
    "NoClientCert": (False, True, True, True),
    "RequestClientCert": (True, True, True, True),
    "RequireAnyClientCert": (True, False, True, True),
    "RequireClientCert": (True, False, True, True),
    "VerifyClientCertIfGiven": (True, True, True, False),
    "RequireAndVerifyClientCert": (True, False, True, False),
}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("kind", AUTH_TYPES)
def test_client_auth_type(serve, authority, strange, kind, version):
    asks, *expected = AUTH_TYPES[kind]
    options = {"client_ca_file": authority.ca_file} if "Verif" in kind else {}
    gate = serve(client_auth_type=kind, **options)
    none = s_client(gate, version, "-msg", text=REQUEST)
    assert ("CertificateRequest" in none.text) == asks, none.text
    got = [none.answer == 200]
    for pair in (authority.client, strange):
        done = s_client(gate, version, *certificate_options(pair),
                        text=REQUEST)
        got.append(done.answer == 200)
    assert got == expected


def test_client_ca_file(serve, authority, strange):
    options = {"client_auth_type": "RequireAndVerifyClientCert"}
    both = (authority.client, strange)
    for path, expected in ((authority.ca_file, [True, False]),
                           (strange.cert_file, [False, True])):
        gate = serve(client_ca_file=path, **options)
        assert [s_client(gate, *certificate_options(pair),
                         text=REQUEST).answer == 200
                for pair in both] == expected


def test_client_ca_inline(serve, authority, strange):
    text = authority.pair.cert_pem.decode()
    gate = serve(client_auth_type="RequireAndVerifyClientCert",
                 client_ca=text)
    assert s_client(gate, *certificate_options(authority.client),
                    text=REQUEST).answer == 200
    assert s_client(gate, *certificate_options(strange),
                    text=REQUEST).answer is None


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_client_allowed_sans(serve, authority, version):
    options = {"client_auth_type": "RequireAndVerifyClientCert",
               "client_ca_file": authority.ca_file}
    mine = certificate_options(authority.client)
    for sans, is_good in ((["client.test"], True), (["other.test"], False)):
        done = s_client(serve(client_allowed_sans=sans, **options), version,
                        *mine, text=REQUEST)
        assert (done.answer == 200) == is_good, done.text


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_client_crl_file(serve, authority, version):
    revoked = authority.issue("revoked", ("revoked.test",), usage="client")
    options = {"client_auth_type": "RequireAndVerifyClientCert",
               "client_ca_file": authority.ca_file}
    crl = authority.revocations("one", [revoked])
    plain, strict = serve(**options), serve(client_crl_file=crl, **options)
    for gate, pair, is_good in ((plain, revoked, True),
                                (strict, revoked, False),
                                (strict, authority.client, True)):
        done = s_client(gate, version, *certificate_options(pair),
                        text=REQUEST)
        assert (done.answer == 200) == is_good, done.text
    assert s_client(strict, version, *certificate_options(revoked),
                    text=REQUEST).alert == "44"


def test_certificate_and_key_are_what_is_served(serve, authority, rsa_pair):
    for pair in (authority.gate, rsa_pair):
        gate = serve(pair)
        served = ssl.get_server_certificate(gate.address)
        assert ssl.PEM_cert_to_DER_cert(served) == pair.der


def test_chain_is_served(serve, authority, tmp_path):
    """A leaf below an intermediate is verified by who knows the root."""
    between = certs.Authority(tmp_path, "Between CA", authority, 0)
    gate = serve(between.issue("below"))
    done = s_client(gate, "-CAfile", authority.ca_file,
                    "-verify_return_error", text=REQUEST)
    assert done.answer == 200, done.text
    assert "Verification: OK" in done.text


@pytest.mark.parametrize("http2", [None, True, False])
def test_h2_is_never_offered(lab, authority, http2):
    config = {"tls_server_config": lab.certificate, "insecure_http": False}
    if http2 is not None:
        config["http_server_config"] = {"http2": http2}
    gate = lab.gate(lab.faultd(good()), config=config)
    both = s_client(gate, "-alpn", "h2,http/1.1", text=REQUEST)
    assert (both.protocol, both.answer) == ("http/1.1", 200)
    only = s_client(gate, "-alpn", "h2")
    assert (only.is_done, only.alert) == (False, "120"), only.text
    assert s_client(gate, text=REQUEST).answer == 200


def test_no_renegotiation(serve):
    gate = serve()
    done = s_client(gate, "-tls1_2", text="R\n")
    assert "RENEGOTIATING" in done.text
    assert re.search(r"no renegotiation|alert|error", done.text)
    assert "Secure Renegotiation IS supported" in done.text
    assert fetch(gate.address, tls=gate.tls).body == GOOD_BODY


def test_no_compression_and_no_early_data(serve):
    gate = serve()
    for version in ("-tls1_2", "-tls1_3"):
        done = s_client(gate, version, "-comp", text=REQUEST)
        assert re.search(r"^Compression: NONE$", done.text, re.MULTILINE)
    text = s_client(gate, "-tls1_3", text=REQUEST).text
    assert not re.search(r"Max Early Data: [1-9]", text), text


def resumes(gate, tmp_path, version, *options):
    """Whether a second connection continues the session of the first."""
    path = str(tmp_path / f"session{version}")
    first = s_client(gate, version, "-sess_out", path, *options, text=REQUEST)
    assert first.answer == 200, first.text
    try:
        open(path, "rb").close()
    except FileNotFoundError:
        return False
    second = s_client(gate, version, "-sess_in", path, *options,
                      text=REQUEST)
    assert second.answer == 200, second.text
    return second.is_reused


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_resume(serve, authority, tmp_path, version):
    """But never while client certificates are asked for: a resumed session
    would skip the revocation list."""
    assert resumes(serve(), tmp_path, version)
    for kind in ("RequestClientCert", "RequireAnyClientCert",
                 "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"):
        options = ({"client_ca_file": authority.ca_file}
                   if "Verif" in kind else {})
        gate = serve(client_auth_type=kind, **options)
        assert not resumes(gate, tmp_path, version,
                           *certificate_options(authority.client)), kind


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_session_from_before_is_no_way_in(serve, lab, authority, tmp_path,
                                          version):
    """Made while nobody asked for certificates, then somebody does."""
    gate = serve()
    path = str(tmp_path / "session")
    assert s_client(gate, version, "-sess_out", path,
                    text=REQUEST).answer == 200
    text = gate.config_path.read_text()
    gate.config_path.write_text(text.replace(
        "tls_server_config:\n",
        "tls_server_config:\n"
        "  client_auth_type: RequireAndVerifyClientCert\n"
        f"  client_ca_file: {authority.ca_file}\n"))
    assert gate.admin("/-/reload", method="POST").status == 200
    done = s_client(gate, version, "-sess_in", path, text=REQUEST)
    assert done.answer is None, done.text


def test_resumes_on_any_worker(lab, tmp_path):
    gate = lab.gate(lab.faultd(good()), secure=True, config={"workers": 3})
    assert all(resumes(gate, tmp_path, "-tls1_3") for _ in range(6))


def accepted(scan):
    return {(each.get("sslversion"), each.get("cipher"))
            for each in scan.findall("cipher")}


def test_sslscan_sees_the_options(serve):
    """The same by another tool, for the options that it knows."""
    patient = "--timeout=20"  # by default it gives up after 3 s
    plain = accepted(sslscan(serve(), patient))
    assert {version for version, _ in plain} == {"TLSv1.2", "TLSv1.3"}
    chosen = accepted(sslscan(serve(max_version="TLS12", cipher_suites=[
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]), patient))
    assert chosen == {("TLSv1.2", AES_256)}
    groups = sslscan(serve(curve_preferences=["CurveP384", "X25519"]),
                     patient)
    assert {each.get("name") for each in groups.findall("group")} == {
        "secp384r1 (NIST P-384)", "x25519"}


def test_ready_for_python(serve):
    """A client library that verifies as scrapers do."""
    gate = serve()
    with pytest.raises(ssl.SSLCertVerificationError):
        strict = ssl.create_default_context()
        fetch(gate.address, tls=strict)
    context = client_context(None)
    assert fetch(gate.address, tls=context).body == GOOD_BODY
