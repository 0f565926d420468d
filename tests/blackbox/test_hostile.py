"""Hostile clients: refused by name, nothing of it reaches the exporter, and
nobody else notices."""

import random
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from faultd import GOOD_BODY, good, ok
from wire import (Closed, Connection, client_context, fetch,
                  parse_head, request_bytes, wait_for)

HOST = b"Host: localhost\r\n"
GET = b"GET /metrics HTTP/1.1\r\n"
END = b"\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

BAD = (400,)
BODY = (400, 413)


def head(*lines, first=GET):
    return first + HOST + b"".join(line + b"\r\n" for line in lines) + END


def with_body(*lines, method=b"GET"):
    """A request that hides a second one in its body."""
    return head(*lines, first=method + b" /metrics HTTP/1.1\r\n") + SMUGGLED


def target(bytes_):
    return b"GET " + bytes_ + b" HTTP/1.1\r\n" + HOST + END


LEN = b"Content-Length: %d" % len(SMUGGLED)

# name, bytes, allowed status codes
PAYLOADS = [
    # H1: two opinions on where the body ends.
    ("H1 CL.TE", with_body(LEN, b"Transfer-Encoding: chunked"), BODY),
    ("H1 TE.CL", with_body(b"Transfer-Encoding: chunked", LEN), BODY),
    ("H1 TE.TE", with_body(b"Transfer-Encoding: chunked",
                           b"Transfer-Encoding: identity"), BODY),
    *[(f"H1 TE {coding!r}", with_body(b"Transfer-Encoding: " + coding), BODY)
      for coding in (b"chunked", b"xchunked", b"identity", b"gzip",
                     b"chunked, identity", b"\tchunked", b"chunKed", b"",
                     b"gzip, chunked")],
    ("H1 TE \\x0bchunked", with_body(b"Transfer-Encoding: \x0bchunked"), BAD),
    ("H1 TE on HTTP/1.0",
     b"GET /metrics HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
     + SMUGGLED, BODY),
    # H2: Content-Length in all spellings.
    ("H2 twice equal", with_body(LEN, LEN), BODY),
    ("H2 twice 0 and n", with_body(b"Content-Length: 0", LEN), BODY),
    ("H2 twice 0", with_body(b"Content-Length: 0", b"Content-Length: 0"),
     BAD),
    *[(f"H2 CL {value.decode()[:20]!r}",
       with_body(b"Content-Length: " + value), BODY)
      for value in (b"3, 3", b"+3", b"-0", b"-1", b"0x3", b"03", b"3 3", b"",
                    b"99999999999999999999999", b"3;x", b"1e2")],
    # H3: a body where none belongs.
    ("H3 GET with a body", with_body(LEN), (413,)),
    ("H3 HEAD with a body", with_body(LEN, method=b"HEAD"), (413,)),
    ("H3 OPTIONS with a body", with_body(LEN, method=b"OPTIONS"),
     (405, 413)),
    ("H3 GET with a chunked body",
     with_body(b"Transfer-Encoding: chunked"), BODY),
    # H4: expectations.
    ("H4 100-continue", head(b"Expect: 100-continue"), (417,)),
    ("H4 obfuscated", head(b"Expect: y 100-continue"), (417,)),
    ("H4 unknown", head(b"Expect: magic"), (417,)),
    # H6, H7: lines.
    ("H6 obs-fold", head(b"X-A: 1", b" folded"), BAD),
    ("H6 obs-fold by tab", head(b"X-A: 1", b"\tfolded"), BAD),
    ("H6 first line folded", GET + b" X: 1\r\n" + HOST + END, BAD),
    ("H6 line of blanks", GET + HOST + b"  \r\n\r\n", BAD),
    ("H7 bare LF", b"GET /metrics HTTP/1.1\nHost: x\n\n", BAD),
    ("H7 one bare LF", GET + b"Host: x\nX: y\r\n\r\n", BAD),
    ("H7 LF as blank line", GET + b"Host: x\r\n\n", BAD),
    ("H7 bare CR", GET + b"Host: x\rX: y\r\n\r\n", BAD),
    ("H7 CR CR LF", GET + b"Host: x\r\r\n\r\n", BAD),
    # H8: bytes.
    ("H8 NUL in the method", b"G\0ET /metrics HTTP/1.1\r\n" + HOST + END,
     BAD),
    ("H8 NUL in the target", target(b"/met\0rics"), BAD),
    ("H8 control byte in the target", target(b"/met\x01rics"), BAD),
    ("H8 high byte in the target", target(b"/met\xffrics"), BAD),
    ("H8 DEL in the target", target(b"/met\x7frics"), BAD),
    ("H8 NUL in a value", head(b"X-A: a\0b"), BAD),
    ("H8 control byte in a value", head(b"X-A: a\x01b"), BAD),
    ("H8 high bytes in a value", head(b"X-Name: \xc3\xa4"), BAD),
    ("H8 NUL in a name", head(b"X\0A: b"), BAD),
    ("H8 high byte in a name", head(b"X\xe9: b"), BAD),
    ("H8 line that begins with NUL", head(b"\0X: b") + SMUGGLED, BAD),
    ("H8 NUL behind the version", b"GET /metrics HTTP/1.1\0\r\n" + HOST
     + END, BAD),
    # H9: names.
    ("H9 space before the colon", with_body(
        b"Content-Length : %d" % len(SMUGGLED)), BAD),
    ("H9 tab before the colon", with_body(b"Transfer-Encoding\t: chunked"),
     BAD),
    ("H9 empty name", head(b": value"), BAD),
    ("H9 no colon", head(b"no colon"), BAD),
    ("H9 parenthesis", head(b"X(A): b"), BAD),
    ("H9 space in the name", head(b"X Remote User: b"), BAD),
    # H10: Host.
    ("H10 none", GET + END, BAD),
    ("H10 two", GET + HOST + b"Host: other\r\n\r\n", BAD),
    *[(f"H10 {host!r}", GET + b"Host: " + host + b"\r\n\r\n", BAD)
      for host in (b"", b"a b", b"a/b", b"a@b", b"a?b", b"a#b", b"[::1",
                   b"a:b", b"a:99999", b"a:1:2", b"\xff", b"a\tb", b"..",
                   b"<script>", b'"', b"a\\b")],
    # H11: versions.
    ("H11 HTTP/0.9", b"GET /metrics\r\n", BAD),
    *[(f"H11 {version.decode()}", b"GET /metrics " + version + b"\r\n" + HOST
       + END, BAD)
      for version in (b"HTTP/1.2", b"HTTP/1.99", b"HTTP/+1.+1", b"HTTP/2.0",
                      b"http/1.1", b"HTTP/1.1x", b"HTTP/11", b"HTTPS/1.1",
                      b"HTTP/1.", b"HTTP/01.1", b"HTTP/0.9")],
    ("H11 h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD),
    # H12: the request line.
    ("H12 two spaces", b"GET  /metrics HTTP/1.1\r\n" + HOST + END, BAD),
    ("H12 two spaces behind", b"GET /metrics  HTTP/1.1\r\n" + HOST + END,
     BAD),
    ("H12 tab", b"GET\t/metrics HTTP/1.1\r\n" + HOST + END, BAD),
    ("H12 leading space", b" GET /metrics HTTP/1.1\r\n" + HOST + END, BAD),
    ("H12 no target", b"GET HTTP/1.1\r\n" + HOST + END, BAD),
    ("H12 space in the target", target(b"/met rics"), BAD),
    ("H12 fragment", target(b"/metrics#x"), BAD),
    ("H12 relative", target(b"metrics"), BAD),
    ("H12 asterisk", target(b"*"), BAD),
    ("H12 foreign absolute form", target(b"http://evil/metrics"), BAD),
    ("H12 authority path", target(b"//evil/metrics"), (400, 404)),
    # H13: empty lines before.
    ("H13 three empty lines", b"\r\n\r\n\r\n" + head(), BAD),
    # H14: methods.
    *[(f"H14 {method.decode()}", head(first=method + b" /metrics "
                                      b"HTTP/1.1\r\n"), (405,))
      for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE",
                     b"PATCH")],
    *[(f"H14 {method.decode()}", head(first=method + b" /metrics "
                                      b"HTTP/1.1\r\n"), (400, 405))
      for method in (b"TRACK", b"PRI", b"get", b"Get", b"FOO", b"GETX")],
    ("H14 CONNECT", b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + END,
     (400, 405)),
    ("H14 method of 33 bytes", head(first=b"A" * 33 + b" / HTTP/1.1\r\n"),
     BAD),
    ("H14 method of 64 KiB", head(first=b"A" * 65536 + b" / HTTP/1.1\r\n"),
     BAD),
    # H15: sizes.
    ("H15 head of 16 KiB and 1", head(b"X: " + b"a" * 16384), (431,)),
    ("H15 101 headers", head(*[b"X: a"] * 100), (431,)),
    ("H15 tiny headers", head(*[b"a:"] * 4000), (431,)),
    ("H15 target of 4 KiB and 1", target(b"/" + b"a" * 4096), (414,)),
    ("H15 header line of 1 MB", GET + b"X: " + b"a" * 1_000_000, (431,)),
    ("H15 request line of 1 MB", b"GET /" + b"a" * 1_000_000, (414,)),
    # H54: hop-by-hop names that would drop what was judged here.
    ("H54 Connection: Host", head(b"Connection: Host"), BAD),
    ("H54 Connection: Content-Length", head(b"Connection: Content-Length"),
     BAD),
    # Not HTTP at all.
    ("garbage", bytes(random.Random(1).randbytes(500)), BAD),
    ("ssh", b"SSH-2.0-OpenSSH_9.2\r\n", BAD),
]

# What looks hostile and is legal.
HARMLESS = [
    ("plain", head()),
    ("Content-Length 0", head(b"Content-Length: 0")),
    ("H13 one empty line before", b"\r\n" + head()),
    ("H9 underscore in a name", head(b"X_Remote_User: admin")),
    ("H11 HTTP/1.0", b"GET /metrics HTTP/1.0\r\n\r\n"),
    ("H11 upgrade is ignored", head(b"Connection: Upgrade, HTTP2-Settings",
                                    b"Upgrade: h2c", b"HTTP2-Settings: AAA")),
    ("IPv6 host", GET + b"Host: [::1]:8443\r\n\r\n"),
    ("99 headers more", head(*[b"X: a"] * 99)),
    ("head just below 16 KiB", head(b"X: " + b"a" * 16000)),
    ("target without a query value", target(b"/metrics?")),
    ("empty value", head(b"X-Empty:")),
    ("H38 Accept of 10 KB", head(b"Accept: " + b"a/b;q=0.1," * 1000)),
    *[(f"H39 timeout {value}", head(
        b"X-Prometheus-Scrape-Timeout-Seconds: " + value.encode()))
      for value in ("-1", "NaN", "1e9", "0", "inf", "", "abc", "10s",
                    "0x10", "9" * 400)],
]

NO_ROUTE = ["/", "/nope", "/metrics/", "/metrics/nope", "/Metrics",
            "/metrics/..", "/metrics/../metrics", "/./metrics",
            "/metrics//node", "/%6detrics", "/metrics%00", "/metrics%2fnode",
            "/metrics;x", "/metrics/x.css", "/%2e%2e/metrics",
            "/metrics%0d%0aX-Evil:%201", "/..%2fmetrics", "/metrics\\"]


@pytest.fixture(scope="module", params=["plain", "tls"])
def scene(request, shared_lab):
    """One gate and one exporter for all payloads of this module."""
    exporter = shared_lab.faultd(good())
    gate = shared_lab.gate(exporter, secure=request.param == "tls")
    return exporter, gate


def assert_nobody_noticed(scene, before):
    exporter, gate = scene
    assert exporter.request_count == before, exporter.requests[before:]
    answer = gate.get()
    assert (answer.status, answer.body) == (200, GOOD_BODY)
    assert exporter.request_count == before + 1


def answers_in(data):
    return len(re.findall(rb"HTTP/1\.1 \d{3} ", data))


def first_answer(connection):
    """The status of the first answer, and whether the gate then closed.  A
    reset may take the answer with it if we were still sending: None."""
    data = connection.read_to_end()
    if not data:
        return None, b""
    return parse_head(data.partition(b"\r\n\r\n")[0]), data


def assert_refused(scene, payload, allowed):
    exporter, gate = scene
    before = exporter.request_count
    with gate.connect(seconds=30) as connection:
        connection.send(payload)
        answer, data = first_answer(connection)
    if answer is None:
        assert len(payload) > 30000, "closed without an answer"
    else:
        assert answer.status in allowed, data[:500]
        assert answers_in(data) == 1, data
        assert answer.header("X-Scrapegate-Reason"), data
        assert answer.header("Connection") == "close"
        if answer.status == 405:
            assert answer.header("Allow") == "GET, HEAD"
        reason = answer.header("X-Scrapegate-Reason")
        assert answer.reason.startswith(reason + ": "), answer
    assert_nobody_noticed(scene, before)


@pytest.mark.parametrize("payload, allowed",
                         [each[1:] for each in PAYLOADS],
                         ids=[each[0] for each in PAYLOADS])
def test_refused(scene, payload, allowed):
    assert_refused(scene, payload, allowed)


@pytest.mark.parametrize("name", ["H1 CL.TE", "H3 HEAD with a body",
                                  "H9 space before the colon",
                                  "H8 line that begins with NUL",
                                  "H7 one bare LF"])
def test_refused_in_small_pieces(scene, name):
    """However the bytes are cut, the verdict is the same."""
    payload, allowed = {each[0]: each[1:] for each in PAYLOADS}[name]
    exporter, gate = scene
    before = exporter.request_count
    with gate.connect(seconds=30) as connection:
        for byte in payload:
            if not connection.send(bytes([byte])):
                break
        answer, data = first_answer(connection)
    if answer is not None:  # else reset while we were still sending
        assert answer.status in allowed, data
    assert_nobody_noticed(scene, before)


@pytest.mark.parametrize("name", ["H1 CL.TE", "H3 HEAD with a body",
                                  "H8 line that begins with NUL"])
def test_refused_behind_a_good_request(scene, name):
    """On a connection in use: the good one is answered, the bad one is not
    run."""
    payload, allowed = {each[0]: each[1:] for each in PAYLOADS}[name]
    exporter, gate = scene
    before = exporter.request_count
    with gate.connect(seconds=30) as connection:
        connection.send(head() + payload)
        assert connection.answer().body == GOOD_BODY
        answer, data = first_answer(connection)
    assert answer.status in allowed, data
    assert answers_in(data) == 1, data
    assert_nobody_noticed(scene, before + 1)


@pytest.mark.parametrize("payload", [each[1] for each in HARMLESS],
                         ids=[each[0] for each in HARMLESS])
def test_harmless(scene, payload):
    exporter, gate = scene
    before = exporter.request_count
    with gate.connect(seconds=30) as connection:
        connection.send(payload)
        answer = connection.answer()
    assert (answer.status, answer.body) == (200, GOOD_BODY), answer
    assert exporter.request_count == before + 1


@pytest.mark.parametrize("path", NO_ROUTE)
def test_h57_no_route(scene, path):
    exporter, gate = scene
    before = exporter.request_count
    with gate.connect(seconds=30) as connection:
        connection.send(request_bytes(path))
        answer = connection.answer()
        if answer.status == 404:
            assert answer.header("X-Scrapegate-Reason") == "path_unknown"
            # A wrong path is no reason to lose the connection.
            assert connection.get().status == 200
            before += 1
        else:
            assert answer.status == 400, answer
    assert "X-Evil" not in {name for name, _ in answer.headers}
    assert_nobody_noticed(scene, before)


@pytest.mark.parametrize("query", ["x=1", "collect[]=cpu&x=1", "target=a",
                                   "access_token=canary"])
def test_h36_query_is_not_allowed(scene, query):
    exporter, gate = scene
    before = exporter.request_count
    answer = gate.get(f"/metrics?{query}")
    assert answer.status == 400
    assert answer.header("X-Scrapegate-Reason") == "query_not_allowed"
    assert_nobody_noticed(scene, before)


def test_h16_pipelining(scene):
    """2000 requests in one go: all answered, in order, one at a time."""
    exporter, gate = scene
    count = 2000
    with gate.connect() as connection:
        sender = threading.Thread(
            target=connection.send, args=(head() * count,))
        if gate.tls is None:
            sender.start()
        else:
            # One SSL object is not for two threads: fewer, and at once.
            count = 100
            connection.send(head() * count)
        for _ in range(count):
            assert connection.answer().body == GOOD_BODY
        if gate.tls is None:
            sender.join()
    assert gate.get().status == 200


def test_h17_one_byte_at_a_time(scene):
    _, gate = scene
    with gate.connect() as connection:
        for byte in head():
            connection.send(bytes([byte]))
        assert connection.answer().body == GOOD_BODY


def test_h18_half_close_behind_the_request(lab):
    gate = lab.gate(lab.faultd(good()))
    with gate.connect() as connection:
        connection.send(head())
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer().body == GOOD_BODY
        assert connection.read_to_end() == b""


def test_h51_cut_request_is_not_run(scene):
    exporter, gate = scene
    before = exporter.request_count
    for cut in (3, 20, len(head()) - 1):
        with gate.connect() as connection:
            connection.send(head()[:cut])
    assert_nobody_noticed(scene, before)


def reset(connection):
    """An RST instead of a FIN."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.parametrize("secure, leave", [
    (False, reset), (True, reset), (True, Connection.close)],
    ids=["plain, reset", "TLS, reset", "TLS, closed"])
def test_client_that_leaves_early(lab, secure, leave):
    """Nobody waits any more: the attempt ends, the gate goes on.  (A plain
    FIN may as well be a half-close: then the answer is still wanted.)"""
    exporter = lab.faultd()
    gone = threading.Event()

    def behave(conn):
        conn.read_request()
        try:
            conn.hold()
        finally:
            gone.set()
    exporter.behaviour = behave
    gate = lab.gate(exporter, secure=secure)
    connection = gate.connect()
    connection.send(head(b"X-Prometheus-Scrape-Timeout-Seconds: 100"))
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    leave(connection)
    assert gone.wait(20), "the attempt outlives its only scraper"
    exporter.behaviour = good()
    assert gate.get().status == 200


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_abortive_closes(lab, secure):
    """Resets in every state.  An exporter of its own: it may hear of some
    of these later than of the last, good one."""
    gate = lab.gate(lab.faultd(good()), secure=secure)
    for size in (0, 10, len(head())):
        for _ in range(20):
            connection = gate.connect()
            connection.send(head()[:size])
            reset(connection)
    answer = gate.get()
    assert (answer.status, answer.body) == (200, GOOD_BODY)


@pytest.mark.threads
def test_h21_slow_heads_do_not_hold_others(lab):
    """200 clients that never finish their request: they are closed, and a
    good scrape succeeds all the time."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, secure=True)
    slow = []
    for _ in range(200):
        connection = gate.connect()
        connection.send(b"GET /metrics HTTP/1.1\r\nX: ")
        slow.append(connection)
    open_ones = list(slow)

    def all_closed():
        assert gate.get(seconds=20).body == GOOD_BODY
        for connection in list(open_ones):
            connection.socket.settimeout(0)
            try:
                connection.socket.recv(65536)
                open_ones.remove(connection)
            except (ssl.SSLWantReadError, BlockingIOError):
                pass
            except (OSError, ssl.SSLError):
                open_ones.remove(connection)
            else:
                continue
        return not open_ones
    wait_for(all_closed, 60, "slow clients closed")
    for connection in slow:
        connection.close()


def test_silent_handshakes_are_reaped(lab):
    """Connections to the TLS port that say nothing, or garbage."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, secure=True)
    silent = [Connection(gate.address) for _ in range(50)]
    for connection in silent[:10]:
        connection.send(b"\x16\x03\x01\x02\x00\x01")
    for connection in silent[10:20]:
        connection.send(b"garbage that is no handshake")
    assert gate.get().body == GOOD_BODY
    for connection in silent:
        connection.read_to_end()  # ends only if the gate closes
        connection.close()
    assert gate.get().body == GOOD_BODY


def test_slow_reader_is_cut_and_holds_nobody(lab):
    """A client that asks and never reads."""
    body = b"demo_up 1\n" * 800_000
    exporter = lab.faultd(good(body))
    gate = lab.gate(exporter)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(gate.address)
    reader.sendall(head())
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    assert gate.get().body == body
    wait_for(lambda: gate.metric("scrapegate_connections") == 0, 60,
             "slow reader cut")
    reader.close()


def test_flood_while_an_answer_is_written_stays_bounded(lab):
    """Requests pumped in without reading answers: the gate stops reading."""
    body = b"demo_up 1\n" * 100_000
    gate = lab.gate(lab.faultd(good(body)),
                    target={"cache": {"ttl": "1h",
                                      "once_per_scraper": False}})
    assert gate.get().body == body
    flooder = socket.create_connection(gate.address)
    flooder.setblocking(False)
    sent, stalls = 0, 0
    while stalls < 50 and sent < 200 << 20:
        try:
            sent += flooder.send(head() * 1000)
            stalls = 0
        except BlockingIOError:
            stalls += 1
            assert gate.get().status == 200
        except (BrokenPipeError, ConnectionResetError):
            break  # cut, as it never read
    flooder.close()
    assert sent < 64 << 20, "the gate takes whatever is sent"


# TLS on the wire.

@pytest.mark.parametrize("version, is_offered", [
    (ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
    (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)])
def test_h42_versions(lab, version, is_offered):
    gate = lab.gate(lab.faultd(good()), secure=True)
    context = client_context(lab.authority.ca_file)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    if is_offered:
        assert fetch(gate.address, tls=context).status == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            fetch(gate.address, tls=context)


@pytest.mark.parametrize("ciphers", [
    "ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256", "NULL", "CAMELLIA",
    "ECDHE-ECDSA-AES256-SHA"])
def test_h44_weak_ciphers(lab, ciphers):
    gate = lab.gate(lab.faultd(good()), secure=True)
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        fetch(gate.address, tls=context)


class SslClient(subprocess.Popen):
    """openssl s_client.  Only the begin of what it reads at once is a command,
    so each waits until the one before is done."""

    def __init__(self, gate, *options):
        super().__init__(
            ["openssl", "s_client", "-connect", gate.netloc, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, bufsize=0)
        self.seen = b""

    def read_until(self, words, count):
        """False: it has ended."""
        while self.seen.count(words) < count:
            data = self.stdout.read(65536)
            if not data:
                return False
            self.seen += data
        return True

    def update_keys(self, command, count):
        """False: the gate has closed the connection."""
        for _ in range(count):
            told = self.seen.count(b"KEYUPDATE")
            self.stdin.write(command)
            if not self.read_until(b"KEYUPDATE", told + 1):
                return False
        return True


def control_records(gate, command, count, *options):
    """openssl s_client sends `count` records without application data, then a
    request: what it got."""
    with SslClient(gate, *options) as client:
        try:
            if client.update_keys(command, count):
                client.stdin.write(head(b"Connection: close"))
        except BrokenPipeError:
            pass
        return client.seen + client.stdout.read()


@pytest.mark.parametrize("command, options, enough, too_many", [
    (b"K\n", ("-tls1_3",), 30, 40), (b"k\n", ("-tls1_3",), 30, 40)],
    ids=["updates of both", "updates of one"])
def test_h27_records_without_data(lab, command, options, enough, too_many):
    """Key updates: some are fine, a flood of them is not."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    fine = control_records(gate, command, enough, *options)
    assert b"HTTP/1.1 200 OK" in fine, fine
    cut = control_records(gate, command, too_many, *options)
    assert b"HTTP/1.1" not in cut, cut
    assert gate.get().body == GOOD_BODY


def test_h27_data_begins_anew(lab):
    """Only such records in a row count."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    with SslClient(gate, "-tls1_3") as client:
        for number in range(3):
            assert client.update_keys(b"K\n", 20), client.seen
            client.stdin.write(head())
            assert client.read_until(b"HTTP/1.1 200 OK", number + 1), (
                client.seen)
        client.stdin.close()


def client_hello(length):
    """One of any length: an extension that nobody knows fills it."""
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\1\0"
    filler = length - len(body) - 2 - 4
    extension = b"\xfa\xfa" + filler.to_bytes(2, "big") + bytes(filler)
    body += len(extension).to_bytes(2, "big") + extension
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(message, size):
    return b"".join(
        b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
        for part in (message[at:at + size]
                     for at in range(0, len(message), size)))


@pytest.mark.parametrize("length, size", [
    (16000, 1), (16000, 16384), (65000, 16384), (300, 1), (60000, 100)])
def test_h28_long_hellos(lab, length, size):
    """An alert or silence until the handshake's time is up; the next one
    notices nothing."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    started = time.monotonic()
    with Connection(gate.address, seconds=30) as connection:
        connection.send(records(client_hello(length), size))
        connection.read_to_end()
    assert time.monotonic() - started < 25
    assert gate.get().body == GOOD_BODY


def test_h23_slow_post(scene):
    """Refused at once, not when its body has come."""
    exporter, gate = scene
    before = exporter.request_count
    with gate.connect(seconds=30) as connection:
        started = time.monotonic()
        connection.send(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Length: 1000000\r\n\r\na")
        answer, _ = first_answer(connection)
    assert time.monotonic() - started < 20
    assert answer.status in (405, 413)
    assert_nobody_noticed(scene, before)


def test_h24_h25_floods_hold_nobody(lab):
    """A thousand that connect and wait, half of them in the middle of a
    handshake: who is in and who comes are served."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    hello = records(client_hello(300), 16384)[:-1]
    with gate.connect() as veteran:
        flood = []
        for number in range(1000):
            flood.append(Connection(gate.address))
            if number % 2:
                flood[-1].send(hello)
            if number % 100 == 0:
                assert veteran.get().body == GOOD_BODY
        for _ in range(20):
            assert veteran.get().body == GOOD_BODY
            assert gate.get(seconds=20).body == GOOD_BODY
        wait_for(lambda: gate.metric("scrapegate_connections") == 1, 60,
                 "the flood's end")
        assert veteran.get().body == GOOD_BODY
    for connection in flood:
        connection.close()


@pytest.mark.parametrize("offer, expected", [
    (["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"),
    ([], None)])
def test_h50_alpn(lab, offer, expected):
    gate = lab.gate(lab.faultd(good()), secure=True)
    context = client_context(lab.authority.ca_file)
    if offer:
        context.set_alpn_protocols(offer)
    with Connection(gate.address, context) as connection:
        assert connection.socket.selected_alpn_protocol() == expected
        assert connection.get().status == 200


def test_h50_h2_alone_is_never_spoken(lab):
    gate = lab.gate(lab.faultd(good()), secure=True)
    context = client_context(lab.authority.ca_file)
    context.set_alpn_protocols(["h2"])
    try:
        with Connection(gate.address, context) as connection:
            assert connection.socket.selected_alpn_protocol() != "h2"
    except ssl.SSLError as error:
        assert "ALERT" in str(error).upper()


def test_h49_plain_http_on_the_tls_port(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, secure=True)
    with Connection(gate.address, seconds=30) as connection:
        connection.send(head())
        data = connection.read_to_end()
    assert b"200 OK" not in data and GOOD_BODY not in data
    assert exporter.request_count == 0
    assert gate.get().status == 200


def test_refusal_is_plain_text(scene):
    """A refusal of ours is plain text for whoever looks."""
    _, gate = scene
    answer = gate.get("/nope")
    assert re.match(r"text/plain", answer.header("Content-Type"))
    assert answer.body.decode("ascii").splitlines()[0] == answer.reason


def test_closed_is_not_an_answer(lab):
    """The harness itself: a cut answer is seen as one."""
    exporter = lab.faultd(lambda conn: (conn.read_request(),
                                        conn.send(ok()[:-5])))
    with pytest.raises(Closed):
        fetch(exporter.address)
