"""The table of TLS faults between gate and exporter: rows U51 to U54.

What needs certificates takes them from a Zoo, which makes each when it is
first asked for.
"""

import datetime
import functools
import itertools
import ssl

import certs
from certs import DAY, now
from faultd import GOOD_ONCE, Conn, good
from faults import Fault

ALERTS = {
    10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
    40: "handshake_failure", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked",
    45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied",
    50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
    71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 109: "missing_extension",
    112: "unrecognized_name", 116: "certificate_required",
    120: "no_application_protocol",
}
NAMED_ALERTS = {
    **dict.fromkeys((40, 71), "tls_handshake_failure"),
    **dict.fromkeys((42, 43, 44, 45, 46, 48, 49, 51),
                    "tls_client_cert_rejected"),
    70: "tls_protocol_version", 112: "tls_sni_unrecognized",
    116: "tls_client_cert_required",
}


class Zoo:
    """Certificates and TLS sides of exporters, good and bad."""

    def __init__(self, authority, folder):
        self.authority = authority
        self.folder = folder

    def server(self, pair=None, version=None, ciphers=None, client_ca=None,
               sni=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if ciphers:
            context.set_ciphers(ciphers)
        pair = pair or self.authority.gate
        context.load_cert_chain(pair.cert_file, pair.key_file)
        if version:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = version
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        if sni is not None:
            context.sni_callback = lambda *_: sni
        return context

    def alternating(self):
        """Another certificate for every other handshake."""
        sides = itertools.cycle([
            self.server(), self.server(self.authority.issue("swapped"))])
        context = self.server()

        def swap(sock, _name, _context):
            sock.context = next(sides)
        context.sni_callback = swap
        return context

    @functools.lru_cache(maxsize=None)
    def pair(self, kind):
        return PAIRS[kind](self)

    def other_authority(self, name):
        folder = self.folder / name.replace(" ", "-")
        folder.mkdir(exist_ok=True)
        return certs.Authority(folder, name)

    @functools.cached_property
    def deep_root(self):
        return certs.Authority(self.folder, "Deep root", path_length=None)

    def deep(self, count):
        """A leaf behind `count` intermediates."""
        last = self.deep_root
        for number in range(count):
            last = certs.Authority(self.folder, f"Deep CA {number}", last,
                                   path_length=None)
        return last.issue("deep")

    def alone(self):
        """A leaf that comes without its intermediate."""
        middle = certs.Authority(self.folder, "Middle CA", self.authority)
        middle.chain = ()
        return middle.issue("leaf-alone")


PAIRS = {
    "expired": lambda zoo: zoo.authority.issue(
        "expired", start=now() - 9 * DAY, end=now() - 2 * DAY),
    "expired a minute ago": lambda zoo: zoo.authority.issue(
        "just-expired", start=now() - DAY,
        end=now() - datetime.timedelta(seconds=60)),
    "not yet valid": lambda zoo: zoo.authority.issue(
        "early", start=now() + 2 * DAY, end=now() + 9 * DAY),
    "wrong name": lambda zoo: zoo.authority.issue(
        "other", names=("other.test",)),
    "no SAN": lambda zoo: zoo.authority.issue("localhost", names=()),
    "client usage": lambda zoo: zoo.authority.issue(
        "client-only", usage="client"),
    "code usage": lambda zoo: zoo.authority.issue("code-only", usage="code"),
    "self-signed": lambda zoo: certs.self_signed(zoo.folder, "self"),
    "unknown CA": lambda zoo: zoo.other_authority("Strange CA").issue(
        "strange"),
    # Same name as the trusted CA, other key.
    "rotated CA": lambda zoo: zoo.other_authority("Test CA").issue("rotated"),
    "no intermediate": lambda zoo: zoo.alone(),
    "deep": lambda zoo: zoo.deep(12),
    "RSA 1024": lambda zoo: zoo.authority.issue("weak",
                                                key=certs.rsa_key(1024)),
    "names only": lambda zoo: zoo.authority.issue("names-only",
                                                  names=("localhost",)),
    "foreign client": lambda zoo: zoo.other_authority("Client CA").issue(
        "foreign", usage="client"),
    "expired client": lambda zoo: zoo.authority.issue(
        "expired-client", usage="client", start=now() - 3 * DAY,
        end=now() - DAY),
}


def trusting(**extra):
    """The target trusts the test CA."""
    return lambda zoo: {"tls_config": {
        "ca_file": zoo.authority.ca_file, "server_name": "localhost",
        **extra}}


def trusting_with(kind):
    """... and shows this client certificate."""
    def target(zoo):
        pair = (zoo.authority.client if kind == "good" else zoo.pair(kind))
        return {"tls_config": {
            "ca_file": zoo.authority.ca_file, "server_name": "localhost",
            "cert_file": pair.cert_file, "key_file": pair.key_file}}
    return target


def tls_fault(name, tls, id, target=trusting(), behaviour=GOOD_ONCE, **more):
    """The exporter's TLS side is `tls`, a function of a zoo."""
    return Fault(name, behaviour, id, tls=tls, target=target, **more)


def certificate(kind, id, words="", name=None, **more):
    return tls_fault(f"U52 {name or kind}",
                     lambda zoo: zoo.server(zoo.pair(kind)), id, words=words,
                     **more)


def hello_then(*steps):
    """Takes the client's first flight, then does each step."""
    def behave(conn):
        conn.wait_readable()
        conn.hello = conn.socket.recv(65536)
        for step in steps:
            step(conn)
    return behave


def handshake(name, id, *steps, status=502, **more):
    """The exporter speaks no TLS, or not to the end."""
    return Fault(name, hello_then(*steps), id, status, target=trusting(),
                 is_https=True, **more)


def send(data):
    return lambda conn: conn.send(data)


def alert(number):
    return send(b"\x15\x03\x03\x00\x02\x02" + bytes([number]))


def first_flight(version, cut=None, interval=None):
    """The server's honest answer to the hello, or its first `cut` bytes, or
    byte by byte; and nothing after it."""
    def step(conn):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = conn.server.zoo.server(version=version)
        side = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(conn.hello)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
        flight = outgoing.read()[:cut]
        if interval:
            conn.dribble(flight, interval)
        else:
            conn.send(flight)
    return step


TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
PEER_SAYS = r"remote error: tls: .*"

TLS_FAULTS = [
    # U51: alerts, as such and as real servers come to send them.
    *(handshake(f"U51 alert {words}", NAMED_ALERTS.get(number,
                                                       "tls_alert_other"),
                alert(number), Conn.finish, words=PEER_SAYS)
      for number, words in ALERTS.items()),
    tls_fault("U51 server refuses the name",
              lambda zoo: zoo.server(
                  sni=ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME),
              "tls_sni_unrecognized", lasterror=r".*unrecognized name"),
    # Our key is ECDSA.
    tls_fault("U51 no common cipher", lambda zoo: zoo.server(
        version=TLS12, ciphers="ECDHE-RSA-AES128-GCM-SHA256"),
              "tls_handshake_failure", lasterror=r".*handshake failure"),
    tls_fault("U51 server is too old",
              lambda zoo: zoo.server(version=TLS12), "tls_protocol_version",
              trusting(min_version="TLS13")),
    tls_fault("U51 server is much too old", lambda zoo: zoo.server(
        version=ssl.TLSVersion.TLSv1_1, ciphers="ALL:@SECLEVEL=0"),
              "tls_protocol_version"),
    tls_fault("U51 client certificate missing, TLS 1.3",
              lambda zoo: zoo.server(client_ca=zoo.authority.ca_file),
              "tls_client_cert_required"),
    tls_fault("U51 client certificate missing, TLS 1.2",
              lambda zoo: zoo.server(client_ca=zoo.authority.ca_file,
                                     version=TLS12),
              "tls_handshake_failure"),
    # Resets right behind its alert, which may be lost.
    tls_fault("U51 client certificate missing, rude, TLS 1.3",
              lambda zoo: zoo.server(client_ca=zoo.authority.ca_file),
              "tls_client_cert_required|http_reset_before_response|"
              "tls_handshake_reset", is_rude=True),
    tls_fault("U51 client certificate missing, rude, TLS 1.2",
              lambda zoo: zoo.server(client_ca=zoo.authority.ca_file,
                                     version=TLS12),
              "tls_handshake_failure|http_reset_before_response|"
              "tls_handshake_reset", is_rude=True),
    tls_fault("U51 client certificate of another CA",
              lambda zoo: zoo.server(client_ca=zoo.authority.ca_file),
              "tls_client_cert_rejected", trusting_with("foreign client"),
              words=PEER_SAYS),
    tls_fault("U51 client certificate expired",
              lambda zoo: zoo.server(client_ca=zoo.authority.ca_file),
              "tls_client_cert_rejected", trusting_with("expired client"),
              words=PEER_SAYS),
    # U52: certificates.
    certificate("expired", "tls_cert_expired",
                r"tls: failed to verify certificate: x509: certificate has "
                r"expired.*"),
    certificate("expired a minute ago", "tls_cert_expired"),
    certificate("not yet valid", "tls_cert_not_yet_valid"),
    certificate("wrong name", "tls_hostname_mismatch", r".*x509: .*"),
    certificate("names only", "tls_hostname_mismatch",
                name="address not in it", is_lasting=True, target=lambda zoo: {
                    "tls_config": {"ca_file": zoo.authority.ca_file}}),
    certificate("no SAN", "tls_cert_no_san", r".*legacy Common Name.*"),
    certificate("client usage", "tls_cert_bad_usage"),
    certificate("code usage", "tls_cert_bad_usage"),
    certificate("self-signed", "tls_unknown_authority",
                r".*x509: certificate signed by unknown authority"),
    certificate("unknown CA", "tls_unknown_authority"),
    certificate("no intermediate", "tls_unknown_authority"),
    certificate("rotated CA", "tls_unknown_authority|tls_cert_invalid"),
    # U53: a handshake that stalls, at each flight.
    handshake("U53 stalls behind the hello", "timeout_tls", Conn.hold,
              status=504),
    handshake("U53 stalls in a record", "timeout_tls",
              send(b"\x16\x03\x03\x01"), Conn.hold, status=504),
    handshake("U53 stalls in the server's hello", "timeout_tls",
              first_flight(TLS13, cut=20), Conn.hold, status=504),
    handshake("U53 stalls in the server's flight, TLS 1.3", "timeout_tls",
              first_flight(TLS13, cut=300), Conn.hold, status=504),
    handshake("U53 stalls in the server's flight, TLS 1.2", "timeout_tls",
              first_flight(TLS12, cut=300), Conn.hold, status=504),
    # TLS 1.3 ends with the client's flight: this one is about the answer.
    handshake("U53 stalls behind the last flight, TLS 1.3",
              "timeout_headers", first_flight(TLS13), Conn.hold, status=504),
    handshake("U53 stalls before its last flight, TLS 1.2", "timeout_tls",
              first_flight(TLS12), Conn.hold, status=504),
    handshake("U53 byte by byte", "timeout_tls",
              first_flight(TLS13, interval=0.1), Conn.hold, status=504),
    handshake("U53 closed behind the hello", "tls_handshake_closed",
              Conn.finish),
    handshake("U53 closed in the server's flight", "tls_handshake_closed",
              first_flight(TLS13, cut=300), Conn.finish),
    handshake("U53 reset behind the hello", "tls_handshake_reset",
              Conn.reset),
    # U54: plain HTTP on a TLS port.
    handshake("U54 speaks HTTP", "tls_server_speaks_http",
              send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Conn.finish,
              lasterror=r".*server gave HTTP response to HTTPS client"),
    handshake("U54 speaks SSH", "tls_not_tls",
              send(b"SSH-2.0-OpenSSH_9.2\r\n"), Conn.finish,
              lasterror=r".*first record does not look like a TLS handshake"),
    # And TLS on a plain one: OpenSSL may close without a word.
    Fault("U54 plain scrape of a TLS port", good(),
          "http_server_speaks_tls|http_closed_before_response|"
          "http_reset_before_response", tls=lambda zoo: zoo.server(),
          is_https=False),
]

# What Prometheus takes, the gate brings.
TLS_GOOD = [
    tls_fault("U52 chain of 12", lambda zoo: zoo.server(zoo.pair("deep")),
              "ok", status=200, target=lambda zoo: {"tls_config": {
                  "ca_file": zoo.deep_root.ca_file,
                  "server_name": "localhost"}}),
    tls_fault("U52 RSA of 1024 bits", lambda zoo: zoo.server(
        zoo.pair("RSA 1024"), ciphers="DEFAULT:@SECLEVEL=0"), "ok",
        status=200),
    tls_fault("U52 expired, not verified",
              lambda zoo: zoo.server(zoo.pair("expired")), "ok",
              target=lambda zoo: {"tls_config": {
                  "insecure_skip_verify": True}}, status=200),
    tls_fault("U51 client certificate shown",
              lambda zoo: zoo.server(client_ca=zoo.authority.ca_file), "ok",
              target=trusting_with("good"), status=200),
    tls_fault("U55 certificate swapped", Zoo.alternating, "ok", status=200),
    tls_fault("U51 TLS 1.2", lambda zoo: zoo.server(version=TLS12), "ok",
              status=200),
]
