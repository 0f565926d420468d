"""What is wrong beside the gate, or between it and the exporter: ports,
proxies, files."""

import shutil

from fault_checks import Outcome, PATIENCE, assert_fault, assert_good
from fault_checks import assert_named
from fault_rig import Rig
from fault_world import World, on_unix_sockets
from faultd import good, ok, say
from faults_network import NO_LOCAL_PORT
from faults_tls import Zoo, trusting
from wire import wait_for


def test_u5_no_local_port(lab):
    """All ports towards the exporter are taken by somebody else."""
    rig = Rig(lab, [NO_LOCAL_PORT], None, World(lab),
              config=on_unix_sockets(lab.folder))
    rig.play(NO_LOCAL_PORT)
    for each in rig.stand(NO_LOCAL_PORT).exporter.queue:
        each.close()
    wait_for(lambda: rig.gate.get().status == 200, what="free ports")


# Proxies and files.

def test_proxy_is_down(lab):
    exporter, proxy = lab.faultd(good()), lab.faultd(backlog=None)
    gate = lab.gate(exporter,
                    target={"proxy_url": f"http://{proxy.netloc}"})
    assert_fault(gate, ["proxy_connect_failed"], 502)
    assert exporter.connections == 0


def test_proxy_refuses_connect(lab, authority):
    proxy = lab.faultd(say(b"HTTP/1.1 403 Forbidden\r\n"
                           b"Content-Length: 0\r\n\r\n"))
    gate = lab.gate("https://127.0.0.1:9/metrics", target={
        **trusting()(Zoo(authority, lab.folder)),
        "proxy_url": f"http://{proxy.netloc}"})
    assert_fault(gate, ["proxy_connect_failed"], 502)
    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:9 ")


def test_credentials_file_vanishes(lab):
    """Read anew for each scrape, as Prometheus does."""
    path = lab.folder / "password"
    path.write_text("secret")
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, target={"basic_auth": {
        "username": "u", "password_file": str(path)}})
    assert_good(gate)
    path.unlink()
    answer = gate.get(timeout=PATIENCE)
    assert_named(answer, Outcome(["auth_credentials_unreadable"], 503))
    path.write_text("other")
    assert_good(gate)
    assert b"Authorization: Basic dTpvdGhlcg==" in exporter.requests[-1]


def test_ca_file_vanishes(lab, authority, server_tls):
    path = lab.folder / "ca.crt"
    shutil.copy(authority.ca_file, path)
    exporter = lab.faultd(say(ok(extra=["Connection: close"])),
                          tls=server_tls())
    gate = lab.gate(exporter, target={"tls_config": {
        "ca_file": str(path), "server_name": "localhost"}})
    assert gate.get().status == 200
    path.unlink()
    answer = gate.get(timeout=PATIENCE)
    # Known from the last scrape or looked up again: both are honest.
    if answer.status != 200:
        assert_named(answer, Outcome(["tls_local_files_unreadable"], 503))
