"""A small HTTP/1.1 client that hides nothing.

Library clients mend, follow and hide too much for tests that look at the
status line byte for byte, so requests go out as given and answers come back
with their raw head.
"""

import gzip
import socket
import ssl
import time
from dataclasses import dataclass, field


class Closed(Exception):
    """The peer closed (or reset) before a whole answer had come."""

    def __init__(self, words, seen=b""):
        super().__init__(f"{words}; seen so far: {seen[:300]!r}")
        self.seen = seen


@dataclass
class Answer:
    version: str
    status: int
    reason: str
    headers: list = field(default_factory=list)
    body: bytes = b""
    head: bytes = b""
    seconds: float = 0.0

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    @property
    def status_line(self):
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def text(self):
        """The body as text, inflated if it says so."""
        body = self.body
        if self.header("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return body.decode("utf-8")


def deadline(seconds):
    return time.monotonic() + seconds


def wait_for(condition, seconds=20.0, what="condition"):
    """Polls until condition() is true and returns its value."""
    end = deadline(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def request_bytes(path="/metrics", headers=None, method="GET", version="1.1",
                  host="localhost"):
    lines = [f"{method} {path} HTTP/{version}"]
    names = {name.lower() for name, _ in pairs(headers)}
    if "host" not in names and host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in pairs(headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def pairs(headers):
    if headers is None:
        return []
    if isinstance(headers, dict):
        return list(headers.items())
    return list(headers)


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ", 2)
    headers = []
    for line in lines[1:]:
        if line:
            name, _, value = line.partition(":")
            headers.append((name, value.strip(" \t")))
    return Answer(parts[0], int(parts[1]), parts[2] if len(parts) > 2 else "",
                  headers, head=head)


def connect(address, source, seconds):
    if not (isinstance(address, str) and address.startswith("unix:")):
        bound = (source, 0) if source else None
        made = socket.create_connection(address, seconds, bound)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(seconds)
    try:
        made.connect(address[len("unix:"):])
    except OSError:
        made.close()
        raise
    return made


class Connection:
    """One connection to (host, port) or a unix socket path."""

    def __init__(self, address, tls=None, source=None, seconds=60.0,
                 server_name="localhost"):
        self.socket = connect(address, source, seconds)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket,
                                          server_hostname=server_name)
        self.buffer = b""
        self.is_closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Sends all; a peer that closed meanwhile is no error here."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            return False

    def receive(self):
        """More bytes into the buffer; False at the end of the stream."""
        if self.is_closed:
            return False
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError,
                ssl.SSLZeroReturnError):
            data = b""
        if not data:
            self.is_closed = True
            return False
        self.buffer += data
        return True

    def take(self, count):
        while len(self.buffer) < count:
            if not self.receive():
                raise Closed(f"closed before {count} bytes", self.buffer)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def take_until(self, mark):
        while mark not in self.buffer:
            if not self.receive():
                raise Closed(f"closed before {mark!r}", self.buffer)
        end = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:end], self.buffer[end:]
        return data

    def answer(self, method="GET"):
        """Reads one whole answer; raises Closed if it is cut."""
        started = time.monotonic()
        answer = parse_head(self.take_until(b"\r\n\r\n"))
        length = answer.header("Content-Length")
        coding = answer.header("Transfer-Encoding")
        if method == "HEAD" or answer.status in (204, 304):
            pass
        elif coding == "chunked":
            answer.body = self.take_chunks()
        elif length is not None:
            answer.body = self.take(int(length))
        else:
            while self.receive():
                pass
            answer.body, self.buffer = self.buffer, b""
        answer.seconds = time.monotonic() - started
        return answer

    def take_chunks(self):
        body = b""
        while True:
            size = int(self.take_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                self.take_until(b"\r\n")
                return body
            body += self.take(size)
            assert self.take(2) == b"\r\n", "chunk data without line end"

    def get(self, path="/metrics", headers=None, method="GET", version="1.1"):
        self.send(request_bytes(path, headers, method, version))
        return self.answer(method)

    def read_to_end(self):
        """All that still comes until the peer closes."""
        while self.receive():
            pass
        data, self.buffer = self.buffer, b""
        return data


def fetch(address, path="/metrics", headers=None, method="GET", tls=None,
          source=None, seconds=60.0, version="1.1"):
    """One request on a connection of its own."""
    started = time.monotonic()
    with Connection(address, tls, source, seconds) as connection:
        answer = connection.get(path, headers, method, version)
    answer.seconds = time.monotonic() - started
    return answer


def client_context(ca_file=None):
    """TLS as a scraper does it: verified if a CA is given."""
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
