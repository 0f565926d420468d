"""Faults of the network and of name servers, each in a network of its own."""

import pytest

from fault_checks import assert_fault, assert_good
from fault_rig import Rig
from fault_world import World
from faultd import GOOD_BODY, good, ok
from faults_network import NAME_FAULTS, NAME_GOOD, NETWORK_FAULTS
from nameserver import wrap_with_resolv_conf

ALL = NETWORK_FAULTS + NAME_FAULTS + NAME_GOOD


@pytest.fixture(scope="module")
def rig(shared_lab):
    return Rig(shared_lab, ALL, None, World(shared_lab))


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.name)
def test_fault(rig, fault):
    rig.play(fault)


def test_u50_name_server_unreachable(lab):
    """Bound and closed again: the kernel says that nobody is there."""
    server = lab.name_server({})
    text = server.resolv_conf
    gate = lab.gate("http://good.test:9100/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder, text))
    server.stop()
    lab.things.remove(server)
    assert_fault(gate, ["dns_server_unreachable"], 502)


def test_u50_good_name(lab):
    exporter = lab.faultd(good())
    host, port = exporter.address
    server = lab.name_server({"good.test": [host]})
    gate = lab.gate(f"http://good.test:{port}/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder,
                                                 server.resolv_conf))
    assert_good(gate)
    assert f"Host: good.test:{port}".encode() in exporter.requests[0]
    assert gate.target()["labels"]["instance"] == f"good.test:{port}"


def test_u50_second_address_is_tried(lab):
    """A name with a dead and a live address reaches the live one."""
    exporter = lab.faultd(good())
    host, port = exporter.address
    server = lab.name_server({"two.test": ["127.9.9.9", host]})
    gate = lab.gate(f"http://two.test:{port}/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder,
                                                 server.resolv_conf))
    assert_good(gate)


@pytest.mark.parametrize("closes", [True, False],
                         ids=["each connection", "kept alive"])
def test_u50_an_exporter_that_moves(lab, closes):
    """Another address at each query, and long times to live: who was replaced
    is found at its new place by the scrape that misses it at the old one."""
    extra = ["Connection: close"] if closes else []
    first = lab.faultd(answering(extra))
    port = first.address[1]
    table = {"moves.test": [first.address[0]]}
    server = lab.name_server(table)
    gate = lab.gate(f"http://moves.test:{port}/metrics",
                    prefix=wrap_with_resolv_conf(lab.folder,
                                                 server.resolv_conf))
    assert_good(gate)
    for _ in range(3):
        lab.things[lab.things.index(first)].stop()
        lab.things.remove(first)
        first = lab.faultd(answering(extra), port=port)
        server.table["moves.test"] = [first.address[0]]
        assert_good(gate)
    assert gate.metric("scrapegate_scrapes_total", reason="ok") == 4


def answering(extra):
    def behave(conn):
        while conn.read_request():
            conn.send(ok(GOOD_BODY, extra=extra))
            if extra:
                return
    return behave
