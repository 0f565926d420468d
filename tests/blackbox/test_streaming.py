"""Answers above `stream_above` are passed on as they come: byte for byte,
with bounded memory, and a failure behind the head is always seen."""

import gzip
import hashlib
import os
import random
import signal
import socket
import threading
import time
import zlib
from dataclasses import dataclass

import pytest

from arrivals import wait_until_all_arrived
from faultd import TEXT, good, ok, say, say_and_keep, say_and_reset
from wire import (Closed, parse_head, request_bytes, wait_for)

pytestmark = pytest.mark.threads

KB, MB = 1 << 10, 1 << 20
SMALL = {"stream_above": "1KB"}
GZIP = {"Accept-Encoding": "gzip"}
ALICE_HASH = "$2b$04$RuhJFDdsntD6BEzBEQc9ROoi.LPMNuXMJCUNHy1Be45yn8UqEjbI."
TRUNCATIONS = int(os.environ.get("SCRAPEGATE_TRUNCATIONS", "500"))
PIECE = b"".join(b'demo_seconds_total{pod="shop-%05d",verb="get"} %d.25\n'
                 % (number, number * 7919) for number in range(1200))


def text_of(size, seed=0):
    """`size` bytes of samples, the line that would be cut a comment."""
    start = b"demo_seed %d\n" % seed
    whole = (start + PIECE * (size // len(PIECE) + 1))[:size - 1]
    end = whole.rfind(b"\n") + 1
    return whole[:end] + b"#" * (size - 1 - end) + b"\n"


def head(*lines):
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {TEXT}",
                        *lines, "", ""]).encode()


def chunked(body, size):
    out = []
    for start in range(0, len(body), size):
        piece = body[start:start + size]
        out.append(b"%x\r\n%s\r\n" % (len(piece), piece))
    return b"".join([*out, b"0\r\n\r\n"])


FRAMINGS = ("length", "chunked", "close")


def framed(body, framing, coding=None, chunk=40000):
    """A whole answer; of "close" the connection's end is the body's."""
    lines = [f"Content-Encoding: {coding}"] if coding else []
    if framing == "length":
        return head(*lines, f"Content-Length: {len(body)}") + body
    if framing == "chunked":
        return head(*lines, "Transfer-Encoding: chunked") + chunked(body,
                                                                    chunk)
    return head(*lines, "Connection: close") + body


@dataclass
class Seen:
    """What a reader got; `is_whole` as a scraper would say."""
    status: int = 0
    headers: object = None
    body: bytes = b""
    is_whole: bool = False
    words: str = ""
    extra: bytes = b""

    @property
    def text(self):
        if self.headers.header("Content-Encoding") == "gzip":
            return gzip.decompress(self.body)
        return self.body

    @property
    def is_clean_200(self):
        return self.status == 200 and self.is_whole


class Reader:
    """Reads one answer at its own speed, and judges where it ended.  An end
    of TLS without its goodbye is seen as what it is."""

    def __init__(self, gate, headers=None, version="1.1", method="GET",
                 timeout=60, buffer=None, source=None, path="/metrics"):
        self.connection = gate.connect(source=source)
        self.socket = self.connection.socket
        if hasattr(self.socket, "suppress_ragged_eofs"):
            self.socket.suppress_ragged_eofs = False
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   buffer)
        self.method = method
        self.version = version
        extra = {"X-Prometheus-Scrape-Timeout-Seconds": f"{timeout:g}",
                 **(headers or {})}
        self.connection.send(request_bytes(path, extra, method, version))
        self.buffer = bytearray()
        self.error = None

    def more(self, pause=None):
        """False at the end, however it came."""
        if pause:
            pause()
        try:
            data = self.socket.recv(256 * KB)
        except (ConnectionError, OSError) as error:
            self.error = error
            return False
        self.buffer += data
        return bool(data)

    def wait_for_head(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                raise Closed(f"no head: {self.error}", bytes(self.buffer))

    def read_head(self):
        self.wait_for_head()
        end = self.buffer.index(b"\r\n\r\n") + 4
        answer = parse_head(bytes(self.buffer[:end]))
        del self.buffer[:end]
        return answer

    def read(self, pause=None):
        seen = Seen()
        try:
            seen.headers = self.read_head()
        except Closed as error:
            seen.words = str(error)
            return seen
        seen.status = seen.headers.status
        length = seen.headers.header("Content-Length")
        if self.method == "HEAD":
            seen.is_whole = True
        elif seen.headers.header("Transfer-Encoding") == "chunked":
            self.read_chunks(seen, pause)
        elif length is not None:
            while len(self.buffer) < int(length) and self.more(pause):
                pass
            seen.body = bytes(self.buffer[:int(length)])
            seen.is_whole = len(self.buffer) >= int(length)
            seen.extra = bytes(self.buffer[int(length):])
        else:
            while self.more(pause):
                pass
            seen.body = bytes(self.buffer)
            seen.is_whole = self.error is None
        seen.words = str(self.error)
        return seen

    def read_chunks(self, seen, pause):
        parts, at = [], 0
        while True:
            line_end = self.buffer.find(b"\r\n", at)
            if line_end < 0:
                if not self.more(pause):
                    break
                continue
            size = int(self.buffer[at:line_end], 16)
            end = line_end + 2 + size + 2
            if len(self.buffer) < end:
                if not self.more(pause):
                    break
                continue
            assert self.buffer[end - 2:end] == b"\r\n"
            at = end
            if size == 0:
                seen.is_whole = True
                break
            parts.append(bytes(self.buffer[line_end + 2:end - 2]))
        seen.extra = bytes(self.buffer[at:])
        if not seen.is_whole and self.buffer.find(b"\r\n", at) >= 0:
            line_end = self.buffer.find(b"\r\n", at)
            parts.append(bytes(self.buffer[line_end + 2:]))
        seen.body = b"".join(parts)

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read(gate, *arguments, pause=None, **options):
    with Reader(gate, *arguments, **options) as reader:
        return reader.read(pause)


def pauses(seed, seconds):
    """A reader's moods: mostly eager, now and then away."""
    moods = random.Random(seed)
    waiting = threading.Event()
    return lambda: moods.random() < 0.1 and waiting.wait(
        moods.random() * seconds)


def hurried(data, seed, seconds):
    """An exporter's moods."""
    def behave(conn):
        moods = random.Random(seed)
        conn.read_request()
        at = 0
        while at < len(data):
            size = int(2 ** moods.uniform(4, 20))
            conn.send(data[at:at + size])
            at += size
            if moods.random() < 0.1:
                conn.pause(moods.random() * seconds)
        conn.finish()
    return behave


def scrapes(gate, reason, target="node"):
    return gate.metric("scrapegate_scrapes_total", target=target,
                       reason=reason)


def wait_for_broken(gate, count):
    wait_for(lambda: gate.metric("scrapegate_answers_broken_total",
                                 target="node") == count,
             what=f"{count} broken answers")


def wait_for_scrapes(gate, reason, count=1, target="node"):
    wait_for(lambda: scrapes(gate, reason, target) == count,
             what=f"{count} of {reason}")


@pytest.mark.parametrize("seed", range(16))
def test_bytes_are_equal(lab, seed):
    """Random sizes and speeds, every framing, both codings on both sides."""
    moods = random.Random(seed)
    size = int(2 ** moods.uniform(10.1, 22)) if seed else 30 * MB
    body = text_of(size, seed)
    is_gzip = seed % 4 == 3
    wire = gzip.compress(body, 1) if is_gzip else body
    data = framed(wire, FRAMINGS[seed % 3], "gzip" if is_gzip else None,
                  chunk=int(2 ** moods.uniform(0, 18)) + size // 5000)
    exporter = lab.faultd(hurried(data, seed, 0.01 if seed else 0))
    gate = lab.gate(exporter, SMALL, secure=seed % 2 == 0)
    wanted = hashlib.sha256(body).digest()
    for headers in ({}, GZIP):
        seen = read(gate, headers, pause=pauses(seed, 0.01),
                    buffer=64 * KB if seed % 3 else None)
        assert seen.is_clean_200, seen.words
        assert seen.headers.header("Transfer-Encoding") == "chunked"
        assert seen.headers.header("Content-Length") is None
        assert (seen.headers.header("Content-Encoding") == "gzip") == bool(
            headers)
        assert hashlib.sha256(seen.text).digest() == wanted
        assert not seen.extra
    wait_for_scrapes(gate, "ok", 2)
    assert gate.metric("scrapegate_target_samples", target="node") == sum(
        not line.startswith(b"#") for line in body.splitlines())
    assert gate.metric("scrapegate_target_body_bytes",
                       target="node") == len(body)
    assert gate.metric("scrapegate_answers_broken_total") == 0


def test_up_to_the_limit_it_is_judged_whole(lab):
    """At the limit itself, too: a failure behind that is a 502."""
    exporter = lab.faultd(good(text_of(KB)))
    gate = lab.gate(exporter, SMALL)
    seen = read(gate)
    assert seen.headers.header("Content-Length") == str(KB)
    exporter.behaviour = good(text_of(KB + 1))
    assert read(gate).headers.header("Transfer-Encoding") == "chunked"
    exporter.behaviour = say(ok(text_of(KB), length=KB + 1))
    assert read(gate).status == 502


def test_0_never_streams(lab):
    exporter = lab.faultd(good(text_of(9 * MB)))
    gate = lab.gate(exporter, {"stream_above": "0"})
    seen = read(gate)
    assert seen.headers.header("Content-Length") == str(9 * MB)
    assert seen.is_whole


def test_the_default_is_8_mb(lab):
    exporter = lab.faultd(good(text_of(8 * MB)))
    gate = lab.gate(exporter)
    assert read(gate).headers.header("Content-Length") == str(8 * MB)
    exporter.behaviour = good(text_of(8 * MB + 1))
    for headers in ({}, GZIP):
        seen = read(gate, headers)
        assert seen.headers.header("Content-Length") is None
        assert seen.is_clean_200 and seen.text == text_of(8 * MB + 1)


def test_a_file_streams(lab, tmp_path):
    body = text_of(5 * MB)
    path = tmp_path / "node.prom"
    path.write_bytes(body)
    gate = lab.gate(f"file:{path}", {"stream_above": "64KB"})
    for headers in ({}, GZIP):
        seen = read(gate, headers, pause=pauses(1, 0.01), buffer=64 * KB)
        assert seen.is_clean_200 and seen.text == body
        assert seen.headers.header("Content-Type") == (
            "text/plain; version=0.0.4")


def start_held(exporter, data):
    """The exporter answers when the event is set."""
    released = threading.Event()

    def behave(conn):
        conn.read_request()
        conn.wait(released)
        conn.send(data)
        conn.hold()
    exporter.behaviour = behave
    return released


def half_way(exporter, body):
    """A stream that goes on when the event is set."""
    released = threading.Event()
    data = framed(body, "length")

    def behave(conn):
        conn.read_request()
        conn.send(data[:len(data) // 2])
        conn.wait(released)
        conn.send(data[len(data) // 2:])
        conn.hold()
    exporter.behaviour = behave
    return released


class Readers:
    """Several at once, on threads."""

    def __init__(self):
        self.seen = {}
        self.threads = []

    def start(self, name, reader, pause=None):
        def run():
            with reader:
                self.seen[name] = reader.read(pause)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def join(self):
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive()
        return self.seen


@pytest.mark.parametrize("coding", [None, "gzip"])
def test_readers_of_different_speeds_share_one_attempt(lab, coding):
    body = text_of(12 * MB)
    wire = gzip.compress(body, 1) if coding else body
    exporter = lab.faultd()
    released = start_held(exporter, framed(wire, "length", coding))
    gate = lab.gate(exporter, SMALL)
    readers = Readers()
    for number in range(6):
        readers.start(number, Reader(gate, GZIP if number % 2 else {},
                                     buffer=64 * KB if number < 2 else None),
                      pauses(number, 0.02) if number < 4 else None)
    wait_until_all_arrived(gate)
    released.set()
    for number, seen in readers.join().items():
        assert seen.is_clean_200, (number, seen.words)
        assert seen.text == body
    assert exporter.request_count == 1
    wait_for_scrapes(gate, "ok")
    assert gate.metric("scrapegate_requests_total", target="node",
                       cache="shared", code="200") == 5


def test_a_later_scrape_starts_its_own(lab):
    """Who comes when a stream has begun can't have its beginning."""
    body = text_of(64 * KB)
    exporter = lab.faultd()
    released = half_way(exporter, body)
    gate = lab.gate(exporter, SMALL)
    with Reader(gate) as first:
        first.wait_for_head()
        with Reader(gate) as second:
            second.wait_for_head()
            assert exporter.request_count == 2
            released.set()
            for reader in (first, second):
                seen = reader.read()
                assert seen.is_clean_200 and seen.text == body
    wait_for_scrapes(gate, "ok", 2)


def test_it_is_never_kept(lab):
    exporter = lab.faultd(good(text_of(64 * KB)))
    gate = lab.gate(exporter, {**SMALL, "cache": {
        "ttl": "1h", "once_per_scraper": False}})
    for count in (1, 2, 3):
        seen = read(gate)
        assert seen.is_clean_200 and seen.headers.header("Age") is None
        assert exporter.request_count == count
    exporter.behaviour = good(text_of(512))
    for _ in range(2):
        assert read(gate).text == text_of(512)
    assert exporter.request_count == 4


@pytest.mark.parametrize("secure", [False, True])
def test_the_connection_is_kept_alive(lab, secure):
    """Three requests at once, streams between small answers."""
    body = text_of(3 * MB)
    exporter = lab.faultd(good(body))
    small = lab.faultd(good())
    gate = lab.gate(secure=secure, config={"targets": [
        {"name": "node", "url": exporter.url, **SMALL},
        {"name": "small", "url": small.url}]})
    with gate.connect() as connection:
        connection.send(request_bytes("/metrics/node")
                        + request_bytes("/metrics/small")
                        + request_bytes("/metrics/node", GZIP)
                        + request_bytes("/metrics/small"))
        assert connection.answer().body == body
        assert connection.answer().status == 200
        assert connection.answer().text.encode() == body
        assert connection.answer().status == 200
        assert not connection.buffer


def test_a_half_closed_client_gets_it_all(lab):
    body = text_of(3 * MB)
    exporter = lab.faultd(hurried(framed(body, "length"), 1, 0.02))
    gate = lab.gate(exporter, SMALL)
    with Reader(gate, {"Connection": "close"}) as reader:
        reader.socket.shutdown(socket.SHUT_WR)
        seen = reader.read()
    assert seen.is_clean_200 and seen.text == body


def test_configured_headers_are_in_its_head(lab):
    exporter = lab.faultd(good(text_of(64 * KB)))
    gate = lab.gate(exporter, SMALL, config={"http_server_config": {
        "headers": {"X-Frame-Options": "deny"}}})
    seen = read(gate, {"Connection": "close"})
    assert seen.is_clean_200
    assert seen.headers.header("X-Frame-Options") == "deny"
    assert seen.headers.header("Connection") == "close"


@pytest.mark.parametrize("secure", [False, True])
def test_http_1_0_ends_with_the_connection(lab, secure):
    body = text_of(3 * MB)
    exporter = lab.faultd(good(body))
    gate = lab.gate(exporter, SMALL, secure=secure)
    for headers in ({}, GZIP, {"Connection": "keep-alive"}):
        seen = read(gate, headers, version="1.0")
        assert seen.headers.header("Transfer-Encoding") is None
        assert seen.headers.header("Connection") == "close"
        assert seen.is_clean_200 and seen.text == body


def test_a_head_tells_how_it_ended(lab):
    exporter = lab.faultd(good(text_of(2 * MB)))
    gate = lab.gate(exporter, SMALL)
    seen = read(gate, method="HEAD")
    assert seen.status == 200 and not seen.extra
    assert seen.headers.header("Transfer-Encoding") == "chunked"
    exporter.behaviour = say(ok(text_of(2 * MB))[:-1])
    assert read(gate, method="HEAD").status == 502
    wait_for_scrapes(gate, "body_truncated")


def test_a_head_waits_no_longer_than_it_may(lab):
    exporter = lab.faultd(say_and_keep(framed(text_of(64 * KB),
                                              "length")[:-1]))
    gate = lab.gate(exporter, SMALL)
    seen = read(gate, method="HEAD", timeout=4)
    assert seen.status == 504
    assert seen.headers.header("X-Scrapegate-Reason") == "timeout_body"
    wait_for_scrapes(gate, "timeout_body")


def test_a_head_and_a_reader_share_an_attempt(lab):
    """The reader leaves half-way; the one who only wants to know is told."""
    body = text_of(64 * KB)
    exporter = lab.faultd()
    released = threading.Event()
    goes_on = threading.Event()
    data = framed(body, "length")

    def behave(conn):
        conn.read_request()
        conn.wait(released)
        conn.send(data[:32 * KB])
        conn.wait(goes_on)
        conn.send(data[32 * KB:])
        conn.hold()
    exporter.behaviour = behave
    gate = lab.gate(exporter, SMALL)
    with Reader(gate) as reader, Reader(gate, method="HEAD") as only_head:
        wait_until_all_arrived(gate)
        released.set()
        reader.wait_for_head()
        reader.close()
        goes_on.set()
        assert only_head.read().status == 200
    assert exporter.request_count == 1
    wait_for_scrapes(gate, "ok")
    assert scrapes(gate, "client_gone") == 0


# What goes wrong behind the head.

class Failing:
    """Says the begin, goes on when the scraper has that, and fails."""

    def __init__(self, data, end="finish"):
        self.data = data
        self.end = end
        self.has_begun = threading.Event()

    def __call__(self, conn):
        conn.read_request()
        conn.send(self.data[:len(self.data) // 2])
        conn.wait(self.has_begun)
        conn.send(self.data[len(self.data) // 2:])
        getattr(conn, self.end)()


def late_faults():
    body = text_of(64 * KB)
    packed = gzip.compress(body, 1)
    broken = bytearray(packed)
    broken[-6] ^= 0xff
    chunks = framed(body, "chunked", chunk=4096)
    whole = framed(body, "length")
    return {
        "cut": (whole[:-1], "finish", "body_truncated"),
        "no_last_chunk": (chunks[:-5], "finish", "body_truncated"),
        "cut_in_chunk": (chunks[:-2000], "finish", "body_truncated"),
        "no_line_end": (framed(body, "close")[:-1], "finish",
                        "body_truncated"),
        "bad_chunk": (chunks[:-5] + b"zz\r\n", "finish",
                      "body_chunk_malformed"),
        "bad_last_chunk": (chunks[:-2] + b"xx\r\n", "hold",
                           "body_chunk_malformed"),
        "reset": (whole[:-1], "reset", "body_reset"),
        "gzip_cut": (framed(packed[:-9], "length", "gzip"), "finish",
                     "body_truncated"),
        "gzip_checksum": (framed(bytes(broken), "length", "gzip"), "hold",
                          "body_gzip_checksum"),
        "gzip_junk": (framed(packed + b"junk", "chunked", "gzip"), "hold",
                      "body_gzip_invalid_header"),
        "stalls": (whole[:-1], "hold", "timeout_body"),
        "stalls_before_last_chunk": (chunks[:-5], "hold", "timeout_body"),
    }


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("name", late_faults())
def test_a_late_failure_is_seen_and_named(lab, name, secure):
    data, end, reason = late_faults()[name]
    exporter = lab.faultd()
    gate = lab.gate(exporter, SMALL, secure=secure)
    # Only where time is to run out it does.
    timeout = 4 if reason == "timeout_body" else 60
    count = 0
    for version in ("1.1", "1.0"):
        for headers in ({}, GZIP):
            exporter.behaviour = Failing(data, end)
            with Reader(gate, headers, version=version,
                        timeout=timeout) as reader:
                reader.wait_for_head()
                exporter.behaviour.has_begun.set()
                seen = reader.read()
            assert seen.status == 200
            assert not seen.is_whole, (version, headers)
            if not seen.headers.header("Content-Encoding"):
                assert text_of(64 * KB).startswith(seen.body)
            count += 1
    wait_for_scrapes(gate, reason, count)
    wait_for_broken(gate, count)
    assert gate.metric("scrapegate_requests_total", target="node",
                       code="200") == count
    assert gate.metric("scrapegate_target_up", target="node") == 0
    assert gate.target()["scrapeReason"]["id"] == reason


def test_a_failure_before_the_head_is_out_has_words(lab):
    """All of it comes at once, so mostly nothing has been said yet; either
    way the scraper sees it."""
    exporter = lab.faultd()
    gate = lab.gate(exporter, SMALL)
    statuses = []
    for _ in range(20):
        exporter.behaviour = say_and_reset(ok(text_of(4 * KB))[:-1])
        seen = read(gate)
        assert not seen.is_clean_200
        assert seen.status in (200, 502)
        if seen.status == 502:
            assert seen.headers.header("X-Scrapegate-Reason") in (
                "body_reset", "body_truncated")
        statuses.append(str(seen.status))
    for status in set(statuses):
        assert gate.metric(
            "scrapegate_requests_total", target="node",
            code=status) == statuses.count(status)
    wait_for_broken(gate, statuses.count("200"))


def test_body_size_limit_breaks_it(lab):
    exporter = lab.faultd(good(text_of(64 * KB)))
    gate = lab.gate(exporter, {**SMALL, "body_size_limit": "32KB"})
    # A length that says so is believed before anything goes out.
    assert read(gate).status == 502
    exporter.behaviour = Failing(framed(text_of(64 * KB), "chunked")[
        :-30 * KB], "hold")
    with Reader(gate) as reader:
        reader.wait_for_head()
        exporter.behaviour.has_begun.set()
        seen = reader.read()
    assert seen.status == 200 and not seen.is_whole
    assert len(seen.body) <= 32 * KB
    wait_for_scrapes(gate, "limit_body_size", 2)


def test_it_ends_at_the_deadline(lab):
    """A trickle that would never end."""
    def behave(conn):
        conn.read_request()
        conn.send(head("Transfer-Encoding: chunked"))
        while True:
            conn.send(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))
            conn.pause(0.05)
    exporter = lab.faultd(behave)
    gate = lab.gate(exporter, SMALL)
    started = time.monotonic()
    seen = read(gate, timeout=4)
    assert not seen.is_whole
    # At 3.6 s, and what a busy machine adds.
    assert 3.5 < time.monotonic() - started < 20
    wait_for_scrapes(gate, "timeout_body")
    wait_for_broken(gate, 1)


def cut_somewhere(moods, has_begun):
    """An answer that is cut, by FIN or RST, wherever that can be told."""
    body = text_of(moods.randrange(2, 24 * KB), moods.random())
    is_gzip = moods.random() < 0.3
    packed = zlib.compressobj(1, zlib.DEFLATED, 31)
    wire = packed.compress(body) + packed.flush() if is_gzip else body
    framing = moods.choice(FRAMINGS)
    data = framed(wire, framing, "gzip" if is_gzip else None,
                  moods.randrange(1, 8192))
    begin = data.index(b"\r\n\r\n") + 4
    at = moods.randrange(max(begin - 40, 1), len(data))
    if framing == "close" and not is_gzip:
        # Nobody can tell whether lines are missing behind a line.
        while data[at - 1:at] == b"\n" and at > begin:
            at -= 1
        if at <= begin:
            at = begin - 1
    is_reset = moods.random() < 0.4
    if moods.random() < 0.2 and at > begin + 4 * KB:
        return late(data[:begin + 3 * KB], data[begin + 3 * KB:at], is_reset,
                    has_begun)
    return (say_and_reset if is_reset else say)(data[:at])


def late(data, rest, is_reset, has_begun):
    """The gate has begun to deliver when the cut comes."""
    def behave(conn):
        conn.read_request()
        conn.send(data)
        has_begun.wait(10)
        conn.send(rest)
        if is_reset:
            conn.reset()
        else:
            conn.finish()
    return behave


def test_no_truncation_is_a_clean_200(lab):
    """SCRAPEGATE_TRUNCATIONS of them, 500 if that is not set."""
    gates, exporters = [], []
    for secure in (False, True):
        exporters.append(lab.faultd())
        gates.append(lab.gate(exporters[-1], SMALL, secure=secure))
    counts = {"streamed": 0, "refused": 0}
    wrong = []
    lock = threading.Lock()

    def run(number):
        moods = random.Random(1000 + number)
        exporter, gate = exporters[number], gates[number]
        for turn in range(TRUNCATIONS // 2):
            has_begun = threading.Event()
            exporter.behaviour = cut_somewhere(moods, has_begun)
            with Reader(gate, GZIP if moods.random() < 0.5 else {},
                        version="1.0" if moods.random() < 0.2 else "1.1",
                        ) as reader:
                try:
                    reader.wait_for_head()
                    has_begun.set()
                except Closed:
                    pass  # as it will say again
                seen = reader.read()
            with lock:
                counts["streamed" if seen.status == 200 else "refused"] += 1
                if seen.is_clean_200 or seen.status not in (200, 502):
                    wrong.append((number, turn, seen.status, seen.words))
    threads = [threading.Thread(target=run, args=(number,))
               for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:10]
    assert sum(counts.values()) == TRUNCATIONS // 2 * 2
    # The others failed before their head was out, and said why.
    assert counts["streamed"] > TRUNCATIONS // 20
    for gate in gates:
        assert scrapes(gate, "ok") == 0


# Readers that are slow, or go away.

def endless_pieces(count, started=None):
    """`count` pieces with a length, as fast as they are taken."""
    def behave(conn):
        conn.read_request()
        conn.send(head(f"Content-Length: {count * len(PIECE)}"))
        for _ in range(count):
            conn.send(PIECE)
            if started is not None:
                started.append(1)
        conn.hold()
    return behave


def test_a_reader_that_takes_nothing_is_dropped(lab):
    """After the write stall of 10 s; the other one had to wait for that, and
    then gets all of it."""
    sent = []
    count = 40 * MB // len(PIECE)
    exporter = lab.faultd()
    released = threading.Event()

    def behave(conn):
        conn.wait(released)
        endless_pieces(count, sent)(conn)
    exporter.behaviour = behave
    gate = lab.gate(exporter, {"stream_above": "64KB"})
    with Reader(gate, buffer=4096) as stuck:
        readers = Readers()
        readers.start("good", Reader(gate))
        wait_until_all_arrived(gate)
        started = time.monotonic()
        released.set()
        wait_for(lambda: len(sent) > 2, what="the begin")
        seen = readers.join()["good"]
        seconds = time.monotonic() - started
        assert seen.is_clean_200, seen.words
        assert seen.body == PIECE * count
        # A busy machine takes its time for the rest; not that of the scrape.
        assert 8 < seconds < 50
    wait_for_scrapes(gate, "ok")


def test_a_reader_that_takes_little_is_not_dropped(lab):
    """Less in 10 s than the kernel would send before it asks for more."""
    gate = lab.gate(lab.faultd(endless_pieces(40 * MB // len(PIECE))),
                    {"stream_above": "64KB"})
    with Reader(gate, buffer=64 * KB) as reader:
        until = time.monotonic() + 25
        while time.monotonic() < until:
            assert reader.socket.recv(30 * KB)
            time.sleep(1)
            assert scrapes(gate, "client_gone") == 0


def test_who_goes_away_ends_the_attempt(lab):
    sent = []
    count = 80 * MB // len(PIECE)
    exporter = lab.faultd(endless_pieces(count, sent))
    gate = lab.gate(exporter, {"stream_above": "64KB"})
    with Reader(gate) as reader:
        assert reader.read_head().status == 200
    wait_for_scrapes(gate, "client_gone")
    assert len(sent) < count
    assert gate.metric("scrapegate_answers_broken_total") == 0


def test_who_goes_away_while_the_exporter_thinks(lab):
    """Nothing is written then: it is looked for."""
    exporter = lab.faultd(say_and_keep(framed(text_of(64 * KB),
                                              "length")[:-1]))
    gate = lab.gate(exporter, SMALL)
    with Reader(gate) as reader:
        assert reader.read_head().status == 200
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
    wait_for_scrapes(gate, "client_gone")


def test_a_slow_reader_is_not_the_exporters_fault(lab):
    """Its deadline comes while the exporter waits for it."""
    exporter = lab.faultd(endless_pieces(60 * MB // len(PIECE)))
    gate = lab.gate(exporter, {"stream_above": "64KB"})
    with Reader(gate, buffer=4096, timeout=6) as reader:
        assert reader.read_head().status == 200
        wait_for_scrapes(gate, "client_gone")
    wait_for_broken(gate, 1)
    assert scrapes(gate, "timeout_body") == 0


# Life.

@pytest.mark.parametrize("headers", [{}, GZIP], ids=["identity", "gzip"])
def test_a_reload_lets_it_finish(lab, headers):
    body = text_of(3 * MB)
    exporter = lab.faultd()
    released = half_way(exporter, body)
    gate = lab.gate(exporter, SMALL)
    with Reader(gate, headers) as reader:
        reader.wait_for_head()
        gate.config_path.write_text(gate.config_path.read_text().replace(
            "1KB", "2KB"))
        assert gate.admin("/-/reload", method="POST").status == 200
        released.set()
        seen = reader.read()
    assert seen.is_clean_200 and seen.text == body
    wait_for_scrapes(gate, "ok")


def test_who_is_refused_meanwhile_gets_none_of_it(lab):
    """Before it began a reload asks for a password that nobody gave."""
    exporter = lab.faultd()
    released = start_held(exporter, framed(text_of(3 * MB), "length"))
    gate = lab.gate(exporter, SMALL)
    with Reader(gate) as reader:
        wait_for(lambda: exporter.request_count == 1, what="the request")
        gate.config_path.write_text(
            gate.config_path.read_text()
            + f'basic_auth_users: {{alice: "{ALICE_HASH}"}}\n')
        assert gate.admin("/-/reload", method="POST").status == 200
        released.set()
        seen = reader.read()
    assert seen.status == 401
    assert seen.headers.header("Transfer-Encoding") is None
    assert b"demo_" not in seen.body + seen.extra
    assert gate.metric("scrapegate_requests_total", target="node",
                       code="200") == 0
    wait_for(lambda: scrapes(gate, "ok") + scrapes(gate, "client_gone") == 1,
             what="the attempt's end")


def test_sigterm_lets_it_finish(lab):
    body = text_of(3 * MB)
    exporter = lab.faultd()
    released = half_way(exporter, body)
    gate = lab.gate(exporter, SMALL, secure=True)
    with Reader(gate) as reader:
        reader.wait_for_head()
        gate.process.send_signal(signal.SIGTERM)
        gate.wait_for_line("msg=draining")
        released.set()
        seen = reader.read()
    assert seen.is_clean_200 and seen.text == body
    gate.stop()


def test_the_budget_counts_streams(lab):
    """Each holds its window, so no room is left for another attempt."""
    slow = [lab.faultd() for _ in range(2)]
    released = [half_way(each, text_of(64 * KB)) for each in slow]
    other = lab.faultd()
    gate = lab.gate(config={
        "memory_budget": "1MB", "insecure_http": True, "targets": [
            {"name": "a", "url": slow[0].url, **SMALL},
            {"name": "b", "url": slow[1].url, **SMALL},
            {"name": "other", "url": other.url}]})
    assert gate.get("/metrics/other").status == 200
    with Reader(gate, path="/metrics/a") as a, \
            Reader(gate, path="/metrics/b") as b:
        for reader in (a, b):
            reader.wait_for_head()
        refused = gate.get("/metrics/other")
        assert refused.status == 503
        assert refused.header("X-Scrapegate-Reason") == (
            "memory_budget_exceeded")
        released[0].set()
        released[1].set()
        assert a.read().is_clean_200
        assert b.read().is_clean_200
    wait_for(lambda: gate.get("/metrics/other").status == 200,
             what="room again")
    assert scrapes(gate, "ok", "a") == scrapes(gate, "ok", "b") == 1


def test_prometheus_takes_it_and_sees_it_break(lab):
    body = PIECE * 4
    exporter = lab.faultd(good(body))
    gate = lab.gate(exporter, SMALL)
    prometheus = lab.prometheus([{
        "job_name": "node", "static_configs": [{"targets": [gate.netloc]}]}])
    prometheus.wait_for_target("node", lambda each: each["health"] == "up")
    exporter.behaviour = say(ok(body)[:-1])
    # Of one scrape or another: any may meet its deadline of 1 s, too.
    prometheus.wait_for_target(
        "node", lambda each: each["health"] == "down"
        and "unexpected EOF" in each["lastError"])

    def ours():
        found = gate.target()
        return found["lastError"], found["scrapeReason"]["id"]
    wait_for(lambda: ours() == ("unexpected EOF", "body_truncated"),
             what="our own API to agree")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_an_exporter_that_rests_is_waited_for(lab, secure):
    """Longer than a reader may stall: it has taken all there was."""
    text = text_of(2 * MB)

    def rest(conn):
        conn.read_request()
        conn.send(head(f"Content-Length: {len(text)}") + text[:MB])
        conn.pause(11)
        conn.send(text[MB:])
        conn.hold()
    gate = lab.gate(lab.faultd(rest), SMALL, secure=secure)
    seen = read(gate, timeout=40)
    assert seen.is_clean_200 and seen.text == text
