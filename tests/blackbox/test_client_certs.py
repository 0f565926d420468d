"""Client certificates: who gets in, why somebody does not, and where that is
said: in a counter of its own, in the admin API with the peer's address, and
in the log only if it was a real client's certificate."""

import datetime
import os
import pathlib
import re
import socket
import ssl
import threading

import pytest
from cryptography import x509

import certs
from faultd import GOOD_BODY, answer_when, good
from test_main_job import job
from tls_tools import REQUEST, certificate_options, s_client
from test_reload import reload
from wire import Closed, client_context, fetch, request_bytes, wait_for

DAY = datetime.timedelta(days=1)
REQUIRE = "RequireAndVerifyClientCert"
IF_GIVEN = "VerifyClientCertIfGiven"
ANY = "RequireAnyClientCert"
REQUEST_ONLY = "RequestClientCert"


class Clients:
    """Certificates of clients by what is wrong with them."""

    def __init__(self, folder, authority):
        now = certs.now()
        self.authority = authority
        self.good = authority.issue("c-good", ("good.test",), usage="client")
        self.no_usage = authority.issue("c-no-usage", ("good.test",),
                                        usage=None)
        self.self_signed = certs.self_signed(folder, "c-self",
                                             ("good.test",))
        other = certs.Authority(folder, "Other CA")
        self.wrong_ca = other.issue("c-other", ("good.test",),
                                    usage="client")
        # The right name, another key.
        forged = certs.Authority(folder / "forged", "Test CA")
        self.forged = forged.issue("c-forged", ("good.test",),
                                   usage="client")
        self.expired = authority.issue(
            "c-expired", ("good.test",), usage="client",
            start=now - 9 * DAY, end=now - DAY)
        self.not_yet = authority.issue(
            "c-not-yet", ("good.test",), usage="client",
            start=now + DAY, end=now + 9 * DAY)
        self.revoked = authority.issue("c-revoked", ("good.test",),
                                       usage="client")
        self.server_usage = authority.issue("c-server", ("good.test",))
        self.no_san = authority.issue("good.test", (), usage="client")
        below = authority
        for number in range(7):
            below = certs.Authority(folder, f"Level {number}", below, None)
        self.deep = below.issue("c-deep", ("good.test",), usage="client")
        between = certs.Authority(folder, "Between", authority, 0)
        self.below = between.issue("c-below", ("good.test",),
                                   usage="client")
        self.huge = authority.issue(
            "c-huge", ("good.test",), usage="client",
            extra=[x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.2.3.4.5"), os.urandom(60_000))])
        self.crl = authority.revocations("clients", [self.revoked])
        self.crl_expired = authority.revocations(
            "clients-old", [self.revoked], start=now - 9 * DAY,
            end=now - DAY)
        self.crl_other = other.revocations("clients-other")
        self.other_ca = other.ca_file


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    """Below a root that may have many levels below it."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "forged").mkdir()
    return Clients(folder, certs.Authority(folder, "Test CA",
                                           path_length=None))


def serve(lab, clients, kind=REQUIRE, **options):
    block = dict(lab.certificate, client_auth_type=kind, **options)
    if kind in (REQUIRE, IF_GIVEN):
        block.setdefault("client_ca_file", clients.authority.ca_file)
    return lab.gate(lab.faultd(good()), tls=lab.client_tls,
                    config={"tls_server_config": block,
                            "insecure_http": False})


def handshakes(gate, result):
    return gate.metric("scrapegate_tls_handshakes_total", result=result)


def wait_for_count(gate, result, count=1):
    wait_for(lambda: handshakes(gate, result) >= count, 20,
             f"{result} in {gate.admin('/metrics').text}")
    assert handshakes(gate, result) == count


def listed(gate, reason, count=1):
    """The rows of the admin API with this reason, once they tell of `count`
    handshakes: each is counted before it is listed."""
    def find():
        return [each for each in gate.api("tls_handshakes")["failures"]
                if each["reason"] == reason]
    wait_for(lambda: sum(each["count"] for each in find()) >= count,
             what=f"{reason} in the list")
    return find()


def log_lines(gate):
    """What the gate said about handshakes."""
    return [line for line in gate.log.splitlines()
            if "client certificate refused" in line
            or "TLS handshake failed" in line]


UNKNOWN_CA = "client_certificate_unknown_ca"
ROWS = [
    # kind, certificate, options, id of the failure or None
    ("none", REQUIRE, None, {}, "client_certificate_missing"),
    ("none", ANY, None, {}, "client_certificate_missing"),
    ("none", IF_GIVEN, None, {}, None),
    ("none", REQUEST_ONLY, None, {}, None),
    ("none", "NoClientCert", None, {}, None),
    ("good", REQUIRE, "good", {}, None),
    ("good", IF_GIVEN, "good", {}, None),
    ("good", ANY, "good", {}, None),
    ("good", REQUEST_ONLY, "good", {}, None),
    ("good", "NoClientCert", "good", {}, None),
    ("no-usage", REQUIRE, "no_usage", {}, None),
    ("below", REQUIRE, "below", {}, None),
    ("self-signed", REQUIRE, "self_signed", {}, UNKNOWN_CA),
    ("self-signed", IF_GIVEN, "self_signed", {}, UNKNOWN_CA),
    ("self-signed", ANY, "self_signed", {}, None),
    ("self-signed", REQUEST_ONLY, "self_signed", {}, None),
    ("wrong-ca", REQUIRE, "wrong_ca", {}, UNKNOWN_CA),
    ("wrong-ca", IF_GIVEN, "wrong_ca", {}, UNKNOWN_CA),
    ("wrong-ca", ANY, "wrong_ca", {}, None),
    ("forged", REQUIRE, "forged", {},
     f"{UNKNOWN_CA}|client_certificate_bad"),
    ("expired", REQUIRE, "expired", {}, "client_certificate_expired"),
    ("expired", IF_GIVEN, "expired", {}, "client_certificate_expired"),
    ("expired", ANY, "expired", {}, None),
    ("not-yet", REQUIRE, "not_yet", {}, "client_certificate_not_yet_valid"),
    ("not-yet", REQUEST_ONLY, "not_yet", {}, None),
    ("revoked", REQUIRE, "revoked", {"client_crl_file": "crl"},
     "client_certificate_revoked"),
    ("revoked", IF_GIVEN, "revoked", {"client_crl_file": "crl"},
     "client_certificate_revoked"),
    ("not-revoked", REQUIRE, "good", {"client_crl_file": "crl"}, None),
    ("crl-expired", REQUIRE, "good", {"client_crl_file": "crl_expired"},
     "client_crl_expired"),
    ("crl-expired-revoked", REQUIRE, "revoked",
     {"client_crl_file": "crl_expired"},
     "client_crl_expired|client_certificate_revoked"),
    ("crl-other", REQUIRE, "good", {"client_crl_file": "crl_other"},
     "client_crl_unusable"),
    ("wrong-usage", REQUIRE, "server_usage", {}, "client_certificate_bad"),
    ("wrong-usage", ANY, "server_usage", {}, None),
    ("deep", REQUIRE, "deep", {}, "client_certificate_bad"),
    ("huge", REQUIRE, "huge", {}, "message_too_large"),
    ("huge", ANY, "huge", {}, "message_too_large"),
    ("no-san", REQUIRE, "no_san", {"client_allowed_sans": ["good.test"]},
     "client_certificate_san_not_allowed"),
    ("san", REQUIRE, "good", {"client_allowed_sans": ["good.test"]}, None),
    ("san", ANY, "good", {"client_allowed_sans": ["good.test"]}, None),
    ("san", REQUIRE, "good", {"client_allowed_sans": ["x", "Good.test"]},
     "client_certificate_san_not_allowed"),
]
# Not presented at all, or refused for its size before it was looked at.
SILENT = {"client_certificate_missing", "message_too_large"}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize(
    "name, kind, pair, options, reasons", ROWS,
    ids=[f"{row[0]}-{row[1]}" + "".join(f"-{key}" for key in row[3])
         + ("" if row[4] else "-ok") for row in ROWS])
def test_verification(lab, clients, version, name, kind, pair, options,
                      reasons):
    options = {key: getattr(clients, value) if isinstance(value, str)
               else value for key, value in options.items()}
    gate = serve(lab, clients, kind, **options)
    mine = certificate_options(getattr(clients, pair)) if pair else []
    done = s_client(gate, version, *mine, text=REQUEST)
    if reasons is None:
        assert done.answer == 200, done.text
        wait_for_count(gate, "ok")
        assert gate.api("tls_handshakes")["failures"] == []
        assert log_lines(gate) == []
        return
    assert done.answer is None, done.text
    # A message that is too large is not read to its end: the alert about it
    # may be lost.
    assert done.alert or reasons == "message_too_large", done.text
    reasons = reasons.split("|")
    wait_for(lambda: any(handshakes(gate, each) for each in reasons), 20,
             f"{reasons} in {gate.admin('/metrics').text}")
    reason = next(each for each in reasons if handshakes(gate, each))
    assert handshakes(gate, reason) == 1 and handshakes(gate, "ok") == 0
    row, = listed(gate, reason)
    assert re.fullmatch(r"127\.0\.0\.1:\d+", row["peer"]), row
    if reason in SILENT:
        assert log_lines(gate) == []
        return
    line, = wait_for(lambda: log_lines(gate), 20, "a line in the log")
    assert f"reason={reason}" in line and row["peer"] in line
    assert "level=warn" in line


SANS = {
    "dns": ("client.example", "client.example"),
    "email": ("ops@example.org", "ops@example.org"),
    "ip": ("10.1.2.3", "10.1.2.3"),
    "ipv6": ("2001:db8::1", "2001:db8::1"),
    "uri": ("spiffe://example.org/ns/mon/sa/prometheus",) * 2,
    "wildcard-is-no-pattern": ("*.example.org", "*.example.org"),
}


@pytest.mark.parametrize("kind", SANS)
def test_san_kinds(lab, clients, kind):
    """One of many names in the certificate, one of many in the list."""
    name, allowed = SANS[kind]
    pair = clients.authority.issue(
        f"c-san-{kind}", ("first.test", name, "127.9.9.9"), usage="client")
    gate = serve(lab, clients, client_allowed_sans=["x.test", allowed])
    done = s_client(gate, *certificate_options(pair), text=REQUEST)
    assert done.answer == 200, done.text
    other = s_client(gate, *certificate_options(clients.good), text=REQUEST)
    assert (other.answer, other.alert) == (None, "42"), other.text
    wait_for_count(gate, "client_certificate_san_not_allowed")


@pytest.mark.parametrize("names, allowed", [
    (("a.example.org",), "*.example.org"),
    (("*.example.org",), "a.example.org"),
    (("Client.example",), "client.example"),
    (("client.example.",), "client.example"),
    (("10.1.2.30",), "10.1.2.3"),
    (("spiffe://example.org/",), "spiffe://example.org"),
    (("ops@example.org",), "example.org"),
])
def test_san_is_compared_exactly(lab, clients, names, allowed):
    pair = clients.authority.issue("c-near", names, usage="client")
    gate = serve(lab, clients, client_allowed_sans=[allowed])
    assert s_client(gate, *certificate_options(pair),
                    text=REQUEST).answer is None
    wait_for_count(gate, "client_certificate_san_not_allowed")


def test_common_name_is_no_san(lab, clients):
    pair = clients.authority.issue("c-cn", ("other.test",), usage="client",
                                   common="good.test")
    gate = serve(lab, clients, client_allowed_sans=["good.test"])
    assert s_client(gate, *certificate_options(pair),
                    text=REQUEST).answer is None


def test_name_in_the_log_is_escaped(lab, clients):
    """A certificate writes no lines into our log."""
    key = certs.ec_key()
    name = certs.name('x" level=error\nmsg=forged')
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(certs.now() - DAY)
        .not_valid_after(certs.now() + DAY)
        .sign(key, certs.hashes.SHA256()))
    pair = certs.Pair(lab.folder, "evil", certificate, key)
    gate = serve(lab, clients)
    s_client(gate, *certificate_options(pair), text=REQUEST)
    wait_for_count(gate, UNKNOWN_CA)
    line, = wait_for(lambda: log_lines(gate), 20, "a line in the log")
    assert "\nmsg=forged" not in gate.log
    assert len(re.findall(r"\blevel=", re.sub(r'"(?:[^"\\]|\\.)*"', '""',
                                              line))) == 1


def test_expired_crl_is_visible(lab, clients):
    """In the log when it is loaded, and as a number before that."""
    gate = serve(lab, clients, client_crl_file=clients.crl_expired)
    assert re.search(r"level=(warn|error) .*revocation list has expired",
                     gate.log)
    ends = {labels: value for (name, labels), value in gate.metrics().items()
            if name == "scrapegate_certificate_not_after_timestamp_seconds"}
    crl = [value for labels, value in ends.items()
           if "crl" in dict(labels)["role"]]
    assert crl == [pytest.approx(
        (certs.now() - DAY).replace(tzinfo=datetime.timezone.utc)
        .timestamp(), abs=600)]
    assert len(ends) >= 3, ends


# Probes: counted each under its own reason, listed, never logged.


def connect(gate):
    return socket.create_connection(gate.address, 20)


def connect_and_close(gate):
    connect(gate).close()


def send(data):
    def probe(gate):
        with connect(gate) as link:
            link.sendall(data)
            link.settimeout(20)
            try:
                while link.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    return probe


def reset(gate):
    link = connect(gate)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    b"\1\0\0\0\0\0\0\0")
    link.close()


def half_hello(gate):
    """The beginning of a ClientHello, then nothing more."""
    with connect(gate) as link:
        link.sendall(bytes.fromhex("1603010200010001fc0303"))
        link.shutdown(socket.SHUT_WR)
        while link.recv(4096):
            pass


def client(*options):
    return lambda gate: s_client(gate, *options)


def distrusting(gate):
    with pytest.raises(ssl.SSLError):
        fetch(gate.address, tls=ssl.create_default_context())


OLD = ["-cipher", "DEFAULT:@SECLEVEL=0"]
PROBES = {
    "connect and close": (connect_and_close, "closed"),
    "reset": (reset, "closed"),
    "half a hello": (half_hello, "closed"),
    "plain HTTP": (send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
                   "plain_http"),
    "plain HEAD": (send(b"HEAD / HTTP/1.0\r\n\r\n"), "plain_http"),
    "plain DELETE": (send(b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"),
                     "plain_http"),
    "SSH": (send(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "not_tls"),
    "MySQL": (send(bytes(range(64, 128))), "not_tls"),
    "zeros": (send(bytes(64)), "not_tls"),
    "TLS 1.1": (client("-tls1_1", *OLD), "protocol_version"),
    "TLS 1.0": (client("-tls1", *OLD), "protocol_version"),
    "CBC only": (client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
                 "no_shared_cipher"),
    "static RSA": (client("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
                   "no_shared_cipher"),
    "h2 only": (client("-alpn", "h2"), "no_application_protocol"),
    "other CA": (distrusting, "alert_from_client"),
}


@pytest.mark.parametrize("name", PROBES)
def test_probe(lab, name):
    probe, reason = PROBES[name]
    gate = lab.gate(lab.faultd(good()), secure=True)
    before = gate.log
    for _ in range(3):
        probe(gate)
    wait_for_count(gate, reason, 3)
    rows = listed(gate, reason, 3)
    # Repeats may be folded into one row, whose count says so.
    assert sum(row["count"] for row in rows) == 3, rows
    for row in rows:
        assert row["peer"].startswith("127.0.0.1:") and row["words"]
        assert row["subject"] == ""
    assert gate.get().body == GOOD_BODY
    assert gate.log == before, "silent in the log"


def test_silent_client_is_ended(lab):
    """Connects, says nothing, waits: the deadline is ours."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    before = gate.log
    with connect(gate) as link:
        assert link.recv(1) == b""
    wait_for(lambda: handshakes(gate, "timeout") + handshakes(gate, "closed"),
             20, "counted")
    assert handshakes(gate, "timeout") == 1
    assert gate.log == before


def test_port_scan(lab):
    """Hundreds of probes leave no line and a bounded list."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    before = gate.log
    for _ in range(400):
        connect_and_close(gate)
    wait_for(lambda: handshakes(gate, "closed") == 400, 20, "all counted")
    assert len(gate.api("tls_handshakes")["failures"]) <= 256
    assert gate.log == before
    assert gate.get().body == GOOD_BODY


def test_refused_client_does_not_flood_the_log(lab, clients):
    """One scraper with a wrong certificate, a hundred times."""
    gate = serve(lab, clients)
    context = client_context(lab.authority.ca_file)
    context.load_cert_chain(clients.expired.cert_file,
                            clients.expired.key_file)
    for _ in range(100):
        with pytest.raises((ssl.SSLError, OSError, Closed)):
            fetch(gate.address, tls=context)
    wait_for(lambda: handshakes(gate, "client_certificate_expired") == 100,
             20, "all counted")
    lines = log_lines(gate)
    assert 1 <= len(lines) <= 10, len(lines)
    assert 'subject="CN=c-expired"' in lines[0]


@pytest.mark.smoke
def test_prometheus_with_a_client_certificate(lab, clients):
    """tls_config with cert_file and key_file scrapes; without it does not,
    and Prometheus shows that it was TLS."""
    gate = serve(lab, clients, client_allowed_sans=["good.test"],
                 client_crl_file=clients.crl)

    def with_pair(name, pair):
        made = job(name, gate.netloc, ca_file=lab.authority.ca_file)
        if pair:
            made["tls_config"].update(cert_file=pair.cert_file,
                                      key_file=pair.key_file)
        return made
    prometheus = lab.prometheus([with_pair("good", clients.good),
                                 with_pair("revoked", clients.revoked),
                                 with_pair("none", None)])
    # A scrape may take a second there, which a busy machine may not have.
    prometheus.wait_for_target("good", lambda each: (
        each["health"], each["lastError"]) == ("up", ""))
    wait_for(lambda: ({"good": 1, "revoked": 0, "none": 0} == {
        labels["job"]: value for labels, value in prometheus.query("up")}),
        30, "up of three jobs")
    for name in ("none", "revoked"):
        prometheus.wait_for_target(
            name, lambda each: "tls: " in each["lastError"])
    wait_for(lambda: handshakes(gate, "client_certificate_missing")
             and handshakes(gate, "client_certificate_revoked"), 20,
             "both reasons")


@pytest.mark.parametrize("is_revoked", [False, True])
def test_revoked_intermediate(lab, clients, is_revoked):
    """The leaf is on no list, but its issuer may be."""
    root = clients.authority
    between = certs.Authority(lab.folder, "Fallen CA", root, 0)
    pair = between.issue("c-fallen", ("good.test",), usage="client")
    path = lab.folder / "both.crl"
    with open(path, "wb") as out:
        for issuer, revoked in ((root, [between.pair] * is_revoked),
                                (between, [])):
            with open(issuer.revocations("fallen", revoked), "rb") as one:
                out.write(one.read())
    gate = serve(lab, clients, client_crl_file=str(path))
    done = s_client(gate, *certificate_options(pair), text=REQUEST)
    assert done.answer == (None if is_revoked else 200), done.text
    if is_revoked:
        wait_for_count(gate, "client_certificate_revoked")


def test_certificate_taken_back(lab, clients):
    """A new revocation list, found by itself, holds for the next handshake
    and for what is open."""
    path = lab.folder / "live.crl"
    with open(clients.authority.revocations("live-0"), "rb") as first:
        path.write_bytes(first.read())
    gate = serve(lab, clients, client_crl_file=str(path))
    context = client_context(lab.authority.ca_file)
    context.load_cert_chain(clients.good.cert_file, clients.good.key_file)
    gate.tls = context
    with gate.connect() as kept:
        assert kept.get().body == GOOD_BODY
        with open(clients.authority.revocations("live-1", [clients.good]),
                  "rb") as second:
            new = lab.folder / "live.new"
            new.write_bytes(second.read())
        os.rename(new, path)

        def is_refused():
            try:
                gate.get()
                return False
            except (ssl.SSLError, Closed, OSError):
                return True
        wait_for(is_refused, 20, "the new list in force")
        with pytest.raises((Closed, OSError)):
            kept.get()
    # The one above may have been under way when the list changed, and ended
    # without a verdict.
    assert is_refused()
    wait_for(lambda: handshakes(gate, "client_certificate_revoked"), 20,
             "counted")


# A reload that tightens the policy reaches connections that are open.


def config_of(lab, exporter, **block):
    return {"tls_server_config": {**lab.certificate, **block},
            "insecure_http": False,
            "targets": [{"name": "a", "url": exporter.url}]}


def swap(path, source):
    """As a Secret is swapped: never half of it."""
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(pathlib.Path(source).read_bytes())
    os.replace(fresh, path)


def reload_of(lab, clients, name, more):
    """What is served first, and what does the change to it."""
    ca, crl = lab.folder / "clients-ca.pem", lab.folder / "clients.crl"
    swap(ca, clients.authority.ca_file)
    swap(crl, clients.authority.revocations("none"))
    must = {"client_auth_type": REQUIRE, "client_ca_file": str(ca)}
    may = {"client_auth_type": IF_GIVEN, "client_ca_file": str(ca)}
    with_crl = {**must, "client_crl_file": str(crl)}
    return {
        "required": ({}, must, None),
        "no longer optional": (may, must, None),
        "CA swapped": (must, must, (ca, clients.other_ca)),
        "CRL added": (must, {**must, "client_crl_file": clients.crl}, None),
        "CRL swapped": (with_crl, with_crl, (crl, clients.crl)),
        "SANs": (must, {**must, "client_allowed_sans": ["x.test"]}, None),
        "version": ({}, {"min_version": "TLS13"}, None),
        "renewed": (must, {**must, **more}, None),
        "the same": (must, must, None),
        "renewed, order of ciphers": (
            must, {**must, **more, "prefer_server_cipher_suites": False},
            None),
    }[name]


KEEPS = {"renewed", "the same", "renewed, order of ciphers"}


@pytest.mark.threads
@pytest.mark.parametrize("name", [
    "required", "no longer optional", "CA swapped", "CRL added",
    "CRL swapped", "SANs", "version", *sorted(KEEPS)])
def test_tightening_reaches_open_connections(lab, clients, name):
    """Idle ones end at once, a scrape in work ends with its answer, and an
    unfinished handshake is not finished."""
    released = threading.Event()
    exporter, slow = lab.faultd(good()), lab.faultd(answer_when(released))
    other = lab.authority.issue("renewed")
    first, then, files = reload_of(
        lab, clients, name, {"cert_file": other.cert_file,
                             "key_file": other.key_file})

    def config(block):
        whole = config_of(lab, exporter, **block)
        whole["targets"].append({"name": "slow", "url": slow.url})
        return {**whole, "workers": 2}
    context = client_context(lab.authority.ca_file)
    if "client_ca_file" in first:
        context.load_cert_chain(clients.revoked.cert_file,
                                clients.revoked.key_file)
    gate = lab.gate(config=config(first), tls=context)
    idle = [gate.connect() for _ in range(8)]
    assert {link.get().status for link in idle} == {200}
    busy = gate.connect()
    busy.send(request_bytes("/metrics/slow", {
        "X-Prometheus-Scrape-Timeout-Seconds": "60"}))
    wait_for(lambda: slow.request_count == 1, 20, "the attempt")
    begun = connect(gate)
    wait_for(lambda: gate.metric("scrapegate_connections") == 10, 20,
             "all connections")
    if files:
        swap(*files)
    reload(gate, config(then))
    released.set()
    if name in KEEPS:
        # First: a handshake has five seconds.
        with context.wrap_socket(begun, server_hostname="localhost") as link:
            assert link.version()
        assert {link.get().status for link in idle} == {200}
        answer = busy.answer()
        assert (answer.status, answer.header("Connection")) == (200, None)
    else:
        for link in idle:
            with pytest.raises((Closed, OSError)):
                link.get()
        answer = busy.answer()
        assert (answer.status, answer.header("Connection")) == (200, "close")
        with pytest.raises((Closed, OSError)):
            busy.get()
        begun.settimeout(20)
        assert begun.recv(1) == b""
        assert handshakes(gate, "closed") == 0, "it is we who closed it"
    for link in [begun, busy, *idle]:
        link.close()
