"""How many connections, and how long each may take: what is over a limit is
closed, and everybody else is served."""

import os
import socket
import ssl
import threading
import time

import pytest

from faultd import GOOD_BODY, answer_when, good
from programs import split_address
from wire import Closed, Connection, fetch, request_bytes, wait_for

HEAD = request_bytes("/metrics", {
    "X-Prometheus-Scrape-Timeout-Seconds": "100"})
GUEST, OTHER = "127.0.0.9", "127.0.0.10"


def is_closed(connection):
    """Has the gate closed it?  Asked without waiting."""
    raw = connection.socket
    raw.settimeout(0)
    try:
        return raw.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        raw.settimeout(60)


def is_turned_away(gate, source):
    """Closed before anything was said, be it TLS or not."""
    try:
        with gate.connect(source, seconds=30) as connection:
            connection.send(HEAD)
            return not connection.receive()
    except (OSError, Closed):
        return True


@pytest.fixture(params=["plain", "tls"])
def secure(request):
    return request.param == "tls"


def limited(lab, exporter=None, secure=False, workers=None, **limits):
    config = {"connections": limits}
    if workers:
        config["workers"] = workers
    return lab.gate(exporter or lab.faultd(good()), secure=secure,
                    config=config)


@pytest.mark.threads
@pytest.mark.parametrize("workers", [1, 3])
def test_per_address(lab, secure, workers):
    gate = limited(lab, secure=secure, workers=workers, max_per_address=2)
    guests = [gate.connect(GUEST) for _ in range(2)]
    # Of several workers one may take the next before these are counted.
    for connection in guests:
        assert connection.get().body == GOOD_BODY
    for _ in range(5):
        assert is_turned_away(gate, GUEST)
    # The others notice nothing, nor do those that are in.
    assert gate.get(source=OTHER).body == GOOD_BODY
    for connection in guests:
        assert connection.get().body == GOOD_BODY
    assert gate.metric("scrapegate_connections_refused_total",
                       limit="max_per_address") == 5
    lines = [line for line in gate.log.splitlines()
             if 'msg="connection refused"' in line]
    assert 1 <= len(lines) <= workers
    assert f"limit=max_per_address peer={GUEST} " in lines[0]
    if secure:  # nobody's handshake has failed
        assert gate.metric("scrapegate_tls_handshakes_total") == gate.metric(
            "scrapegate_tls_handshakes_total", result="ok")
    guests[0].close()
    wait_for(lambda: not is_turned_away(gate, GUEST), what="room again")
    guests[1].close()


def test_a_unix_socket_has_no_address(lab, tmp_path):
    gate = lab.gate(lab.faultd(good()), config={
        "listen": [f"unix:{tmp_path}/g.sock"],
        "connections": {"max_per_address": 1}})
    held = [gate.connect() for _ in range(4)]
    for connection in held:
        assert connection.get().body == GOOD_BODY
        connection.close()


def test_per_listener(lab):
    gate = lab.gate(lab.faultd(good()), config={
        "listen": ["127.0.0.1:0", "127.0.0.2:0"],
        "connections": {"max_per_listener": 1}})
    other = wait_for(lambda: [
        split_address(line.split("address=")[1].split()[0])
        for line in gate.log.splitlines()
        if "role=gate address=127.0.0.2:" in line], what="both listen")[0]
    with gate.connect(GUEST) as held:
        assert held.get().body == GOOD_BODY
        assert is_turned_away(gate, OTHER)
        assert fetch(other, source=OTHER).body == GOOD_BODY
    assert gate.metric("scrapegate_connections_refused_total",
                       limit="max_per_listener") == 1
    wait_for(lambda: not is_turned_away(gate, OTHER), what="room again")


def test_a_reload_changes_limits(lab):
    """For connections made from then on; what is open counts, and stays."""
    gate = limited(lab)
    held = [gate.connect(GUEST) for _ in range(3)]
    text = gate.config_path.read_text()
    gate.config_path.write_text(text.replace(
        "connections: {}", "connections: {max_per_address: 3}"))
    assert gate.admin("/-/reload", method="POST").status == 200
    assert is_turned_away(gate, GUEST)
    for connection in held:
        assert connection.get().body == GOOD_BODY
    gate.config_path.write_text(text.replace(
        "connections: {}", "connections: {max_per_address: 4}"))
    assert gate.admin("/-/reload", method="POST").status == 200
    assert not is_turned_away(gate, GUEST)
    for connection in held:
        connection.close()


def test_the_oldest_idle_makes_room(lab, secure):
    gate = limited(lab, secure=secure, max=3)
    first, second, third = [gate.connect() for _ in range(3)]
    for connection in (second, third, first):  # now the youngest
        assert connection.get().body == GOOD_BODY
    with gate.connect() as fourth:
        assert fourth.get().body == GOOD_BODY
        wait_for(lambda: is_closed(second), what="the oldest closed")
        assert not is_closed(first) and not is_closed(third)
        assert gate.metric("scrapegate_connections") == 3
    for connection in (first, second, third):
        connection.close()


@pytest.mark.threads
@pytest.mark.parametrize("workers", [1, 3])
def test_while_all_are_busy_new_ones_wait(lab, workers):
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = limited(lab, exporter, workers=workers, max=4)
    busy = [gate.connect() for _ in range(4)]
    for connection in busy:
        connection.send(HEAD)
    wait_for(lambda: gate.metric("scrapegate_connections") == 4,
             what="all in")
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    late = [gate.connect() for _ in range(4)]
    for connection in late:
        connection.send(HEAD)
    # Each worker may have taken one on top before it saw that none is idle.
    time.sleep(0.5)
    assert gate.metric("scrapegate_connections") <= 4 + workers
    released.set()
    # Those that are answered are idle, and make room.
    for connection in busy + late:
        assert connection.answer().body == GOOD_BODY
    for connection in busy + late:
        connection.close()


# Deadlines.

class Clock:
    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, *_):
        self.took = time.monotonic() - self.start


def drip(connection, data, seconds):
    """A byte every half second, until the gate closes."""
    for byte in data:
        if is_closed(connection) or not connection.send(bytes([byte])):
            return
        time.sleep(0.5)
        seconds -= 0.5
        if seconds < 0:
            return


def hold_handshake(gate):
    """A ClientHello that comes in drops: no byte moves the deadline."""
    with Clock() as clock, Connection(gate.address) as connection:
        drip(connection, b"\x16\x03\x01\x02\x00\x01" + bytes(60), 20)
        connection.read_to_end()
    return clock.took


def hold_silent_handshake(gate):
    with Clock() as clock, Connection(gate.address) as connection:
        connection.read_to_end()
    return clock.took


def hold_head(gate):
    with gate.connect() as connection, Clock() as clock:
        drip(connection, b"GET /metrics HTTP/1.1\r\nX-A: " + b"a" * 60, 20)
        connection.read_to_end()
    return clock.took


def hold_second_head(gate):
    """The head behind an answer: its clock starts with its first byte."""
    with gate.connect() as connection:
        assert connection.get().status == 200
        time.sleep(2)
        with Clock() as clock:
            drip(connection, b"GET /metrics HTTP/1.1\r\nX-A: " + b"a" * 60,
                 20)
            connection.read_to_end()
    return clock.took


@pytest.mark.parametrize("hold, secure", [
    (hold_handshake, True), (hold_silent_handshake, True),
    (hold_head, False), (hold_head, True),
    (hold_second_head, False), (hold_second_head, True)],
    ids=["handshake, bytes", "handshake, silent", "H21 head, plain",
         "H21 head, TLS", "H21 second head, plain",
         "H21 second head, TLS"])
def test_deadline(lab, hold, secure):
    """Five seconds.  Were it moved by bytes, it would take more than 20."""
    gate = lab.gate(lab.faultd(good()), secure=secure)
    assert 4.5 <= hold(gate) <= 15
    assert gate.get().body == GOOD_BODY


class StalledReader:
    """Asks, and takes next to nothing."""

    def __init__(self, gate, tls=None):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.connect(gate.address)
        if tls:
            self.socket = tls.wrap_socket(self.socket,
                                          server_hostname="localhost")
        self.socket.sendall(request_bytes(
            "/metrics", {"Connection": "close"}))

    def close(self):
        self.socket.close()


def test_h22_write_stall(lab, secure):
    """Ten seconds without progress, and the readers are gone with what was
    kept for them, which until then counts."""
    body = b"demo_up 1\n" * 700_000
    gate = lab.gate(lab.faultd(good(body)), secure=secure,
                    config={"memory_budget": "12MB"},
                    target={"stream_above": 0})
    assert gate.get().body == body
    with Clock() as clock:
        readers = [StalledReader(gate, gate.tls) for _ in range(8)]
        # So do those among them that do not share the first one's answer.
        wait_for(lambda: gate.get().header("X-Scrapegate-Reason")
                 == "memory_budget_exceeded", what="the budget taken")
        wait_for(lambda: gate.metric("scrapegate_connections") == 0, 40,
                 "all cut")
    assert clock.took >= 9
    wait_for(lambda: gate.get().body == body, what="the budget given back")
    for reader in readers:
        reader.close()


# What a connection may cost that is of no use any more.

def cpu_seconds(gate):
    with open(f"/proc/{gate.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_idle(gate):
    """Does it need at most 5 % of a CPU?"""
    before = cpu_seconds(gate)
    time.sleep(2)
    return cpu_seconds(gate) - before <= 0.1


def half_closed(gate, exporter):
    connection = gate.connect()
    connection.send(HEAD)
    wait_for(lambda: exporter.request_count > 0, what="the attempt")
    raw = connection.socket
    if isinstance(raw, ssl.SSLSocket):
        raw = socket.socket(fileno=os.dup(raw.fileno()))
    raw.shutdown(socket.SHUT_WR)
    return connection


def half_closed_idle(gate, _):
    connection = gate.connect()
    connection.socket.shutdown(socket.SHUT_WR)
    return connection


def reset(gate, exporter):
    connection = gate.connect()
    connection.send(HEAD)
    wait_for(lambda: exporter.request_count > 0, what="the attempt")
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
    connection.close()
    return connection


def more_is_sent(gate, exporter):
    """Goes on sending while it is answered: the gate stops reading."""
    connection = gate.connect()
    connection.send(HEAD)
    wait_for(lambda: exporter.request_count > 0, what="the attempt")
    connection.socket.settimeout(0.5)
    try:
        for _ in range(200):
            connection.socket.sendall(HEAD * 100)
    except OSError:
        pass
    return connection


def refused_and_held(gate, _):
    """Sent something bad, was told so, and does not close."""
    connection = gate.connect()
    connection.send(b"GET /metrics HTTP/9.9\r\n\r\n")
    return connection


@pytest.mark.parametrize("state", [half_closed, half_closed_idle, reset,
                                   more_is_sent, refused_and_held])
def test_dead_descriptors_cost_nothing(lab, state, secure):
    """However many there are, once what they have sent is read."""
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter, secure=secure)
    held = [state(gate, exporter) for _ in range(10)]
    wait_for(lambda: is_idle(gate), 6, "an idle gate")
    released.set()
    for connection in held:
        connection.close()


def test_stalled_readers_cost_nothing(lab, secure):
    body = b"demo_up 1\n" * 700_000
    gate = lab.gate(lab.faultd(good(body)), secure=secure)
    readers = [StalledReader(gate, gate.tls) for _ in range(8)]
    wait_for(lambda: gate.metric("scrapegate_scrapes_total",
                                 reason="ok") > 0, what="an answer")
    # Once they are cut it is too late to see what they cost.
    wait_for(lambda: is_idle(gate)
             and gate.metric("scrapegate_connections") > 0,
             what="an idle gate")
    for reader in readers:
        reader.close()


def worker_ticks(gate):
    """CPU time of each thread that serves."""
    ticks = []
    for task in os.listdir(f"/proc/{gate.pid}/task"):
        try:
            with open(f"/proc/{gate.pid}/task/{task}/stat",
                      encoding="ascii") as stat:
                head, _, rest = stat.read().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue  # one that looked for the exporter, and is done
        if head.endswith("(worker"):
            fields = rest.split()
            ticks.append(int(fields[11]) + int(fields[12]))
    return ticks


def test_workers_share_the_load(lab):
    """One listening descriptor for all: no worker is left out, and none does
    it alone.  Who accepts is a race, so one that the kernel lets rest for a
    while has its share later."""
    gate = limited(lab, workers=3, secure=True)
    wait_for(lambda: len(worker_ticks(gate)) == 3, what="the threads' names")
    before = worker_ticks(gate)

    def scrape():
        for _ in range(60):
            handshakes.append(gate.get().status)

    for _ in range(6):
        handshakes = []
        scrapers = [threading.Thread(target=scrape) for _ in range(6)]
        for each in scrapers:
            each.start()
        for each in scrapers:
            each.join()
        assert handshakes == [200] * 360
        used = [after - start
                for start, after in zip(before, worker_ticks(gate))]
        if min(used) > 0 and max(used) < 0.8 * sum(used):
            return
    raise AssertionError(used)


# What strangers can make the gate do.

def test_h40_strangers_do_not_fill_the_log(lab):
    """Whatever is refused is counted, and a few of them are told."""
    users = {"alice": "$2y$04$abcdefghijklmnopqrstuuP8rY8xVbNQzB2r0Yb1Z8s2k8u"
                      "8Vq0Gi"}
    gate = lab.gate(lab.faultd(good()), secure=True,
                    config={"basic_auth_users": users})
    before = gate.log.count("\n")
    payloads = [HEAD, request_bytes("/nope"), b"garbage\r\n\r\n",
                request_bytes("/metrics", method="POST"),
                request_bytes("/metrics", {"Authorization": "Basic !"})]
    for number in range(300):
        with gate.connect() as connection:
            connection.send(payloads[number % len(payloads)])
            assert connection.answer().status >= 400
    for number in range(100):
        with Connection(gate.address) as connection:
            connection.send(b"\x16\x03\x01" + bytes([number]) * 50)
    assert sum(value for (name, _), value in gate.metrics().items()
               if name == "scrapegate_refusals_total") >= 240
    assert gate.log.count("\n") - before <= 30


@pytest.mark.parametrize("payload", [
    request_bytes("/metrics", [("a", "")] * 90),
    request_bytes("/metrics", {"Accept": "a/b;q=0.1," * 1500}),
    request_bytes("/metrics", {"X": "y" * 16000}),
    request_bytes("/metrics?" + "&".join(["collect[]=%25"] * 250)),
    b"GET /" + b"%2e" * 1300 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\0" * 16000 + b"\r\n\r\n"],
    ids=["headers", "Accept", "one header", "query", "path", "zeros"])
def test_h41_amplification(lab, payload):
    """No request costs more than a hundred times the CPU time that its sender
    spends.  (A sanitizer's build needs more than that of a release.)"""
    gate = lab.gate(lab.faultd(good(b"x 1\n")),
                    target={"cache": {"ttl": "1h",
                                      "once_per_scraper": False}})
    gate.get()
    before, mine = cpu_seconds(gate), time.process_time()
    for _ in range(100):
        with gate.connect() as connection:
            connection.send(payload)
            connection.answer()
    spent = time.process_time() - mine
    assert cpu_seconds(gate) - before <= 100 * spent
