"""The table of exporter faults: what the exporter does, and the one id that
names it.  The names begin with the row of faults that they belong to (see
fault_rows.py); faults of TLS and of the network stand in tables of their own.
"""

import gzip
import socket
import zlib
from dataclasses import dataclass, field

import faultd
from faultd import GOOD_BODY, TEXT, good, ok, say, say_and_keep, say_and_reset

HEAD_200 = b"HTTP/1.1 200 OK\r\nContent-Type: " + TEXT.encode() + b"\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(GOOD_BODY)
CHUNKED_LINE = b"Transfer-Encoding: chunked\r\n"
CHUNKED_BODY = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD_BODY), GOOD_BODY)
OPENMETRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
CHUNKED = HEAD_200 + CHUNKED_LINE + b"\r\n"
CLOSED = HEAD_200 + b"Connection: close\r\n\r\n"
BIG_BODY = b"".join(b'demo{n="%05d"} %d\n' % (n, n) for n in range(20000))
WEB_PAGE = b"<!DOCTYPE html>\n<html><body>Log in</body></html>\n"
BOMB = gzip.compress(b"demo_up 1\n" * 2_000_000, 9)


@dataclass
class Fault:
    """`behaviour` is what faultd does once for each connection; None: it
    does not listen.  `id` may be several, separated by "|", where two are
    true at once (a race in the kernel decides) or chance does; "ok" is a
    whole answer.  `words` is a regular expression for the words behind the
    id, `lasterror` one for what a direct Prometheus would print."""
    name: str
    behaviour: object
    id: str
    status: int = 502
    words: str = ""
    lasterror: str = ""
    target: object = field(default_factory=dict)  # keys; or function of a zoo
    over_tls: bool = False  # run the row over TLS, too
    tls: object = None      # function of a zoo: the exporter's TLS side
    is_https: object = None  # what the gate speaks; by default as `tls`
    is_rude: bool = False   # resets behind a failed handshake
    host: str = ""          # a name, or an address where nobody can be
    name_record: object = None  # what the name server says of `host`
    rules: tuple = ()           # of the network, see fault_world.py
    prepare: object = None      # function of the exporter, before it is used
    is_lasting: bool = False    # nothing that the exporter does mends it
    body: bytes = GOOD_BODY     # of a good answer

    def __post_init__(self):
        if self.is_https is None:
            self.is_https = self.tls is not None

    @property
    def ids(self):
        return self.id.split("|")

    def settings(self, zoo):
        return self.target(zoo) if callable(self.target) else self.target

    @property
    def is_alone(self):
        """Needs an exporter and a target of its own in any case."""
        return bool(self.behaviour is None or self.host or self.rules
                    or self.prepare)

    @property
    def needs_exporter(self):
        """Or can nobody be there?"""
        return not self.host or self.behaviour is not None


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked_with(size_line, data=GOOD_BODY):
    return CHUNKED + size_line + b"\r\n" + data + b"\r\n0\r\n\r\n"


def raw_header(line):
    return say(HEAD_200 + LENGTH + line + b"\r\n\r\n" + GOOD_BODY)


def framed(*lines):
    head = b"".join(line + b"\r\n" for line in lines)
    return say(HEAD_200 + head + b"\r\n" + GOOD_BODY)


def first_line(line):
    return say(line + b"\r\nContent-Type: text/plain\r\n" + LENGTH + b"\r\n"
               + GOOD_BODY)


def status(line, body=b"some words of the exporter\n", extra=()):
    return say(ok(body, "text/plain", extra, status=line))


def encoded(coding, data):
    return say(ok(data, extra=[f"Content-Encoding: {coding}"]))


def damaged_gzip(kind):
    data = bytearray(gzip.compress(GOOD_BODY * 50))
    if kind == "checksum":
        data[-8] ^= 0xff
    elif kind == "corrupt":
        # An end-of-block code cannot be all there is: a reserved block type.
        data[10] = 0x07
    elif kind == "cut":
        data = data[:-12]
    elif kind == "junk":
        data += b"junk behind the end"
    return encoded("gzip", bytes(data))


def redirect_for_ever(conn):
    while True:
        conn.read_request()
        conn.send(ok(b"", extra=["Location: /metrics"], status="302 Found"))


MALFORMED = "http_malformed_response"
FRAMING = "http_bad_framing"
CHUNK = "body_chunk_malformed"
MIME = "http_malformed_header"
CUT = "body_truncated"
LIMITED = {"body_size_limit": "64KB"}

def fill_backlog(exporter):
    """Listens and never accepts: the queue is full before the gate comes."""
    exporter.listener.listen(0)
    exporter.queue = []
    for _ in range(8):
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(exporter.address)
        exporter.queue.append(each)


FAULTS = [
    Fault("U1 nothing listens", None, "connect_refused",
          words=r"dial tcp .*: connect: connection refused",
          lasterror=r'Get "http.*": dial tcp .*: connect: connection refused'),
    Fault("U4 backlog full", None, "connect_backlog_full", 504,
          r"dial tcp .*: not accepted in .*: the exporter's listen queue is "
          r"full", r'Get ".*": context deadline exceeded',
          prepare=fill_backlog),
    # U6-U13: before and inside the head.
    Fault("U6 silent", faultd.silent, "timeout_headers", 504,
          r"exporter sent .*", r'Get ".*": context deadline exceeded',
          over_tls=True),
    Fault("U7 closed without an answer", say(b""),
          "http_closed_before_response", lasterror=r'Get "http.*": EOF'),
    Fault("U7 closed at once", faultd.close_at_once,
          "http_closed_before_response|http_reset_before_response"),
    Fault("U8 reset at once", faultd.reset_at_once,
          "http_reset_before_response|connect_reset"),
    Fault("U9 request read, then reset", say_and_reset(b""),
          "http_reset_before_response", over_tls=True,
          lasterror=r'.*read: connection reset by peer'),
    Fault("U10 never reads", faultd.never_read, "timeout_headers", 504),
    Fault("U11 head byte by byte",
          faultd.dribble(b"H", ok()[1:], 0.3), "timeout_headers", 504),
    Fault("U12 reset in the head", say_and_reset(HEAD_200[:30]),
          "http_reset_before_response", lasterror=r'.*: unexpected EOF'),
    Fault("U13 closed in the status line", say(b"HTTP/1.1 20"),
          "http_closed_in_headers"),
    Fault("U13 closed in a header line", say(HEAD_200[:30]),
          "http_closed_in_headers", over_tls=True),
    Fault("U13 closed before the blank line", say(HEAD_200 + LENGTH),
          "http_closed_in_headers"),
    Fault("U14 endless header line",
          faultd.endless(HEAD_200 + b"X: ", b"x" * 8192),
          "http_header_too_large"),
    Fault("U15 endless headers",
          faultd.endless(HEAD_200, b"X-Filler: yes\r\n" * 100),
          "http_header_too_large"),
    # U16-U22: no HTTP, or not this one.
    Fault("U16 ssh", say(b"SSH-2.0-OpenSSH_9.2\r\n"), MALFORMED,
          lasterror=r'.*malformed HTTP response.*'),
    Fault("U16 binary garbage", say(bytes(range(128, 256)) * 4), MALFORMED),
    Fault("U54 TLS record on a plain port", say(b"\x15\x03\x01\x00\x02\x02F"),
          "http_server_speaks_tls"),
    Fault("U17 HTTP/0.9", say(GOOD_BODY), MALFORMED),
    Fault("U18 ICY", first_line(b"ICY 200 OK"), MALFORMED),
    Fault("U18 HTTP/9.9", first_line(b"HTTP/9.9 200 OK"), MALFORMED),
    Fault("U18 HTTP/2.0", first_line(b"HTTP/2.0 200 OK"), MALFORMED),
    Fault("U19 status 99", first_line(b"HTTP/1.1 99 No"), MALFORMED),
    Fault("U19 status 1000", first_line(b"HTTP/1.1 1000 No"), MALFORMED),
    Fault("U19 status 20x", first_line(b"HTTP/1.1 20x No"), MALFORMED),
    Fault("U19 status of 100 digits",
          first_line(b"HTTP/1.1 " + b"2" * 100 + b" OK"), MALFORMED),
    Fault("U20 flood of interim answers",
          say(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000 + ok()),
          "http_header_too_large"),
    Fault("U21 interim answer, then closed",
          say(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
          "http_closed_in_headers"),
    Fault("U22 101", say(b"HTTP/1.1 101 Switching Protocols\r\n"
                         b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
          "http_unexpected_success", words=r"exporter answered 101.*"),
    # U23: header syntax.
    Fault("U23 NUL in a value", raw_header(b"X-A: a\0b"), MIME),
    Fault("U23 bare CR in a value", raw_header(b"X-A: a\rb"), MIME),
    Fault("U23 control byte in a value", raw_header(b"X-A: a\x01b"), MIME,
          lasterror=r'Get ".*: malformed MIME header line: "X-A: a.x01b"'),
    Fault("U23 no colon", raw_header(b"no colon here"), MIME,
          lasterror=r'.*malformed MIME header.*'),
    Fault("U23 empty name", raw_header(b": value"), MIME),
    Fault("U23 bad byte in a name", raw_header(b"X(A): value"), MIME),
    # U24-U27: framing.
    Fault("U24 length, then chunked",
          say(HEAD_200 + LENGTH + CHUNKED_LINE + b"\r\n" + CHUNKED_BODY),
          FRAMING),
    Fault("U24 chunked, then length",
          say(HEAD_200 + CHUNKED_LINE + LENGTH + b"\r\n" + CHUNKED_BODY),
          FRAMING),
    Fault("U25 two equal lengths",
          framed(LENGTH.rstrip(), LENGTH.rstrip()), FRAMING),
    Fault("U25 two different lengths",
          framed(b"Content-Length: 5", b"Content-Length: 6"), FRAMING),
    Fault("U26 length +3", framed(b"Content-Length: +3"), FRAMING),
    Fault("U26 length -1", framed(b"Content-Length: -1"), FRAMING),
    Fault("U26 length 3x", framed(b"Content-Length: 3x"), FRAMING),
    Fault("U26 length 0x3", framed(b"Content-Length: 0x3"), FRAMING),
    Fault("U26 length 3, 3", framed(b"Content-Length: 3, 3"), FRAMING),
    Fault("U26 empty length", framed(b"Content-Length:"), FRAMING),
    Fault("U26 length 2^64+3",
          framed(b"Content-Length: 18446744073709551619"), FRAMING),
    Fault("U27 xchunked", framed(b"Transfer-Encoding: xchunked"), FRAMING),
    Fault("U27 identity", framed(b"Transfer-Encoding: identity"), FRAMING),
    Fault("U27 chunked on HTTP/1.0",
          say(HEAD_200.replace(b"1.1", b"1.0") + CHUNKED_LINE + b"\r\n"
              + CHUNKED_BODY), FRAMING),
    Fault("U27 chunked, gzip", framed(b"Transfer-Encoding: chunked, gzip"),
          FRAMING),
    Fault("U27 chunked, chunked",
          framed(b"Transfer-Encoding: chunked, chunked"), FRAMING),
    # U28-U36: the body and its chunks.
    Fault("U28 short of its length", say(ok(GOOD_BODY, length=5000)), CUT,
          words=r"unexpected EOF: .*5000.*", lasterror=r"unexpected EOF",
          over_tls=True),
    Fault("U30 no length, cut in a line", say(CLOSED + GOOD_BODY[:-1]), CUT),
    Fault("U30 no length, OpenMetrics without # EOF",
          say(CLOSED.replace(TEXT.encode(), OPENMETRICS) + b"a 1\n"), CUT),
    Fault("U31 no length, reset", say_and_reset(CLOSED + GOOD_BODY),
          "body_reset", lasterror=r"read .*: connection reset by peer"),
    Fault("U32 reset in the body", say_and_reset(ok(GOOD_BODY, length=5000)),
          "body_reset", over_tls=True),
    Fault("U33 chunk size zz", say(chunked_with(b"zz")), CHUNK),
    Fault("U33 chunk size 0x5", say(chunked_with(b"0x5")), CHUNK),
    Fault("U33 chunk size +5", say(chunked_with(b"+5")), CHUNK),
    Fault("U33 chunk size 5_", say(chunked_with(b"5_")), CHUNK),
    Fault("U33 bare LF", say(CHUNKED + CHUNKED_BODY.replace(b"\r\n", b"\n")),
          CHUNK),
    Fault("U33 chunk size of 17 digits", say(chunked_with(b"1" + b"0" * 16)),
          CHUNK),
    Fault("U33 chunk longer than its size", say(chunked_with(b"5")), CHUNK),
    Fault("U34 no last chunk", say(CHUNKED + chunk(GOOD_BODY)), CUT,
          lasterror=r"unexpected EOF", over_tls=True),
    Fault("U34 cut in a chunk", say(CHUNKED + chunk(GOOD_BODY)[:30]), CUT),
    Fault("U35 chunk extension of 1 MB",
          say(CHUNKED + b"5;x=" + b"y" * 1_000_000), CHUNK),
    Fault("U36 trailers of 1 MB",
          say(CHUNKED + chunk(GOOD_BODY) + b"0\r\n"
              + b"X-Trailer: yes\r\n" * 70000 + b"\r\n"), CHUNK),
    # U37-U42: size, pace, codings.
    Fault("U37 endless body",
          faultd.endless(CLOSED, b"demo_up 1\n" * 1000),
          "limit_body_size", target=LIMITED,
          lasterror=r"body size limit exceeded"),
    Fault("U37 length above the limit",
          say_and_keep(HEAD_200 + b"Content-Length: 99999999\r\n\r\n"),
          "limit_body_size", target=LIMITED),
    Fault("U38 body byte by byte",
          faultd.dribble(ok()[:-60], ok()[-60:], 0.2), "timeout_body", 504,
          lasterror=r"context deadline exceeded"),
    Fault("U39 body stalls", say_and_keep(ok(BIG_BODY)[:4096]),
          "timeout_body", 504, words=r"body not finished in .*",
          over_tls=True),
    Fault("U41 br", encoded("br", b"\x1b\x0e\x00\xf8"),
          "body_encoding_unsupported"),
    Fault("U41 zstd", encoded("zstd", b"(\xb5/\xfd \x00"),
          "body_encoding_unsupported"),
    Fault("U41 deflate", encoded("deflate", zlib.compress(GOOD_BODY)),
          "body_encoding_unsupported"),
    Fault("U42 gzip bomb", encoded("gzip", BOMB), "limit_body_size",
          target=LIMITED),
    Fault("gzip cut short", damaged_gzip("cut"), CUT),
    Fault("gzip with a wrong checksum", damaged_gzip("checksum"),
          "body_gzip_checksum", lasterror=r"gzip: invalid checksum"),
    Fault("gzip with a corrupt block", damaged_gzip("corrupt"),
          "body_gzip_corrupt", lasterror=r"flate: corrupt input.*"),
    Fault("gzip with junk behind", damaged_gzip("junk"),
          "body_gzip_invalid_header"),
    Fault("gzip that is text", encoded("gzip", GOOD_BODY),
          "body_gzip_invalid_header", lasterror=r"gzip: invalid header"),
    Fault("gzip that is empty", encoded("gzip", b""), "body_gzip_empty"),
    # U43-U45: other answers.
    Fault("U43 204 with a body", status("204 No Content"),
          "http_unexpected_success"),
    Fault("206", status("206 Partial Content"), "http_unexpected_success"),
    Fault("201", status("201 Created"), "http_unexpected_success"),
    Fault("U43 304", status("304 Not Modified"),
          "http_redirect_not_followed|http_unexpected_success"),
    Fault("U44 400", status("400 Bad Request"), "http_bad_request"),
    Fault("U44 401", status("401 Unauthorized",
                            extra=["WWW-Authenticate: Basic realm=x"]),
          "auth_unauthorized",
          words=r"exporter answered 401 to the gate; your credentials were "
                r"accepted",
          lasterror=r"server returned HTTP status 401 Unauthorized"),
    Fault("U44 403", status("403 Forbidden"), "auth_forbidden"),
    Fault("U44 404", status("404 Not Found"), "http_not_found",
          lasterror=r"server returned HTTP status 404 Not Found"),
    Fault("U44 405", status("405 Method Not Allowed"),
          "http_method_not_allowed"),
    Fault("U44 406", status("406 Not Acceptable"), "http_not_acceptable"),
    Fault("U44 407", status("407 Proxy Authentication Required"),
          "proxy_auth_required"),
    Fault("U44 415", status("415 Unsupported Media Type"),
          "http_not_acceptable"),
    Fault("U44 418", status("418 I'm a teapot"), "http_client_error"),
    Fault("U44 429", status("429 Too Many Requests"), "http_rate_limited"),
    Fault("U44 500", status("500 Internal Server Error"),
          "http_server_error"),
    Fault("U44 502", status("502 Bad Gateway"), "http_bad_gateway"),
    Fault("U44 503", status("503 Service Unavailable"), "http_unavailable"),
    Fault("U44 504", status("504 Gateway Timeout"), "http_gateway_timeout"),
    Fault("U44 599", status("599 Whatever"), "http_server_error"),
    Fault("U45 redirect to elsewhere",
          status("302 Found",
                 extra=["Location: http://169.254.169.254/latest"]),
          "http_redirect_not_followed"),
    # U46-U48: what is whole, and no exposition.
    Fault("U46 a web page", say(ok(WEB_PAGE, "text/html")),
          "content_type_unsupported",
          words=r"exporter sent text/html: a web page, not metrics"),
    Fault("U46 a web page that says it is text", say(ok(WEB_PAGE)),
          "parse_start_token", words=r"line 1 column 1: .*"),
    Fault("U48 a line that is none", say(ok(GOOD_BODY + b"demo_bad one\n")),
          "parse_value_not_number", words=r"line 5 column 10: .*"),
    Fault("U48 one bad line of 20 000", say(ok(BIG_BODY + b"demo_bad one\n")),
          "parse_value_not_number", words=r"line 20001 column 10: .*"),
    Fault("U48 CRLF", say(ok(GOOD_BODY.replace(b"\n", b"\r\n"))),
          "parse_type_unknown|parse_value_not_number"),
    Fault("U48 OpenMetrics without # EOF",
          say(ok(b"a 1\n", OPENMETRICS.decode())), "om_missing_eof",
          lasterror=r"data does not end with # EOF"),
    Fault("redirect without a Location", status("302 Found"),
          "http_redirect_not_followed|http_redirect_bad"),
    Fault("redirect loop", redirect_for_ever, "http_redirect_loop"),
    Fault("redirect to ftp",
          status("301 Moved", extra=["Location: ftp://x/metrics"]),
          "http_redirect_bad|http_redirect_not_followed"),
]


def close_under_the_next(conn):
    """Keeps the connection, and resets it when the next request comes."""
    conn.read_request()
    conn.send(ok())
    conn.wait_readable()
    conn.reset()


# Answers that look odd and are good: what Prometheus takes, the gate brings.
# Each is scraped twice, so the second may meet a connection that was kept.
GOOD = [Fault(name, behaviour, "ok", 200) for name, behaviour in [
    ("U20 one early hint",
     say(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok())),
    ("100 Continue unasked", say(b"HTTP/1.1 100 Continue\r\n\r\n" + ok())),
    ("U29 bytes behind the length", say(ok() + b"HTTP/1.1 200 OK\r\n\r\n")),
    ("U30 no length, ends with a line", say(CLOSED + GOOD_BODY)),
    ("no length, HTTP/1.0", say(CLOSED.replace(b"1.1", b"1.0") + GOOD_BODY)),
    ("chunked", say(CHUNKED + chunk(GOOD_BODY[:20]) + chunk(GOOD_BODY[20:])
                    + b"0\r\n\r\n")),
    ("chunked with a small extension",
     say(chunked_with(b"%x;a=b" % len(GOOD_BODY)))),
    ("U36 trailers are dropped",
     say(CHUNKED + chunk(GOOD_BODY)
         + b"0\r\nContent-Length: 5\r\nX-T: 1\r\n\r\n")),
    ("U40 chunks of one byte",
     say(CHUNKED + b"".join(chunk(bytes([byte])) for byte in GOOD_BODY)
         + b"0\r\n\r\n")),
    ("U41 gzip unasked", encoded("gzip", gzip.compress(GOOD_BODY))),
    ("two gzip members",
     encoded("gzip", gzip.compress(GOOD_BODY[:20])
             + gzip.compress(GOOD_BODY[20:]))),
    # Go takes it, so Prometheus does.
    ("U23 space before the colon", raw_header(b"X-A : value")),
    ("U23 folded header", raw_header(b"X-A: 1\r\n 2")),
    ("bare LF in the head", say(ok().replace(b"\r\n", b"\n"))),
    ("chunk size with a blank behind",
     say(chunked_with(b"%x " % len(GOOD_BODY)))),
    ("U56 answers before the request",
     lambda conn: (conn.send(ok()), conn.read_request(), conn.finish())),
    ("byte by byte, but in time", lambda conn: (
        conn.read_request(), conn.dribble(ok(), 0.001), conn.finish())),
    ("empty reason phrase",
     say(ok().replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 200 "))),
    ("no reason phrase",
     say(ok().replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 200"))),
    ("lower-case header names",
     say(ok().replace(b"Content-Length", b"content-length"))),
    ("500 headers", say(HEAD_200 + b"X-Filler: yes\r\n" * 500 + LENGTH
                        + b"\r\n" + GOOD_BODY)),
    ("U49 kept connection closed under us", close_under_the_next),
]] + [
    # UP without a sample, says Prometheus.
    Fault("U47 empty body", good(b""), "ok", 200, body=b""),
]
