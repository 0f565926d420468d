"""One upstream answer for all who ask for the same."""

import asyncio
import threading
import time

import pytest

from arrivals import wait_until_all_arrived
from faultd import GOOD_BODY, Gone, answer_when, good, ok, say
from wire import fetch, request_bytes, wait_for

pytestmark = pytest.mark.threads

FOREVER = {"cache": {"ttl": "1h", "once_per_scraper": False}}


class Waiters:
    """Scrapes on threads of their own."""

    def __init__(self):
        self.threads = []
        self.answers = {}

    def start(self, name, gate, **options):
        def run():
            self.answers[name] = gate.get(**options)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def join(self):
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        return self.answers


async def scrape_many(gate, count, all_sent, headers):
    """`count` connections, one request each; all_sent() when all are out."""
    limit = asyncio.Semaphore(50)  # handshakes at a time
    host, port = gate.address

    async def connect():
        async with limit:
            reader, writer = await asyncio.open_connection(
                host, port, ssl=gate.tls, server_hostname="localhost")
            writer.write(request_bytes("/metrics", headers))
            await writer.drain()
            return reader, writer

    async def read(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in
                      head.split(b"\r\n")[1:-2])
        body = await reader.readexactly(int(fields[b"Content-Length"]))
        writer.close()
        return head.split(b"\r\n")[0], body

    pairs = await asyncio.gather(*[connect() for _ in range(count)])
    await asyncio.get_running_loop().run_in_executor(None, all_sent)
    return await asyncio.gather(*[read(*pair) for pair in pairs])


def test_h37_a_thousand_scrapes_are_one_request(lab):
    """Also with no ttl: whoever comes while the exporter works shares."""
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter, secure=True)

    def all_sent():
        wait_until_all_arrived(gate)
        wait_for(lambda: exporter.request_count, what="the request")
        assert exporter.request_count == 1
        released.set()
    answers = asyncio.run(scrape_many(
        gate, 1000, all_sent,
        {"X-Prometheus-Scrape-Timeout-Seconds": "100"}))
    assert set(answers) == {(b"HTTP/1.1 200 OK", GOOD_BODY)}
    assert exporter.request_count == 1
    assert gate.metric("scrapegate_requests_total", target="node",
                       cache="miss") == 1
    assert gate.metric("scrapegate_requests_total", target="node",
                       cache="shared") == 999
    wait_for(lambda: gate.metric("scrapegate_scrapes_total", target="node",
                                 reason="ok") == 1, what="one attempt")


def test_a_thousand_scrapes_share_one_failure(lab):
    released = threading.Event()

    def behave(conn):
        conn.read_request()
        conn.wait(released)
        conn.send(ok(b"sorry\n", status="500 Internal Server Error"))
        conn.hold()
    exporter = lab.faultd(behave)
    gate = lab.gate(exporter, secure=True)

    def all_sent():
        wait_until_all_arrived(gate)
        released.set()
    answers = asyncio.run(scrape_many(
        gate, 300, all_sent, {"X-Prometheus-Scrape-Timeout-Seconds": "100"}))
    assert {line.split(b":")[0] for line, _ in answers} == {
        b"HTTP/1.1 502 http_server_error"}
    assert exporter.request_count == 1


def test_without_ttl_each_scrape_is_fresh(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    for number in (1, 2, 3):
        answer = gate.get()
        assert answer.header("Age") is None
        assert exporter.request_count == number


def test_ttl_serves_all_from_one_answer(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, secure=True, target=FOREVER)
    first = gate.get()
    assert first.header("Age") is None
    for _ in range(5):
        answer = gate.get()
        assert answer.body == first.body
        assert int(answer.header("Age")) >= 0
    assert exporter.request_count == 1
    assert gate.metric("scrapegate_requests_total", cache="hit") == 5
    assert gate.metric("scrapegate_requests_total", cache="miss") == 1


def numbered(conn):
    """Each answer says which one it is."""
    while True:
        conn.read_request()
        conn.send(ok(b"answer %d\n" % conn.server.request_count))


def test_once_per_scraper_saves_an_ha_pair_one_scrape(lab):
    """Two addresses share each answer, and neither gets one twice."""
    exporter = lab.faultd(numbered)
    gate = lab.gate(exporter, target={"cache": {"ttl": "1h"}})
    one, two = "127.0.0.2", "127.0.0.3"
    seen = [gate.get(source=source).body
            for source in (one, two, one, two, two, one)]
    assert seen == [b"answer 1\n", b"answer 1\n", b"answer 2\n",
                    b"answer 2\n", b"answer 3\n", b"answer 3\n"]
    assert exporter.request_count == 3


def test_ttl_ends(lab):
    exporter = lab.faultd(numbered)
    gate = lab.gate(exporter, target={
        "cache": {"ttl": "1s", "once_per_scraper": False}})
    assert gate.get().body == b"answer 1\n"
    wait_for(lambda: gate.get().body == b"answer 2\n", 20, "a new answer")


def test_age_grows(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, target=FOREVER)
    gate.get()
    wait_for(lambda: int(gate.get().header("Age")) >= 1, 20, "Age of 1 s")
    assert exporter.request_count == 1


def test_key_is_query_and_accept(lab):
    """What changes the exporter's bytes is another answer; the rest not."""
    exporter = lab.faultd(numbered)
    gate = lab.gate(exporter, target=FOREVER)
    openmetrics = {"Accept": "application/openmetrics-text;version=1.0.0"}
    base = gate.get().body
    assert gate.get(headers=openmetrics).body == b"answer 2\n"
    assert gate.get(headers={"Accept": "text/plain"}).body == b"answer 3\n"
    # A scraper's own query is never kept, but must not disturb the key.
    assert gate.get("/metrics?collect[]=cpu").body == b"answer 4\n"
    for extra in ({"Accept-Encoding": "gzip"}, {"User-Agent": "other"},
                  {"X-Prometheus-Scrape-Timeout-Seconds": "7"},
                  {"Authorization": "Bearer x"}, {"Cookie": "a=b"}):
        assert gate.get(headers=extra).text.encode() == base
    assert gate.get(headers=openmetrics).body == b"answer 2\n"
    assert exporter.request_count == 4


def test_concurrent_scrapes_with_other_keys_do_not_share(lab):
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter)
    waiters = Waiters()
    for number, (path, headers) in enumerate([
            ("/metrics", {}), ("/metrics", {"Accept": "text/plain"}),
            ("/metrics?collect[]=cpu", {}), ("/metrics?collect[]=mem", {})]):
        waiters.start(number, gate, path=path, headers=headers, timeout=60)
    wait_for(lambda: exporter.request_count == 4, what="four requests")
    released.set()
    assert {answer.status for answer in waiters.join().values()} == {200}


def test_gzip_and_identity_share_an_attempt(lab):
    released = threading.Event()
    body = GOOD_BODY * 20
    exporter = lab.faultd(answer_when(released, body))
    gate = lab.gate(exporter, secure=True)
    connections = [gate.connect() for _ in range(10)]
    for number, connection in enumerate(connections):
        coding = "gzip" if number % 2 else "identity"
        connection.send(request_bytes("/metrics", {
            "Accept-Encoding": coding,
            "X-Prometheus-Scrape-Timeout-Seconds": "60"}))
    wait_until_all_arrived(gate)
    released.set()
    for number, connection in enumerate(connections):
        answer = connection.answer()
        packed = answer.header("Content-Encoding") == "gzip"
        assert packed == bool(number % 2)
        assert answer.text.encode() == body
        connection.close()
    assert exporter.request_count == 1


def test_waiter_that_goes_away_harms_nobody(lab):
    """The first one, whose request began the attempt, leaves."""
    released = threading.Event()
    dropped = threading.Event()

    def behave(conn):
        conn.read_request()
        try:
            conn.wait(released)
            conn.send(ok())
            conn.hold()
        except Gone:
            if not released.is_set():
                dropped.set()
            raise
    exporter = lab.faultd(behave)
    gate = lab.gate(exporter, secure=True)
    leaver, *stayers = [gate.connect() for _ in range(7)]
    patient = request_bytes(
        "/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "100"})
    leaver.send(patient)
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    # None comes late: it would be an attempt of its own.
    for stayer in stayers:
        stayer.send(patient)
    wait_until_all_arrived(gate)
    before = gate.open_fds()
    leaver.close()
    wait_for(lambda: gate.open_fds() < before, what="one connection less")
    wait_until_all_arrived(gate)
    released.set()
    for stayer in stayers:
        answer = stayer.answer()
        assert (answer.status, answer.body) == (200, GOOD_BODY)
        stayer.close()
    assert not dropped.is_set()


def test_each_waiter_has_its_own_deadline(lab):
    """Three scrapers with 1, 2 and 60 s wait for one attempt that never
    comes for the first two."""
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter)
    waiters = Waiters()
    waiters.start("patient", gate, timeout=60)
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    for seconds in (1, 2):
        waiters.start(seconds, gate, timeout=seconds)
    wait_for(lambda: {1, 2} <= set(waiters.answers), what="both to time out")
    for seconds in (1, 2):
        answer = waiters.answers[seconds]
        assert answer.status == 504
        assert answer.header("X-Scrapegate-Reason") == "timeout_headers"
        assert answer.seconds > 0.85 * seconds
    assert "patient" not in waiters.answers
    released.set()
    assert waiters.join()["patient"].body == GOOD_BODY
    assert exporter.request_count == 1


def test_impatient_first_does_not_end_the_attempt(lab):
    """The attempt lives as long as anybody waits, not as its first asker."""
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter, secure=True)
    waiters = Waiters()
    waiters.start("first", gate, timeout=6)
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    waiters.start("second", gate, timeout=12)
    wait_for(lambda: "first" in waiters.answers, what="the first to give up")
    assert waiters.answers["first"].status == 504
    released.set()
    assert waiters.join()["second"].body == GOOD_BODY
    assert exporter.request_count == 1


def test_a_much_shorter_attempt_is_not_joined(lab):
    """Its exporter was told to hurry: the answer might be cut short."""
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter, secure=True)
    waiters = Waiters()
    waiters.start("hasty", gate, timeout=20)
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    waiters.start("patient", gate, timeout=100)
    wait_for(lambda: exporter.request_count == 2, what="another attempt")
    released.set()
    answers = waiters.join()
    assert answers["hasty"].body == answers["patient"].body == GOOD_BODY


def test_no_header_means_the_configured_timeout(lab):
    exporter = lab.faultd(lambda conn: (conn.read_request(), conn.hold()))
    gate = lab.gate(exporter, target={"scrape_timeout": "1s"})
    answer = gate.get()
    assert answer.status == 504
    assert answer.seconds > 0.85


def test_timeout_is_capped(lab):
    exporter = lab.faultd(lambda conn: (conn.read_request(), conn.hold()))
    gate = lab.gate(exporter, target={"max_scrape_timeout": "1s"})
    answer = gate.get(timeout=3600)
    assert answer.status == 504


@pytest.mark.parametrize("late_finish", [0, "10x"])
def test_late_answer_is_not_given_to_the_next_scrape(lab, late_finish):
    """The answer of a scrape that timed out may come at any later time."""
    first_done = threading.Event()

    def behave(conn):
        conn.read_request()
        if conn.number == 1:
            conn.wait(first_done)
            conn.send(ok(b"late 1\n"))
            conn.read_request()
        while True:
            conn.send(ok(b"fresh 1\n"))
            conn.read_request()
    exporter = lab.faultd(behave)
    gate = lab.gate(exporter, target={"late_finish": late_finish})
    assert gate.get(timeout=1).status == 504
    first_done.set()
    for _ in range(5):
        assert gate.get().body in (b"fresh 1\n",)


def test_many_scrapers_of_changing_answers(lab):
    """Threads that scrape as fast as they can, keep-alive, three targets of
    one gate with two workers; every answer is whole."""
    bodies = [b"node_%d 1\n" % number * (number * 2000 + 1)
              for number in range(3)]
    exporters = [lab.faultd(good(body)) for body in bodies]
    gate = lab.gate(secure=True, config={"workers": 2, "targets": [
        {"name": f"t{number}", "url": exporter.url, "cache": {
            "ttl": "10ms", "once_per_scraper": False}}
        for number, exporter in enumerate(exporters)]})
    problems = []

    def scrape(seed):
        try:
            with gate.connect() as connection:
                for step in range(40):
                    number = (seed + step) % 3
                    coding = "gzip" if (seed + step) % 2 else "identity"
                    answer = connection.get(
                        f"/metrics/t{number}", {"Accept-Encoding": coding})
                    if answer.text.encode() != bodies[number]:
                        problems.append(answer)
        except Exception as error:
            problems.append(error)
    threads = [threading.Thread(target=scrape, args=(seed,))
               for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[:3]


def test_clients_that_leave_while_others_scrape(lab):
    """Connections break off at random moments of shared attempts."""
    exporter = lab.faultd(lambda conn: answer_slowly(conn))
    gate = lab.gate(exporter, secure=True, config={"workers": 2})
    stop = threading.Event()

    def leave():
        while not stop.is_set():
            connection = gate.connect()
            connection.send(request_bytes("/metrics"))
            connection.close()
    threads = [threading.Thread(target=leave) for _ in range(4)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert gate.get().body == GOOD_BODY
    stop.set()
    for thread in threads:
        thread.join()


def answer_slowly(conn):
    while True:
        conn.read_request()
        conn.pause(0.02)
        conn.send(ok())


def test_gone_exporter_then_back(lab):
    """U59: refused and good in turn, single-flight all the while."""
    exporter = lab.faultd(say(b""))
    gate = lab.gate(exporter)
    for _ in range(10):
        exporter.behaviour = say(b"")
        assert gate.get().status == 502
        exporter.behaviour = good()
        assert gate.get().status == 200
    assert fetch(gate.address).status == 200


def test_the_budget_is_one_for_all(lab):
    """Many answers at a time do not add up beyond memory_budget."""
    body = b'big{n="%07d"} 1\n' % 1 * 50_000
    exporter = lab.faultd(good(body))
    gate = lab.gate(exporter, config={"memory_budget": "8MB"},
                    target={"cache": {"ttl": "1h"}})
    for n in range(60):
        assert gate.get(headers={"Accept": f"text/plain;n={n}"}).body == body
        # What another worker has not yet heard of is memory as well.
        wait_until_all_arrived(gate)
    with open(f"/proc/{gate.pid}/status", encoding="ascii") as status:
        rss = [line for line in status if line.startswith("VmRSS")]
    # Sanitizers multiply: without eviction this would be 60 MB and more.
    assert gate.metric("scrapegate_requests_total", code="503") == 0, rss
    first = gate.get(headers={"Accept": "text/plain;n=0"}, source="127.0.0.9")
    assert first.body == body
    assert exporter.request_count == 61, "the first was long evicted"


def test_too_much_for_the_budget(lab):
    body = b'big{n="%07d"} 1\n' % 1 * 500_000
    gate = lab.gate(lab.faultd(good(body)), config={"memory_budget": "8MB"})
    answer = gate.get()
    assert answer.status == 503
    assert answer.header("X-Scrapegate-Reason") == "memory_budget_exceeded"
    assert answer.header("Retry-After")
