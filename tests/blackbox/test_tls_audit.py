"""What the usual scanners say of the gate's TLS: sslscan, testssl.sh and
nmap's ssl-enum-ciphers."""

import json
import subprocess
import xml.etree.ElementTree as tree

import pytest

import certs
from faultd import GOOD_BODY, good
from tls_tools import sslscan

# TLS 1.3's, and TLS 1.2's for each kind of key: ECDHE with AEAD.
TLS13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
         "TLS_CHACHA20_POLY1305_SHA256"}
TLS12 = {kind: {f"ECDHE-{kind}-AES128-GCM-SHA256",
                f"ECDHE-{kind}-AES256-GCM-SHA384",
                f"ECDHE-{kind}-CHACHA20-POLY1305"}
         for kind in ("ECDSA", "RSA")}

# Findings of testssl.sh that are not the gate's, and why.
EXCUSED = {
    "cert_chain_of_trust": "a private CA: testssl.sh knows the public ones",
    "cert_revocation": "a private CA that has no address for revocations; "
                       "scrapers do not look at it",
}
# What testssl.sh says of the machine it runs on, not of the gate.
OWN_LIMITS = {
    "engine_problem": "its openssl has no GOST",
    "RC4": "its openssl has no RC4 to try; sslscan and nmap have",
    "sessionresumption_ticket": "its client may leave before the ticket of "
                                "TLS 1.3 has come; test_tls_wire looks",
}
# Those that auditors ask for; as in exporter-toolkit they are configured.
HEADERS = {"Strict-Transport-Security": "max-age=31536000",
           "Content-Security-Policy": "default-src 'none'",
           "X-Frame-Options": "deny",
           "X-Content-Type-Options": "nosniff"}


@pytest.fixture(scope="module", params=["ECDSA", "RSA"])
def audited(request, shared_lab, authority):
    """A gate with default TLS."""
    pair = authority.gate if request.param == "ECDSA" else authority.issue(
        "audited-rsa", key=certs.rsa_key())
    gate = shared_lab.gate(
        shared_lab.faultd(good()), tls=shared_lab.client_tls, config={
            "insecure_http": False,
            "tls_server_config": {"cert_file": pair.cert_file,
                                  "key_file": pair.key_file},
            "http_server_config": {"headers": HEADERS}})
    gate.key_kind = request.param
    return gate


def test_sslscan(audited):
    # By default it gives up after 3 s, and then misses what was slow.
    scan = sslscan(audited, "--timeout=20")
    enabled = {each.get("type") + each.get("version")
               for each in scan.findall("protocol")
               if each.get("enabled") == "1"}
    assert enabled == {"tls1.2", "tls1.3"}
    found = {}
    for each in scan.findall("cipher"):
        found.setdefault(each.get("sslversion"), set()).add(
            each.get("cipher"))
    assert found == {"TLSv1.3": TLS13, "TLSv1.2": TLS12[audited.key_kind]}
    assert scan.find("renegotiation").get("supported") == "0"
    compression = scan.find("compression")
    assert compression is None or compression.get("supported") == "0"
    assert {each.get("vulnerable")
            for each in scan.findall("heartbleed")} == {"0"}
    groups = {each.get("name").split(" ")[0]
              for each in scan.findall("group")}
    assert {"x25519", "secp256r1"} <= groups
    assert not groups - {"x25519", "secp256r1", "secp384r1", "secp521r1",
                         "x448"}, groups
    certificate, = scan.find("certificates").findall("certificate")
    assert certificate.find("self-signed").text == "false"
    assert certificate.find("expired").text == "false"
    assert audited.get().body == GOOD_BODY


def table_of(element):
    """nmap's structured output as a dict or a list."""
    result, rows = {}, []
    for each in element:
        value = table_of(each) if each.tag == "table" else each.text
        if each.get("key") is None:
            rows.append(value)
        else:
            result[each.get("key")] = value
    return result or rows


def test_nmap_gives_an_a(audited):
    host, port = audited.address
    out = subprocess.run(
        ["nmap", "-n", "-Pn", "-sT", "-p", str(port), "--script",
         "+ssl-enum-ciphers", "-oX", "-", host],
        capture_output=True, text=True, timeout=120, check=True).stdout
    script = tree.fromstring(out).find(".//script[@id='ssl-enum-ciphers']")
    assert script is not None, out
    found = table_of(script)
    assert found["least strength"] == "A"
    assert set(found) == {"TLSv1.2", "TLSv1.3", "least strength"}
    for version in ("TLSv1.2", "TLSv1.3"):
        assert {each["strength"] for each in found[version]["ciphers"]
                } == {"A"}
        assert len(found[version]["ciphers"]) == 3
        assert found[version]["cipher preference"] == "server"
        assert "warnings" not in found[version], found


@pytest.mark.timeout(400)
@pytest.mark.parametrize("audited", ["ECDSA"], indirect=True)
def test_testssl_finds_nothing(audited, tmp_path):
    path = tmp_path / "findings.json"
    host, port = audited.address
    done = subprocess.run(
        ["testssl", "--fast", "--warnings", "off", "--quiet", "--color", "0",
         "--ip", host, "--nodns", "none", "--protocols", "--std", "--fs",
         "--server-defaults", "--headers", "--vulnerable", "--jsonfile",
         str(path), f"localhost:{port}/metrics"], capture_output=True,
        text=True, errors="replace", timeout=360, check=False, cwd=tmp_path)
    findings = json.loads(path.read_text())
    # That it looked at all.
    by_id = {each["id"]: each for each in findings}
    assert {"SSLv2", "TLS1", "TLS1_2", "TLS1_3", "heartbleed", "secure_renego",
            "CRIME_TLS", "BREACH", "POODLE_SSL", "SWEET32", "FREAK", "DROWN",
            "LOGJAM", "BEAST", "LUCKY13", "cert_signatureAlgorithm",
            "HSTS_time", "cipherlist_AVERAGE", "PFS"} <= set(by_id)
    assert by_id["TLS1_2"]["severity"] == by_id["TLS1_3"]["severity"] == "OK"
    assert by_id["HTTP_status_code"]["finding"].startswith("200 "), by_id
    bad = {each["id"]: (each["severity"], each["finding"])
           for each in findings if each["severity"] not in ("OK", "INFO")}
    ours = {name: what for name, what in bad.items()
            if name not in EXCUSED and not (
                name in OWN_LIMITS and what[0] == "WARN")}
    assert ours == {}, done.stdout
    assert not any(each["severity"] == "FATAL" for each in findings)
