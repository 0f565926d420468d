"""How requests arrive must not matter: in one TLS record, in many of one
segment, with the end right behind them, the same for the hundredth time."""

import random
import socket
import ssl

import pytest

from faultd import GOOD_BODY, good
from wire import Connection, parse_head, request_bytes

CACHED = {"cache": {"ttl": "1h", "once_per_scraper": False}}
BODY = b"a_metric_of_some_length 1\n" * 40  # worth a gzip
PROMETHEUS = [
    ("User-Agent", "Prometheus/3.5.0"),
    ("Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
    ("Accept-Encoding", "identity"),
    ("X-Prometheus-Scrape-Timeout-Seconds", "10")]


class Records:
    """A TLS client that decides itself when its records leave."""

    def __init__(self, gate):
        self.link = socket.create_connection(gate.address, 60)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = gate.tls.wrap_bio(self.incoming, self.outgoing,
                                     server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()

    def leave(self):
        """All that has been said, at once."""
        data = self.outgoing.read()
        if data:
            self.link.sendall(data)

    def take_in(self):
        data = self.link.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return bool(data)

    def step(self, function):
        while True:
            try:
                return function()
            except ssl.SSLWantReadError:
                self.leave()
                self.take_in()

    def shake_hands(self, *requests):
        """The requests go out with the client's last handshake message."""
        self.step(self.tls.do_handshake)
        self.say(*requests)
        self.leave()

    def say(self, *requests):
        for request in requests:
            self.tls.write(request)

    def say_goodbye(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass

    def receive(self):
        """False at the end."""
        try:
            data = self.step(lambda: self.tls.read(65536))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            data = b""
        self.buffer += data
        return bool(data)

    def answer(self):
        while b"\r\n\r\n" not in self.buffer:
            assert self.receive(), "closed before an answer"
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        answer = parse_head(head + b"\r\n\r\n")
        length = int(answer.header("Content-Length"))
        while len(self.buffer) < length:
            assert self.receive(), "closed in an answer"
        answer.body, self.buffer = self.buffer[:length], self.buffer[length:]
        return answer


@pytest.fixture(params=[{}, CACHED], ids=["fetched", "cached"])
def gate(lab, request):
    return lab.gate(lab.faultd(good()), secure=True, target=request.param)


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def cached(lab, request):
    return lab.gate(lab.faultd(good(BODY)), secure=request.param,
                    target=CACHED)


def test_requests_behind_the_handshake(gate):
    with Records(gate) as client:
        client.shake_hands(*[request_bytes()] * 3)
        for _ in range(3):
            assert client.answer().body == GOOD_BODY
        client.say(request_bytes())
        client.leave()
        assert client.answer().body == GOOD_BODY


@pytest.mark.parametrize("is_polite", [True, False],
                         ids=["close_notify", "bare end"])
def test_requests_and_the_end_at_once(gate, is_polite):
    """Whole requests are answered although nothing more will come; a part
    of one is not."""
    with Records(gate) as client:
        client.shake_hands()
        client.say(*[request_bytes(headers=PROMETHEUS)] * 3,
                   request_bytes()[:20])
        if is_polite:
            client.say_goodbye()
        client.leave()
        client.link.shutdown(socket.SHUT_WR)
        for _ in range(3):
            assert client.answer().body == GOOD_BODY
        assert not client.receive() and client.buffer == b""


def test_more_requests_than_may_wait(gate):
    """Several times what the gate reads ahead: all are answered, in order."""
    count = 1000
    with Records(gate) as client:
        client.shake_hands()
        for number in range(count):
            client.say(request_bytes(
                "/nope" if number % 10 == 9 else "/metrics", PROMETHEUS))
            if number % 50 == 0:
                client.leave()
        client.leave()
        for number in range(count):
            assert client.answer().status == (
                404 if number % 10 == 9 else 200)


def test_requests_cut_anywhere(gate):
    """Three requests in records and segments of random sizes."""
    source = random.Random(20)
    for _ in range(20):
        with Records(gate) as client:
            client.shake_hands()
            text = request_bytes(headers=PROMETHEUS) * 3
            while text:
                size = source.choice((1, 2, 50, 200, 1000))
                client.say(text[:size])
                text = text[size:]
                if source.random() < 0.5:
                    data = client.outgoing.read()
                    cut = source.randrange(len(data) + 1)
                    client.link.sendall(data[:cut])
                    client.link.sendall(data[cut:])
            client.leave()
            for _ in range(3):
                assert client.answer().body == GOOD_BODY


def test_the_same_head_again_means_the_same(cached):
    """What a head says counts the second time as it did the first, with
    other heads in between and on other connections."""
    gate = cached
    kinds = {
        "get": (request_bytes(headers=PROMETHEUS), 200),
        "gzip": (request_bytes(headers=[("Accept-Encoding", "gzip")]), 200),
        "close": (request_bytes(headers=[("Connection", "close")]), 200),
        "odd close": (request_bytes(
            headers=[("connection", " x,\tCLOSE \t")]), 200),
        "old": (request_bytes(version="1.0"), 200),
        "old, kept": (request_bytes(
            version="1.0", headers=[("Connection", "keep-alive")]), 200),
        "head": (request_bytes(method="HEAD", headers=PROMETHEUS), 200),
        "query": (request_bytes("/metrics?x=1"), 400),
        "unknown": (request_bytes("/nope", PROMETHEUS), 404),
        "underscore": (request_bytes(headers=[("a_b", "c")]), 200),
    }
    closing = {"close", "odd close", "old"}
    before = gate.metric("scrapegate_underscore_headers_total") or 0
    source = random.Random(7)
    order = [name for name in kinds for _ in range(6)]
    source.shuffle(order)
    connection = gate.connect()
    for name in order:
        request, status = kinds[name]
        connection.send(request)
        answer = connection.answer("HEAD" if name == "head" else "GET")
        assert answer.status == status, name
        assert (answer.header("Content-Encoding") == "gzip") == (
            name == "gzip"), name
        if status == 200 and name != "head":
            assert answer.text == BODY.decode(), name
        if name == "head":
            assert answer.body == b"" and connection.buffer == b""
        assert (answer.header("Connection") == "close") == (
            name in closing), name
        if name in closing:
            assert connection.read_to_end() == b""
            connection.close()
            connection = gate.connect()
    connection.close()
    assert gate.metric("scrapegate_underscore_headers_total") == before + 6


def test_a_known_head_is_no_door_for_others(cached):
    """Bytes that are nearly a known head are judged by themselves."""
    gate = cached
    known = request_bytes(headers=PROMETHEUS)
    with gate.connect() as connection:
        for _ in range(3):
            connection.send(known)
            assert connection.answer().body == BODY
    for bad in (known.replace(b"Host: localhost", b"Host: local host"),
                known.replace(b"Accept-Encoding", b"Accept-Encoding "),
                known.replace(b"User-Agent: P", b"Expect: 100-continueP"),
                known.replace(b"\r\n\r\n", b"\n\r\n"),
                known[:-2] + b"Content-Length: 9\r\n\r\nsmuggled!"):
        with gate.connect() as connection:
            connection.send(known + bad)
            assert connection.answer().status == 200
            assert connection.answer().status in (400, 413, 417)
            assert connection.read_to_end() == b""


@pytest.mark.parametrize("length", [
    0, 1, 16000, 16384, 32768, 49152, 57146, 65536, 131072, 400000])
def test_answers_of_every_size(lab, length):
    """Whole records, parts of them, and what is written in turns."""
    line = b"a_metric_of_some_length 1234567890.25\n"
    body = (line * (length // len(line) + 1))[:length]
    body = body[:body.rfind(b"\n") + 1]
    body += b"# " + b"x" * max(0, length - len(body) - 3) + b"\n"
    gate = lab.gate(lab.faultd(good(body)), secure=True, target=CACHED)
    with gate.connect() as connection:
        for _ in range(3):
            assert connection.get(headers=PROMETHEUS).body == body
            answer = connection.get(headers=PROMETHEUS, method="HEAD")
            assert int(answer.header("Content-Length")) == len(body)
    with Connection(gate.address, gate.tls) as connection:
        connection.send(request_bytes(headers=PROMETHEUS) * 5)
        for _ in range(5):
            assert connection.answer().body == body
