"""Faults of TLS between gate and exporter."""

import signal

import pytest

from fault_checks import PATIENCE, assert_good
from fault_rig import Rig
from faultd import GOOD_ONCE, good
from faults_tls import TLS_FAULTS, TLS_GOOD, Zoo, trusting
from wire import wait_for

ALL = TLS_FAULTS + TLS_GOOD


@pytest.fixture(scope="module")
def rig(shared_lab, authority):
    return Rig(shared_lab, ALL, Zoo(authority, shared_lab.folder))


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.name)
def test_fault(rig, fault):
    rig.play(fault)


def test_u55_certificate_is_swapped(lab, authority):
    """Between two scrapes, and while a connection from before is kept: who
    issued both is trusted, so nobody notices."""
    zoo = Zoo(authority, lab.folder)
    exporter = lab.faultd(good(), tls=zoo.server())
    gate = lab.gate(exporter, target=trusting()(zoo))
    assert_good(gate)
    exporter.tls = zoo.server(authority.issue("swapped"))
    assert_good(gate)
    assert exporter.connections == 1, "the connection was not kept"
    exporter.behaviour = GOOD_ONCE  # the last answer of the kept one
    for connections in (1, 2):
        assert_good(gate)
        assert exporter.connections == connections


def test_u55_new_authority(lab, authority):
    """An exporter with a certificate of a CA that is not trusted yet: the
    kept connection serves on, a new one is refused by name, and the CA file
    is picked up when it changes."""
    zoo = Zoo(authority, lab.folder)
    other = zoo.other_authority("New CA")
    trusted = lab.folder / "trusted.crt"
    old = authority.pair.cert_pem
    trusted.write_bytes(old)
    exporter = lab.faultd(good(), tls=zoo.server())
    gate = lab.gate(exporter, target={"tls_config": {
        "ca_file": str(trusted), "server_name": "localhost"}})
    assert_good(gate)
    exporter.tls = zoo.server(other.issue("of-new-ca"))
    exporter.behaviour = GOOD_ONCE
    assert_good(gate)
    answer = gate.get(timeout=PATIENCE)
    assert answer.reason.startswith("tls_unknown_authority: "), answer
    trusted.write_bytes(old + other.pair.cert_pem)
    gate.process.send_signal(signal.SIGHUP)
    wait_for(lambda: gate.get().status == 200, what="the new CA")
    assert_good(gate)
