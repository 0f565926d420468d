"""What is wrong although no scrape fails: nobody comes, scrapers disagree, or
there is a way around the gate."""

import itertools
import re
import socket
import threading
import time

import pytest

from faultd import Faultd, good
from wire import request_bytes, wait_for

pytestmark = pytest.mark.threads

METRIC = "scrapegate_target_notice_info"
# So long that a scrape which comes 2 s late is not yet a missed one.
INTERVAL = 1.5


def notices(gate, name="node"):
    return {each["id"]: each for each in gate.target(name)["scrapeNotices"]}


def lines(gate, msg, notice):
    return [line for line in gate.log.splitlines()
            if f'msg="{msg}"' in line and f"notice={notice}" in line]


def scrape_every(gate, seconds, times, source=None):
    """As Prometheus does: at the same phase, whatever a scrape takes."""
    start = time.monotonic()
    for count in range(times):
        time.sleep(max(0, start + count * seconds - time.monotonic()))
        assert gate.get(source=source).status == 200


def scrape_until(gate, is_done, seconds, source=None):
    """At least one scrape, and none behind the one that was enough."""
    start = time.monotonic()
    for count in itertools.count():
        time.sleep(max(0, start + count * seconds - time.monotonic()))
        assert gate.get(source=source).status == 200
        if is_done():
            return
        assert time.monotonic() - start < 90


def interval_shown(gate):
    """Seconds; 0 before it is known."""
    return sum(int(number) / {"ms": 1000, "s": 1}[unit] for number, unit in
               re.findall(r"(\d+)(ms|s)", gate.target()["scrapeInterval"]))


def scrape_until_known(gate, seconds=INTERVAL):
    """A scrape that comes late confirms nothing: more follow it."""
    scrape_until(gate, lambda: interval_shown(gate), seconds)


def assert_near(text, seconds):
    """What counts as the same interval differs by a fifth at most."""
    assert 0.75 * seconds < float(text) < 1.25 * seconds


def assert_told(gate, notice):
    """In the API, the metrics, the page and the log: once each."""
    told = notices(gate)[notice]
    assert set(told) == {"id", "words", "cause", "fix", "evidence", "since"}
    for key in ["words", "cause", "fix", "evidence"]:
        assert told[key]
    assert {each["kind"] for each in told["evidence"]} <= {
        "measured", "inferred", "unknown"}
    assert gate.metric(METRIC, target="node", notice=notice) == 1
    assert f'"/reasons#{notice}"' in gate.admin("/targets").text
    assert len(lines(gate, "target notice", notice)) == 1
    assert not lines(gate, "target notice over", notice)
    return told


def assert_over(gate, notice):
    wait_for(lambda: notice not in notices(gate), what=f"{notice} to be over")
    assert (METRIC, (("notice", notice), ("target", "node"))) \
        not in gate.metrics()
    assert len(lines(gate, "target notice over", notice)) == 1


# Answers that are kept take a scraper nowhere near an exporter, and count.
@pytest.mark.parametrize("keys", [
    {}, {"cache": {"ttl": "1h", "once_per_scraper": False}}],
    ids=["fetched", "kept"])
def test_nobody_scrapes_any_more(lab, keys):
    gate = lab.gate(lab.faultd(), keys)
    scrape_until_known(gate)
    assert not notices(gate)
    wait_for(lambda: notices(gate), what="the notice")
    told = assert_told(gate, "not_scraped")
    words = re.fullmatch("nobody scrapes it any more; before, a scrape came "
                         "every ([0-9.]+) s", told["words"])
    assert_near(words.group(1), INTERVAL)
    assert "127.0.0.1" in told["evidence"][0]["text"]
    assert interval_shown(gate) == float(words.group(1))
    assert gate.target()["health"] == "up"
    gate.get()
    assert_over(gate, "not_scraped")


def test_a_scraper_that_does_not_get_in_any_more(lab):
    """The likeliest cause stands in the evidence: counted, not guessed."""
    gate = lab.gate(lab.faultd(), secure=True)
    scrape_until_known(gate)
    assert not notices(gate)  # by then it has heard of the last one
    with socket.create_connection(gate.address) as sock:
        sock.sendall(request_bytes("/metrics"))  # plain HTTP
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass  # it may have closed before all of that had come
    assert gate.get("/metrics/nothing").status == 404
    wait_for(lambda: notices(gate), what="the notice")
    seen = [each["text"] for each in notices(gate)["not_scraped"]["evidence"]
            if each["kind"] == "measured"]
    assert any("at least 1 TLS handshakes failed meanwhile" in each
               for each in seen), seen
    assert any("refused at least 1 requests meanwhile" in each
               for each in seen), seen


def test_who_comes_in_time_is_not_missed(lab):
    gate = lab.gate(lab.faultd(), {"cache": {"ttl": "1h",
                                             "once_per_scraper": False}})
    seconds = 2 * INTERVAL
    scrape_until_known(gate, seconds)
    time.sleep(2 * seconds)
    scrape_every(gate, 2 * seconds, 3)  # every second one is lost
    assert not lines(gate, "target notice", "not_scraped")


def test_scrapers_that_differ(lab):
    gate = lab.gate(lab.faultd())

    def is_told():
        return "scrapers_differ" in notices(gate)
    threads = [
        threading.Thread(target=scrape_until, args=[gate, is_told, INTERVAL,
                                                    "127.0.0.2"]),
        threading.Thread(target=scrape_until, args=[gate, is_told,
                                                    2 * INTERVAL,
                                                    "127.0.0.3"])]
    for thread in threads:
        thread.start()
    wait_for(is_told, 90, "the notice")
    told = assert_told(gate, "scrapers_differ")
    for thread in threads:
        thread.join()
    words = re.fullmatch(r"scraped every ([0-9.]+) s by 127\.0\.0\.2, but "
                         r"every ([0-9.]+) s by 127\.0\.0\.3", told["words"])
    assert_near(words.group(1), INTERVAL)
    assert_near(words.group(2), 2 * INTERVAL)
    # One gives in, as whoever sees that would have it.
    scrape_until(gate, lambda: not is_told(), INTERVAL, "127.0.0.2")
    assert_over(gate, "scrapers_differ")


def test_a_pair_does_not_differ(lab):
    gate = lab.gate(lab.faultd(), {"cache": {"ttl": "100ms"}},
                    config={"workers": 2})
    threads = [threading.Thread(target=scrape_every,
                                args=[gate, INTERVAL, 6, f"127.0.0.{n}"])
               for n in (2, 3)]
    for thread in threads:
        thread.start()
        time.sleep(INTERVAL / 3)
    for thread in threads:
        thread.join()
    assert not notices(gate)


def own_addresses(namespace, *addresses):
    for address in addresses:
        flag = "nodad" if ":" in address else ""
        namespace.run(f"ip addr add {address} dev lo {flag}")


@pytest.mark.parametrize("host, found", [
    ("0.0.0.0", "10.99.0.1:{port}"),
    ("::", "10.99.0.1:{port}, [2001:db8::5]:{port}"),
    ("127.0.0.1", None),
])
def test_a_way_around_the_gate(lab, host, found):
    namespace = lab.namespace()
    own_addresses(namespace, "10.99.0.1/32", "2001:db8::5/128")
    exporter = lab.keep(namespace.call(lambda: Faultd(good(), host=host)))
    port = exporter.address[1]
    gate = lab.gate(f"http://127.0.0.1:{port}/metrics",
                    prefix=namespace.prefix, call=namespace.call)
    if found is None:
        assert gate.get().status == 200
        wait_for(lambda: exporter.request_count, what="the scrape")
        assert not notices(gate)
        return
    wait_for(lambda: notices(gate), what="the notice")
    told = assert_told(gate, "upstream_exposed")
    at = found.format(port=port)
    assert told["words"] == f"port {port} answers around the gate, at {at}"
    assert f"127.0.0.1:{port}" in told["fix"]
    # Closed, and looked at again.
    for address in ["10.99.0.1/32", "2001:db8::5/128"]:
        namespace.run(f"ip addr del {address} dev lo")
    assert gate.admin("/-/reload", method="POST").status == 200
    assert_over(gate, "upstream_exposed")


def test_an_exporter_that_comes_later(lab):
    """Looked at when it first answers, for it was not there at the start."""
    namespace = lab.namespace()
    own_addresses(namespace, "10.99.0.1/32")
    exporter = lab.keep(namespace.call(lambda: Faultd(
        good(), host="0.0.0.0", backlog=None)))
    port = exporter.address[1]
    gate = lab.gate(f"http://127.0.0.1:{port}/metrics",
                    prefix=namespace.prefix, call=namespace.call)
    assert gate.get().status == 502
    assert not notices(gate)
    namespace.call(exporter.listen)
    assert gate.get().status == 200
    wait_for(lambda: notices(gate), what="the notice")
    assert_told(gate, "upstream_exposed")


def test_only_loopback_is_looked_at(lab):
    """An exporter elsewhere is meant to be reached there; and the gate does
    not take itself for one."""
    namespace = lab.namespace()
    own_addresses(namespace, "10.99.0.1/32")
    exporter = lab.keep(namespace.call(lambda: Faultd(good(),
                                                      host="10.99.0.1")))
    port = exporter.address[1]
    gate = lab.gate(f"http://10.99.0.1:{port}/metrics",
                    prefix=namespace.prefix, call=namespace.call)
    assert gate.get().status == 200
    assert not notices(gate)


def test_notices_survive_a_reload(lab):
    gate = lab.gate(lab.faultd())
    scrape_until_known(gate)
    wait_for(lambda: notices(gate), what="the notice")
    since = notices(gate)["not_scraped"]["since"]
    text = gate.config_path.read_text()
    gate.config_path.write_text(text + "log: {level: debug}\n")
    assert gate.admin("/-/reload", method="POST").status == 200
    assert notices(gate)["not_scraped"]["since"] == since
    assert len(lines(gate, "target notice", "not_scraped")) == 1
    gate.config_path.write_text(text.replace("name: node", "name: other"))
    assert gate.admin("/-/reload", method="POST").status == 200
    assert not notices(gate, "other")
