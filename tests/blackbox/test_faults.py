"""Each fault of an exporter, by its name, in time, and gone with the next
good scrape."""

import re
import shutil
import socket
import ssl

import pytest

import certs
import faultd
from faultd import GOOD_BODY, Conn, good, ok, say
from faults import FAULTS, GOOD
from nameserver import REFUSED, SERVFAIL, wrap_with_resolv_conf
from wire import wait_for

# What the scraper allows, in seconds; the answer is due a tenth earlier.
TIMEOUT = 3


def assert_named(answer, ids, status, words=""):
    """The form of a failure: status line, header and body agree."""
    line = answer.status_line
    match = re.fullmatch(r"HTTP/1\.1 (\d{3}) ([a-z0-9_]+): (.*)", line)
    assert match, line
    assert match.group(2) in ids, f"{line}\n{answer.body.decode()}"
    assert int(match.group(1)) == status, line
    reason = answer.reason
    assert len(reason) <= 200, line
    assert all(32 <= ord(each) < 127 for each in reason), line
    assert re.fullmatch(words or ".+", match.group(3)), line
    assert answer.header("X-Scrapegate-Reason") == match.group(2)
    assert answer.header("Content-Type").startswith("text/plain")
    lines = answer.body.decode("ascii").splitlines()
    assert lines[0] == reason
    for mark in ("Cause: ", "Seen: ", "Do: "):
        assert any(each.startswith(mark) for each in lines[1:]), answer.body
    assert "{" not in reason, "an unexpanded template"
    return match.group(2)


def assert_recorded(gate, found, lasterror=""):
    """Metrics and API say the same."""
    wait_for(lambda: gate.metric("scrapegate_scrapes_total",
                                 reason=found) == 1,
             what=f"scrapegate_scrapes_total of {found} to be 1")
    target = gate.target()
    assert target["health"] == "down"
    assert target["scrapeReason"]["id"] == found
    assert target["lastError"], target
    assert re.fullmatch(lasterror or ".+", target["lastError"],
                        re.DOTALL), target["lastError"]
    phases = target["scrapePhases"]
    assert set(phases) == {"queue", "resolve", "connect", "tls",
                           "processing", "transfer", "parse"}
    assert all(value >= 0 for value in phases.values()), phases


def assert_in_time(answer, status):
    assert answer.seconds < TIMEOUT, "Prometheus would have given up"
    if status == 504:
        # Not early either: the exporter had all the time there was.
        assert answer.seconds > TIMEOUT * 0.85


def assert_fault(gate, ids, status, words="", lasterror=""):
    answer = gate.get(timeout=TIMEOUT)
    found = assert_named(answer, ids, status, words)
    assert_in_time(answer, status)
    assert_recorded(gate, found, lasterror)
    if status == 503:
        assert answer.header("Retry-After")
    return answer


def assert_good(gate, body=GOOD_BODY):
    answer = gate.get()
    assert (answer.status, answer.body) == (200, body), answer
    wait_for(lambda: gate.target()["health"] == "up", what="health up")
    assert gate.target()["lastError"] == ""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(lab, fault):
    exporter = lab.faultd(fault.behaviour)
    gate = lab.gate(exporter, target=fault.target)
    answer = assert_fault(gate, fault.ids, fault.status, fault.words,
                          fault.lasterror)
    if fault.name.startswith("U44"):
        # The exporter's own words help, but only in the body.
        assert b"some words of the exporter" in answer.body
        assert "some words" not in answer.reason
    exporter.behaviour = good()
    assert_good(gate)


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.over_tls],
                         ids=lambda fault: fault.name)
def test_fault_over_tls(lab, authority, server_tls, fault):
    exporter = lab.faultd(fault.behaviour, tls=server_tls())
    gate = lab.gate(exporter, secure=True, target={
        **fault.target, "tls_config": {"ca_file": authority.ca_file,
                                       "server_name": "localhost"}})
    assert_fault(gate, fault.ids, fault.status, fault.words)
    exporter.behaviour = good()
    assert_good(gate)


@pytest.mark.parametrize("behaviour", [each[1] for each in GOOD],
                         ids=[each[0] for each in GOOD])
def test_odd_but_good(lab, behaviour):
    exporter = lab.faultd(behaviour)
    gate = lab.gate(exporter)
    for _ in range(2):
        answer = gate.get(timeout=TIMEOUT)
        assert (answer.status, answer.body) == (200, GOOD_BODY), answer
        assert answer.header("Content-Type") == faultd.TEXT
    exporter.behaviour = good()
    assert_good(gate)


def test_empty_body_is_delivered(lab):
    """Prometheus takes it as UP with no samples, so it passes."""
    gate = lab.gate(lab.faultd(good(b"")))
    answer = gate.get()
    assert (answer.status, answer.body) == (200, b"")


def test_u1_refused(lab):
    exporter = lab.faultd(backlog=None)  # bound, so nobody else takes it
    gate = lab.gate(exporter)
    words = (rf"dial tcp {re.escape(exporter.netloc)}: connect: "
             r"connection refused")
    assert_fault(gate, ["connect_refused"], 502, words,
                 rf'Get "{re.escape(exporter.url)}": {words}')
    exporter.listen()
    assert_good(gate)


def test_u1_missing_unix_socket(lab):
    gate = lab.gate(f"unix:{lab.folder}/none.sock:/metrics")
    assert_fault(gate, ["connect_refused"], 502,
                 r"dial unix /.*none\.sock: connect: .*")
    lab.faultd(unix_path=f"{lab.folder}/none.sock")
    assert_good(gate)


def test_u4_backlog_full(lab):
    """A listener that never accepts: its queue is filled from outside."""
    exporter = lab.faultd(backlog=None)
    exporter.listener.listen(0)
    exporter.listener.setblocking(False)
    queue = []
    for _ in range(8):
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(exporter.address)
        queue.append(each)
    gate = lab.gate(exporter)
    assert_fault(gate, ["timeout_connect", "connect_backlog_full"], 504)
    for each in queue:
        each.close()
    exporter.listen()
    assert_good(gate)


NETWORK = """
ip link add v0 type veth peer name v1
ip address add 10.99.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
ip neighbour add 10.99.0.2 lladdr 02:00:00:00:00:99 dev v0 nud permanent
ip route add unreachable 10.99.1.0/24
ip route add prohibit 10.99.2.0/24
ip route add blackhole 10.99.3.0/24
"""


@pytest.mark.parametrize("address, ids, status, words", [
    ("10.99.0.2", ["timeout_connect"], 504,
     r"dial tcp 10\.99\.0\.2:9100: no answer to SYN in .*"),
    ("10.99.1.2", ["connect_no_route"], 502,
     r"dial tcp 10\.99\.1\.2:9100: connect: no route to host"),
    ("10.99.2.2", ["connect_denied", "connect_no_route"], 502, ""),
    ("10.99.3.2", ["connect_other"], 502,
     r"dial tcp 10\.99\.3\.2:9100: connect: invalid argument"),
    ("10.98.0.2", ["connect_net_unreachable"], 502,
     r"dial tcp 10\.98\.0\.2:9100: connect: network is unreachable"),
], ids=["U2 SYN dropped", "U3 unreachable", "U3 prohibited", "blackhole route",
        "no route at all"])
def test_network(lab, address, ids, status, words):
    namespace = lab.namespace()
    namespace.run(NETWORK)
    gate = lab.gate(f"http://{address}:9100/metrics",
                    prefix=namespace.prefix, call=namespace.call)
    assert_fault(gate, ids, status, words)


def test_u5_no_local_ports(lab):
    """All ports towards the exporter are taken by somebody else."""
    namespace = lab.namespace()
    exporter = namespace.call(lambda: lab.faultd(good(), host="127.0.0.1"))
    namespace.run("sysctl -qw net.ipv4.ip_local_port_range='61000 61003'")
    gate = lab.gate(exporter, prefix=namespace.prefix, config={
        "listen": [f"unix:{lab.folder}/gate.sock"],
        "admin": {"listen": f"unix:{lab.folder}/admin.sock"}})

    def use_up():
        held = []
        try:
            while len(held) < 8:
                held.append(socket.create_connection(exporter.address, 5))
        except OSError:
            pass
        return held
    held = namespace.call(use_up)
    assert 0 < len(held) < 8
    answer = gate.get(timeout=TIMEOUT)
    assert_named(answer, ["connect_no_local_port"], 503)
    assert answer.header("Retry-After")
    for each in held:
        each.close()
    wait_for(lambda: gate.get().status == 200, what="ports to be free again")


def test_u29_extra_bytes_never_reach_the_next_scrape(lab):
    exporter = lab.faultd(faultd.say_and_keep(
        ok() + ok(b"smuggled 1\n")))
    gate = lab.gate(exporter)
    for number in (1, 2, 3):
        answer = gate.get()
        assert (answer.status, answer.body) == (200, GOOD_BODY)
        assert exporter.connections == number


def close_on_second_request(conn):
    """Keeps the connection, then drops it just as the next request comes."""
    conn.read_request()
    conn.send(ok())
    if conn.number == 1:
        conn.wait_readable()
        conn.server.stale_closes += 1
        conn.reset()
    while True:
        conn.read_request()
        conn.send(ok())


def test_u49_stale_connection_is_retried_once(lab):
    exporter = lab.faultd(close_on_second_request)
    exporter.stale_closes = 0
    gate = lab.gate(exporter)
    assert_good(gate)
    assert_good(gate)
    assert exporter.stale_closes == 1, "the connection was not kept alive"
    assert exporter.connections == 2
    assert gate.metric("scrapegate_scrapes_total", reason="ok") == 2


def test_connection_is_kept_alive(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    for _ in range(10):
        assert_good(gate)
    assert exporter.connections == 1


def test_u45_redirect_elsewhere_is_not_followed(lab):
    other = lab.faultd(good(b"stolen 1\n"))
    exporter = lab.faultd(say(ok(b"", extra=[f"Location: {other.url}"],
                                 status="302 Found")))
    gate = lab.gate(exporter)
    assert_fault(gate, ["http_redirect_not_followed"], 502)
    assert other.connections == 0


def redirect_once(conn):
    while True:
        if b" /metrics " in conn.read_request():
            conn.send(ok(b"", extra=["Location: /real"],
                         status="301 Moved Permanently"))
        else:
            conn.send(ok())


def test_redirect_on_the_same_origin_is_followed(lab):
    exporter = lab.faultd(redirect_once)
    gate = lab.gate(exporter)
    assert_good(gate)
    assert exporter.requests[-1].startswith(b"GET /real ")


@pytest.mark.parametrize("policy, status", [
    ("true", 200), ("same_origin", 502), ("false", 502)])
def test_redirect_policy(lab, policy, status):
    other = lab.faultd(good())
    exporter = lab.faultd(say(ok(b"", extra=[f"Location: {other.url}"],
                                 status="307 Temporary Redirect")))
    value = {"true": True, "false": False}.get(policy, policy)
    gate = lab.gate(exporter, target={"follow_redirects": value})
    assert gate.get().status == status
    assert other.connections == (1 if status == 200 else 0)


# U50: names.

NAMES = {
    "good.test": "GOOD",
    "nodata.test": [],
    "servfail.test": SERVFAIL,
    "refused.test": REFUSED,
    "silent.test": "silent",
    "truncated.test": "truncated",
}


@pytest.mark.parametrize("name, ids, status, words", [
    ("missing.test", ["dns_nxdomain"], 502,
     r"dial tcp: lookup missing\.test on .*: no such host"),
    ("nodata.test", ["dns_nodata"], 502,
     r"dial tcp: lookup nodata\.test on .*: no such host.*"),
    ("servfail.test", ["dns_server_failure"], 502,
     r"dial tcp: lookup servfail\.test on .*: server misbehaving"),
    ("refused.test", ["dns_server_failure"], 502, ""),
    ("silent.test", ["timeout_dns"], 504, r"lookup silent\.test.*"),
    ("truncated.test", ["dns_truncated"], 502, ""),
])
def test_u50_name(lab, name, ids, status, words):
    server = lab.name_server(NAMES)
    gate = lab.gate(f"http://{name}:9100/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder,
                                                 server.resolv_conf))
    assert_fault(gate, ids, status, words)


def test_u50_name_server_unreachable(lab):
    """Bound and closed again: the kernel says that nobody is there."""
    server = lab.name_server({})
    text = server.resolv_conf
    gate = lab.gate("http://good.test:9100/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder, text))
    server.stop()
    lab.things.remove(server)
    assert_fault(gate, ["dns_server_unreachable"], 502)


def test_u50_good_name(lab):
    exporter = lab.faultd(good())
    host, port = exporter.address
    server = lab.name_server({"good.test": [host]})
    gate = lab.gate(f"http://good.test:{port}/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder,
                                                 server.resolv_conf))
    assert_good(gate)
    assert f"Host: good.test:{port}".encode() in exporter.requests[0]
    assert gate.target()["labels"]["instance"] == f"good.test:{port}"


def test_u50_second_address_is_tried(lab):
    """A name with a dead and a live address reaches the live one."""
    exporter = lab.faultd(good())
    host, port = exporter.address
    server = lab.name_server({"two.test": ["127.9.9.9", host]})
    gate = lab.gate(f"http://two.test:{port}/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder,
                                                 server.resolv_conf))
    assert_good(gate)


# U51-U54: TLS to the exporter.

def https_url(exporter):
    return f"https://{exporter.netloc}/metrics"


def trusting(authority, **extra):
    return {"tls_config": {"ca_file": authority.ca_file,
                           "server_name": "localhost", **extra}}


def alert(description):
    def setup(context):
        context.sni_callback = lambda *_: description
    return setup


def no_common_cipher(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # our key is ECDSA


def only_tls12(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def wants_client(authority, version=None):
    def setup(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.ca_file)
        if version:
            context.maximum_version = version
    return setup


@pytest.mark.parametrize("setup, ids, extra", [
    (alert(ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE),
     ["tls_handshake_failure"], {}),
    (alert(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME),
     ["tls_sni_unrecognized"], {}),
    (alert(ssl.ALERT_DESCRIPTION_ACCESS_DENIED),
     ["tls_client_cert_rejected"], {}),
    (alert(ssl.ALERT_DESCRIPTION_INTERNAL_ERROR), ["tls_alert_other"], {}),
    (no_common_cipher, ["tls_handshake_failure"], {}),
    (only_tls12, ["tls_protocol_version"], {"min_version": "TLS13"}),
], ids=["handshake_failure", "unrecognized_name", "access_denied",
        "internal_error", "no common cipher", "protocol version"])
def test_u51_alert(lab, authority, server_tls, setup, ids, extra):
    exporter = lab.faultd(good(), tls=server_tls(setup=setup))
    gate = lab.gate(exporter, target=trusting(authority, **extra))
    assert_fault(gate, ids, 502)
    exporter.tls = server_tls()
    assert_good(gate)


@pytest.mark.parametrize("version, ids", [
    (None, ["tls_client_cert_required"]),
    (ssl.TLSVersion.TLSv1_2, ["tls_handshake_failure"]),
], ids=["TLS 1.3", "TLS 1.2"])
@pytest.mark.parametrize("is_rude", [False, True], ids=["polite", "rude"])
def test_u51_client_certificate_missing(lab, authority, server_tls, version,
                                        ids, is_rude):
    """The rude server resets right behind its alert, which may be lost."""
    exporter = lab.faultd(good(), tls=server_tls(
        setup=wants_client(authority, version)))
    exporter.is_rude = is_rude
    gate = lab.gate(exporter, target=trusting(authority))
    if is_rude:
        ids = [*ids, "http_reset_before_response", "tls_handshake_reset"]
    assert_fault(gate, ids, 502)


@pytest.mark.parametrize("kind", ["good", "foreign", "expired"])
def test_u51_client_certificate(lab, authority, server_tls, kind):
    pair = {
        "good": lambda: authority.client,
        "foreign": lambda: certs.Authority(lab.folder, "Other CA").issue(
            "foreign", usage="client"),
        "expired": lambda: authority.issue(
            "expired-client", usage="client", start=certs.now()
            - 3 * certs.DAY, end=certs.now() - certs.DAY),
    }[kind]()
    exporter = lab.faultd(good(), tls=server_tls(
        setup=wants_client(authority)))
    gate = lab.gate(exporter, target=trusting(
        authority, cert_file=pair.cert_file, key_file=pair.key_file))
    if kind == "good":
        assert_good(gate)
    else:
        assert_fault(gate, ["tls_client_cert_rejected"], 502,
                     r"remote error: tls: .*")


def make_pair(kind, authority, folder):
    day, now = certs.DAY, certs.now()
    make = {
        "expired": lambda: authority.issue("expired", start=now - 9 * day,
                                           end=now - 2 * day),
        "not yet valid": lambda: authority.issue(
            "early", start=now + 2 * day, end=now + 9 * day),
        "wrong name": lambda: authority.issue("other", names=("other.test",)),
        "no SAN": lambda: authority.issue("localhost", names=()),
        "client usage": lambda: authority.issue("client-only",
                                                usage="client"),
        "self-signed": lambda: certs.self_signed(folder, "self"),
        "unknown CA": lambda: certs.Authority(folder, "Strange CA").issue(
            "strange"),
        # Same name as the trusted CA, other key.
        "rotated CA": lambda: certs.Authority(folder, "Test CA").issue(
            "rotated"),
    }
    return make[kind]()


@pytest.mark.parametrize("kind, ids, words", [
    ("expired", ["tls_cert_expired"],
     r"tls: failed to verify certificate: x509: certificate has expired.*"),
    ("not yet valid", ["tls_cert_not_yet_valid"], ""),
    ("wrong name", ["tls_hostname_mismatch"], r".*x509: .*"),
    ("no SAN", ["tls_cert_no_san"], r".*legacy Common Name.*"),
    ("client usage", ["tls_cert_bad_usage"], ""),
    ("self-signed", ["tls_unknown_authority"],
     r".*x509: certificate signed by unknown authority"),
    ("unknown CA", ["tls_unknown_authority"], ""),
    ("rotated CA", ["tls_unknown_authority", "tls_cert_invalid"], ""),
])
def test_u52_certificate(lab, authority, server_tls, kind, ids, words):
    pair = make_pair(kind, authority, lab.folder)
    exporter = lab.faultd(good(), tls=server_tls(pair))
    gate = lab.gate(exporter, target=trusting(authority))
    assert_fault(gate, ids, 502, words)
    exporter.tls = server_tls()
    assert_good(gate)


def test_u52_ip_address_not_in_certificate(lab, authority, server_tls):
    pair = authority.issue("names-only", names=("localhost",))
    exporter = lab.faultd(good(), tls=server_tls(pair), host="127.0.0.1")
    gate = lab.gate(exporter,
                    target={"tls_config": {"ca_file": authority.ca_file}})
    assert_fault(gate, ["tls_hostname_mismatch"], 502)


def test_verification_can_be_switched_off(lab, server_tls, authority):
    pair = make_pair("expired", authority, lab.folder)
    exporter = lab.faultd(good(), tls=server_tls(pair))
    gate = lab.gate(exporter,
                    target={"tls_config": {"insecure_skip_verify": True}})
    assert_good(gate)


def hello_then(action):
    def behave(conn):
        conn.wait_readable()
        conn.socket.recv(65536)
        action(conn)
    return behave


@pytest.mark.parametrize("behaviour, ids, status", [
    (hello_then(Conn.hold), ["timeout_tls"], 504),
    (hello_then(Conn.finish), ["tls_handshake_closed"], 502),
    (hello_then(Conn.reset), ["tls_handshake_reset"], 502),
    (hello_then(lambda conn: (conn.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
                              conn.finish())),
     ["tls_server_speaks_http"], 502),
    (hello_then(lambda conn: (conn.send(b"SSH-2.0-OpenSSH_9.2\r\n"),
                              conn.finish())), ["tls_not_tls"], 502),
    (hello_then(lambda conn: (conn.send(b"\x16\x03\x03\x01"), conn.hold())),
     ["timeout_tls"], 504),
], ids=["U53 stalls", "closed", "reset", "U54 speaks HTTP", "U54 speaks SSH",
        "U53 stalls in a record"])
def test_u53_handshake(lab, authority, server_tls, behaviour, ids, status):
    exporter = lab.faultd(behaviour)
    gate = lab.gate(https_url(exporter), target=trusting(authority))
    assert_fault(gate, ids, status)
    exporter.behaviour, exporter.tls = good(), server_tls()
    assert_good(gate)


def test_u54_plain_scrape_of_a_tls_port(lab, server_tls):
    """What OpenSSL itself does with a plain request on a TLS port."""
    exporter = lab.faultd(good(), tls=server_tls())
    gate = lab.gate(f"http://{exporter.netloc}/metrics")
    answer = gate.get(timeout=TIMEOUT)
    # OpenSSL may close without a word: then nothing more is known.
    assert_named(answer, ["http_server_speaks_tls",
                          "http_closed_before_response",
                          "http_reset_before_response"], 502)


# Proxies and files.

def test_proxy_is_down(lab):
    exporter, proxy = lab.faultd(good()), lab.faultd(backlog=None)
    gate = lab.gate(exporter,
                    target={"proxy_url": f"http://{proxy.netloc}"})
    assert_fault(gate, ["proxy_connect_failed"], 502)
    assert exporter.connections == 0


def test_proxy_refuses_connect(lab, authority, server_tls):
    proxy = lab.faultd(say(b"HTTP/1.1 403 Forbidden\r\n"
                           b"Content-Length: 0\r\n\r\n"))
    gate = lab.gate("https://127.0.0.1:9/metrics", target={
        **trusting(authority), "proxy_url": f"http://{proxy.netloc}"})
    assert_fault(gate, ["proxy_connect_failed"], 502)
    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:9 ")


def test_credentials_file_vanishes(lab):
    """Read anew for each scrape, as Prometheus does."""
    path = lab.folder / "password"
    path.write_text("secret")
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, target={"basic_auth": {
        "username": "u", "password_file": str(path)}})
    assert_good(gate)
    path.unlink()
    answer = gate.get(timeout=TIMEOUT)
    assert_named(answer, ["auth_credentials_unreadable"], 503)
    path.write_text("other")
    assert_good(gate)
    assert b"Authorization: Basic dTpvdGhlcg==" in exporter.requests[-1]


def test_ca_file_vanishes(lab, authority, server_tls):
    path = lab.folder / "ca.crt"
    shutil.copy(authority.ca_file, path)
    exporter = lab.faultd(say(ok(extra=["Connection: close"])),
                          tls=server_tls())
    gate = lab.gate(exporter, target={"tls_config": {
        "ca_file": str(path), "server_name": "localhost"}})
    assert gate.get().status == 200
    path.unlink()
    answer = gate.get(timeout=TIMEOUT)
    # Known from the last scrape or looked up again: both are honest.
    if answer.status != 200:
        assert_named(answer, ["tls_local_files_unreadable"], 503)


def test_repeated_faults_leave_nothing_behind(lab):
    """Descriptors return to what they were."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    assert_good(gate)
    before = gate.open_fds()
    cut = [each.behaviour for each in FAULTS if each.id in (
        "http_reset_before_response", "http_closed_in_headers",
        "body_reset", "http_bad_framing", "body_chunk_malformed")]
    for behaviour in cut * 5:
        exporter.behaviour = behaviour
        assert gate.get(timeout=TIMEOUT).status == 502
    exporter.behaviour = good()
    assert_good(gate)
    wait_for(lambda: gate.open_fds() <= before, what="descriptors closed")


def test_failure_is_never_kept(lab):
    """Not even with a ttl: the next scrape asks again."""
    exporter = lab.faultd(say(ok(b"no\n", status="500 Internal")))
    gate = lab.gate(exporter, target={
        "cache": {"ttl": "1h", "once_per_scraper": False}})
    for number in (1, 2, 3):
        assert gate.get().status == 502
        assert exporter.request_count == number
    exporter.behaviour = good()
    assert gate.get().status == 200
    assert gate.get().status == 200
    assert exporter.request_count == 4


@pytest.mark.parametrize("body", [b"\x00\x01\xff<script>\r\nX: y",
                                  b"a" * 5000])
def test_exporters_text_is_escaped_and_cut(lab, body):
    gate = lab.gate(lab.faultd(say(ok(body, status="500 Bro\x7fken"))))
    answer = gate.get()
    assert_named(answer, ["http_server_error"], 502)
    assert len(answer.body) < 4096
    answer.body.decode("ascii")
    assert b"\0" not in answer.body and b"\r" not in answer.body


def test_failure_by_head_has_no_body(lab):
    gate = lab.gate(lab.faultd(say(ok(b"", status="404 Not Found"))))
    with gate.connect() as connection:
        answer = connection.get(method="HEAD")
        assert answer.reason.startswith("http_not_found: ")
        # The connection is in step: the next answer is whole.
        again = connection.get()
        assert again.reason == answer.reason
        assert again.body
