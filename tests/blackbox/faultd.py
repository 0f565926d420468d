"""The bad exporter: does on purpose what real ones do by accident.

A behaviour is a function of one Conn.  It runs on a thread of its own for
each connection and says what happens there, step by step; when it returns,
the connection is closed in the ordinary way.  The behaviour of a running
server can be changed between scrapes.
"""

import os
import select
import socket
import ssl
import struct
import threading

TEXT = "text/plain; version=0.0.4; charset=utf-8"
GOOD_BODY = (b"# HELP demo_up One.\n# TYPE demo_up gauge\ndemo_up 1\n"
             b'demo_requests_total{code="200"} 42\n')


def ok(body=GOOD_BODY, content_type=TEXT, extra=(), status="200 OK",
       length=None):
    """The bytes of a whole answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}",
            f"Content-Length: {len(body) if length is None else length}",
            *extra]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


def readable(*files, seconds=None):
    """Those that can be read; select() itself knows only 1024 numbers."""
    poll = select.poll()
    by_number = {}
    for each in files:
        number = each if isinstance(each, int) else each.fileno()
        by_number[number] = each
        poll.register(number, select.POLLIN)
    found = poll.poll(None if seconds is None else seconds * 1000)
    return [by_number[number] for number, _ in found]


class Gone(Exception):
    """The gate or the server went away; the behaviour ends."""


class Changed(Exception):
    """The test gave the server another behaviour: it takes this request."""


class Conn:
    """One accepted connection, as a behaviour sees it."""

    def __init__(self, server, sock, number):
        self.server = server
        self.socket = sock
        self.number = number  # of this connection, from 1
        self.behaviour = server.behaviour
        self.buffer = b""

    def read_request(self):
        """The next request head, recorded; Gone if none comes any more."""
        while b"\r\n\r\n" not in self.buffer:
            self.wait_readable()
            try:
                data = self.socket.recv(65536)
            except (OSError, ssl.SSLError) as error:
                raise Gone(str(error)) from error
            if not data:
                raise Gone("closed")
            self.buffer += data
        if self.behaviour is not self.server.behaviour:
            raise Changed
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.server.record(head + b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def wait_readable(self):
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return
        if self.server.stop_fd in readable(self.socket, self.server.stop_fd):
            raise Gone("server stops")

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (OSError, ssl.SSLError) as error:
            raise Gone(str(error)) from error

    def pause(self, seconds):
        """Passes time, as a slow exporter does."""
        if readable(self.server.stop_fd, seconds=seconds):
            raise Gone("server stops")

    def dribble(self, data, interval, size=1):
        for start in range(0, len(data), size):
            self.send(data[start:start + size])
            self.pause(interval)

    def hold(self):
        """Says nothing more until the gate goes away or the test ends."""
        while True:
            self.wait_readable()
            try:
                if not self.socket.recv(65536):
                    raise Gone("closed")
            except (OSError, ssl.SSLError) as error:
                raise Gone(str(error)) from error

    def wait(self, event):
        """Goes on when the test sets the event."""
        while not event.wait(0.02):
            if self.server.is_stopping:
                raise Gone("server stops")

    def reset(self):
        """An RST instead of a FIN."""
        raw = self.socket
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       struct.pack("ii", 1, 0))
        if isinstance(raw, ssl.SSLSocket):
            raw = socket.socket(fileno=raw.detach())
        raw.close()
        raise Gone("reset by behaviour")

    def finish(self):
        """A FIN behind the last byte, and nothing lost on the way."""
        raw = self.socket
        if isinstance(raw, ssl.SSLSocket):
            raw = socket.socket(fileno=raw.detach())
            self.socket = raw
        try:
            raw.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Gone(str(error)) from error
        self.hold()


class Faultd:
    """Listens at once; behaves as told.  `address` is (host, port)."""

    def __init__(self, behaviour, host="127.0.0.1", unix_path=None, tls=None,
                 backlog=128, receive_buffer=None, port=0):
        self.behaviour = behaviour
        self.tls = tls
        self.zoo = None  # where behaviours take their certificates from
        self.unix_path = unix_path
        self.lock = threading.Lock()
        self.requests = []
        self.connections = 0
        self.errors = []
        self.is_stopping = False
        self.is_rude = False
        self.stop_fd, self.stop_write_fd = os.pipe()
        if unix_path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix_path)
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.listener = socket.socket(family)
            self.listener.setsockopt(socket.SOL_SOCKET,
                                     socket.SO_REUSEADDR, 1)
            if receive_buffer:
                self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                         receive_buffer)
            self.listener.bind((host, port))
            self.address = self.listener.getsockname()[:2]
        self.threads = []
        if backlog is not None:
            self.listen(backlog)

    def listen(self, backlog=128):
        """Separate so that a port can be held without being served."""
        self.listener.listen(backlog)
        thread = threading.Thread(target=self.accept_all, daemon=True)
        thread.start()
        self.threads.append(thread)

    @property
    def netloc(self):
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def url(self):
        if self.unix_path:
            return f"unix:{self.unix_path}:/metrics"
        return f"{'https' if self.tls else 'http'}://{self.netloc}/metrics"

    def record(self, head):
        with self.lock:
            self.requests.append(head)

    @property
    def request_count(self):
        with self.lock:
            return len(self.requests)

    def accept_all(self):
        self.listener.setblocking(False)
        while True:
            if self.stop_fd in readable(self.listener, self.stop_fd):
                return
            try:
                sock, _ = self.listener.accept()
            except OSError:
                continue
            sock.setblocking(True)
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.serve, args=(sock, number),
                             daemon=True).start()

    def serve(self, sock, number):
        try:
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self.tls  # which the test may change meanwhile
            if tls is not None:
                sock = self.shake_hands(sock, tls)
        except OSError:
            sock.close()
            return
        conn = Conn(self, sock, number)
        try:
            self.behave(conn)
        except Gone:
            pass
        except Exception as error:  # shown by stop()
            with self.lock:
                self.errors.append(repr(error))
        finally:
            try:
                conn.socket.close()
            except OSError:
                pass

    @staticmethod
    def behave(conn):
        while True:
            try:
                conn.behaviour(conn)
                return
            except Changed:
                conn.behaviour = conn.server.behaviour

    def shake_hands(self, sock, tls):
        """A failed handshake ends politely: the alert is out and is not
        overtaken by a reset, unless `is_rude`."""
        try:
            wrapped = tls.wrap_socket(sock, server_side=True,
                                      do_handshake_on_connect=False)
            sock = wrapped
            wrapped.do_handshake()
            return wrapped
        except (OSError, ssl.SSLError):
            raw = sock
            if isinstance(sock, ssl.SSLSocket):
                raw = socket.socket(fileno=sock.detach())
            if not self.is_rude:
                raw.settimeout(10)
                try:
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
                except OSError:
                    pass
            raw.close()
            raise

    def stop(self):
        self.is_stopping = True
        os.write(self.stop_write_fd, b"x")
        for thread in self.threads:
            thread.join(10)
        self.listener.close()
        assert not self.errors, f"behaviour broke: {self.errors}"


# Behaviours.  Each is a function that returns the behaviour.

def good(body=GOOD_BODY, content_type=TEXT, extra=()):
    """Serves the same good answer for ever, kept alive."""
    def behave(conn):
        while True:
            conn.read_request()
            conn.send(ok(body, content_type, extra))
    return behave


def say(data):
    """Reads the request, sends exactly these bytes, then a FIN."""
    def behave(conn):
        conn.read_request()
        conn.send(data)
        conn.finish()
    return behave


# Closed behind the answer: the next scrape meets a connection of its own.
GOOD_ONCE = say(ok(extra=["Connection: close"]))


def say_and_keep(data):
    """As say(), but leaves the connection open."""
    def behave(conn):
        conn.read_request()
        conn.send(data)
        conn.hold()
    return behave


def say_and_reset(data):
    def behave(conn):
        conn.read_request()
        if data:
            conn.send(data)
        conn.reset()
    return behave


def silent(conn):
    """Takes the request and never answers."""
    conn.read_request()
    conn.hold()


def never_read(conn):
    """Accepts and does nothing at all."""
    conn.pause(3600)


def close_at_once(conn):
    del conn


def reset_at_once(conn):
    conn.reset()


def answer_when(event, body=GOOD_BODY):
    """Holds every answer back until the event is set."""
    def behave(conn):
        while True:
            conn.read_request()
            conn.wait(event)
            conn.send(ok(body))
    return behave


def answer_after(seconds, body=GOOD_BODY):
    """Takes its time for each answer."""
    def behave(conn):
        while True:
            conn.read_request()
            conn.pause(seconds)
            conn.send(ok(body))
    return behave


def dribble(head, tail, interval, size=1):
    """Sends `head` at once and `tail` piece by piece."""
    def behave(conn):
        conn.read_request()
        conn.send(head)
        conn.dribble(tail, interval, size)
        conn.hold()
    return behave


def endless(head, piece):
    """Sends `piece` until nobody reads any more."""
    def behave(conn):
        conn.read_request()
        conn.send(head)
        while not conn.server.is_stopping:
            conn.send(piece)
    return behave
