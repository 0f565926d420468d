"""Each fault of an exporter that goes over the wire: by its name, in time, and
gone with the next good scrape."""

from dataclasses import replace

import pytest

import faultd
from fault_checks import PATIENCE, Outcome, assert_fault, assert_good
from fault_checks import assert_named
from fault_rig import Rig
from faultd import GOOD_BODY, GOOD_ONCE, good, ok, say
from faults import FAULTS, GOOD
from faults_tls import Zoo, trusting

OVER_TLS = [each for each in FAULTS if each.over_tls]


@pytest.fixture(scope="module")
def zoo(shared_lab, authority):
    return Zoo(authority, shared_lab.folder)


@pytest.fixture(scope="module")
def rig(shared_lab, zoo):
    return Rig(shared_lab, FAULTS, zoo, config={
        "journal": {"path": str(shared_lab.folder / "journal")}})


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(rig, fault):
    answer = rig.play(fault)
    if fault.name.startswith("U44"):
        # The exporter's own words help, but only in the body.
        assert b"some words of the exporter" in answer.body


def behind_tls(fault):
    return replace(fault, tls=Zoo.server, is_https=True,
                   target=lambda zoo: {**fault.settings(zoo),
                                       **trusting()(zoo)})


@pytest.fixture(scope="module")
def tls_rig(shared_lab, zoo):
    """TLS on both sides of the gate."""
    return Rig(shared_lab, [behind_tls(each) for each in OVER_TLS], zoo,
               options={"secure": True})


@pytest.mark.parametrize("fault", OVER_TLS, ids=lambda fault: fault.name)
def test_fault_over_tls(tls_rig, fault):
    tls_rig.play(behind_tls(fault))


@pytest.fixture(scope="module")
def plain(shared_lab):
    """An exporter and a gate with nothing but defaults."""
    exporter = shared_lab.faultd(good())
    return exporter, shared_lab.gate(exporter)


@pytest.mark.parametrize("fault", GOOD, ids=lambda fault: fault.name)
def test_odd_but_good(plain, fault):
    exporter, gate = plain
    exporter.behaviour = fault.behaviour
    for _ in range(2):
        answer = gate.get(timeout=PATIENCE)
        assert (answer.status, answer.body) == (200, fault.body), answer
        assert answer.header("Content-Type") == faultd.TEXT
    exporter.behaviour = GOOD_ONCE
    assert_good(gate)


def test_u1_missing_unix_socket(lab):
    gate = lab.gate(f"unix:{lab.folder}/none.sock:/metrics")
    assert_fault(gate, ["connect_refused"], 502,
                 r"dial unix /.*none\.sock: connect: .*",
                 mend=lambda: lab.faultd(
                     GOOD_ONCE, unix_path=f"{lab.folder}/none.sock"))


def test_u29_extra_bytes_never_reach_the_next_scrape(lab):
    exporter = lab.faultd(faultd.say_and_keep(
        ok() + ok(b"smuggled 1\n")))
    gate = lab.gate(exporter)
    for number in (1, 2, 3):
        answer = gate.get()
        assert (answer.status, answer.body) == (200, GOOD_BODY)
        assert exporter.connections == number


def close_on_second_request(conn):
    """Keeps the connection, then drops it just as the next request comes."""
    conn.read_request()
    conn.send(ok())
    if conn.number == 1:
        conn.wait_readable()
        conn.server.stale_closes += 1
        conn.reset()
    while True:
        conn.read_request()
        conn.send(ok())


def test_u49_stale_connection_is_retried_once(lab):
    exporter = lab.faultd(close_on_second_request)
    exporter.stale_closes = 0
    gate = lab.gate(exporter)
    assert_good(gate)
    assert_good(gate)
    assert exporter.stale_closes == 1, "the connection was not kept alive"
    assert exporter.connections == 2
    assert gate.metric("scrapegate_scrapes_total", reason="ok") == 2


def test_connection_is_kept_alive(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    for _ in range(10):
        assert_good(gate)
    assert exporter.connections == 1


def test_u45_redirect_elsewhere_is_not_followed(lab):
    other = lab.faultd(good(b"stolen 1\n"))
    exporter = lab.faultd(say(ok(b"", extra=[f"Location: {other.url}"],
                                 status="302 Found")))
    gate = lab.gate(exporter)
    assert_fault(gate, ["http_redirect_not_followed"], 502)
    assert other.connections == 0


def redirect_once(conn):
    while True:
        if b" /metrics " in conn.read_request():
            conn.send(ok(b"", extra=["Location: /real"],
                         status="301 Moved Permanently"))
        else:
            conn.send(ok())


def test_redirect_on_the_same_origin_is_followed(lab):
    exporter = lab.faultd(redirect_once)
    gate = lab.gate(exporter)
    assert_good(gate)
    assert exporter.requests[-1].startswith(b"GET /real ")


@pytest.mark.parametrize("policy, status", [
    ("true", 200), ("same_origin", 502), ("false", 502)])
def test_redirect_policy(lab, policy, status):
    other = lab.faultd(good())
    exporter = lab.faultd(say(ok(b"", extra=[f"Location: {other.url}"],
                                 status="307 Temporary Redirect")))
    value = {"true": True, "false": False}.get(policy, policy)
    gate = lab.gate(exporter, target={"follow_redirects": value})
    assert gate.get().status == status
    assert other.connections == (1 if status == 200 else 0)


def test_failure_is_never_kept(lab):
    """Not even with a ttl: the next scrape asks again."""
    exporter = lab.faultd(say(ok(b"no\n", status="500 Internal")))
    gate = lab.gate(exporter, target={
        "cache": {"ttl": "1h", "once_per_scraper": False}})
    for number in (1, 2, 3):
        assert gate.get().status == 502
        assert exporter.request_count == number
    exporter.behaviour = good()
    assert gate.get().status == 200
    assert gate.get().status == 200
    assert exporter.request_count == 4


@pytest.mark.parametrize("body", [b"\x00\x01\xff<script>\r\nX: y",
                                  b"a" * 5000])
def test_exporters_text_is_escaped_and_cut(lab, body):
    gate = lab.gate(lab.faultd(say(ok(body, status="500 Bro\x7fken"))))
    answer = gate.get()
    assert_named(answer, Outcome(["http_server_error"]))
    assert len(answer.body) < 4096
    answer.body.decode("ascii")
    assert b"\0" not in answer.body and b"\r" not in answer.body


def test_failure_by_head_has_no_body(lab):
    gate = lab.gate(lab.faultd(say(ok(b"", status="404 Not Found"))))
    with gate.connect() as connection:
        answer = connection.get(method="HEAD")
        assert answer.reason.startswith("http_not_found: ")
        # The connection is in step: the next answer is whole.
        again = connection.get()
        assert again.reason == answer.reason
        assert again.body
