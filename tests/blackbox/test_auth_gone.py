"""Kubernetes thinks about a login, and meanwhile its scraper leaves or gives
up, its listener goes or the gate stops; and what it said is void later."""

import socket
import struct
import threading
import time

import pytest
import yaml

import kube_api
from arrivals import has_read
from faultd import good
from kube_api import ACCESS_REVIEWS, TOKEN_REVIEWS, KubeApi
from wire import Connection, request_bytes, wait_for

PROM = "system:serviceaccount:monitoring:prometheus"
TOKEN = "eyJ.prometheus.token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def api(lab, authority, tmp_path):
    made = lab.keep(KubeApi(authority, tmp_path, lab.loopback))
    made.add(TOKEN, PROM, paths=["/metrics"])
    return made


class Gatekeeper:
    """Holds the answers to `path` back until it is told to let them go."""

    def __init__(self, path):
        self.path = path
        self.arrived = threading.Event()
        self.go = threading.Event()

    def __call__(self, handler):
        if handler.path != self.path:
            return
        self.arrived.set()
        self.go.wait(20)


@pytest.mark.parametrize("secure", [False, True])
def test_the_scraper_leaves(lab, api, secure):
    """The second question, which follows the answer to the first, would be
    about a connection that is no more."""
    api.trouble = held = Gatekeeper(TOKEN_REVIEWS)
    gate = lab.gate(lab.faultd(good()), secure=secure, config={
        "auth": api.config(access_review=True)})
    with gate.connect() as connection:
        connection.send(request_bytes(headers=BEARER))
        assert held.arrived.wait(20)
        # An RST: of plain HTTP a FIN may be but half of a close.
        connection.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_for(lambda: gate.metric("scrapegate_connections") == 0,
             what="the connection forgotten")
    held.go.set()
    wait_for(lambda: gate.metric("scrapegate_auth_backend_calls_total",
                                 service="token_review", result="ok") == 1,
             what="the answer")
    assert gate.get(headers=BEARER).status == 200
    # Nobody listened any more, so nothing else was asked for him.
    assert api.count(ACCESS_REVIEWS) == 1
    assert api.count(TOKEN_REVIEWS) == 1


def test_the_listener_goes(lab, api, tmp_path):
    """Rules are about the listener's name, which goes with it."""
    door = f"unix:{tmp_path}/door"
    api.trouble = held = Gatekeeper(TOKEN_REVIEWS)
    config = {
        "auth": {**api.config(), "rules": [
            {"listeners": [door], "action": "allow"}]},
        "listen": ["127.0.0.1:0", door], "insecure_http": True,
        "targets": [{"name": "node", "url": lab.faultd(good()).url}],
        "admin": {"listen": "127.0.0.1:0"}}
    gate = lab.gate(config=config)
    with Connection(door) as connection:
        connection.send(request_bytes(headers=BEARER))
        assert held.arrived.wait(20)
        del config["listen"][1]
        config["auth"]["rules"][0]["listeners"] = ["127.0.0.1:0"]
        gate.config_path.write_text(yaml.safe_dump(config))
        assert gate.admin("/-/reload", method="POST").status == 200
        held.go.set()
        answer = connection.answer()
    assert (answer.status, answer.header("X-Scrapegate-Reason")) == (
        403, "access_denied")
    assert gate.get(headers=BEARER).status == 200


@pytest.mark.parametrize("path", [TOKEN_REVIEWS, ACCESS_REVIEWS])
@pytest.mark.parametrize("is_hasty", [False, True])
def test_the_gate_stops(lab, api, path, is_hasty):
    """Who waits is answered; or let go, if the gate may not wait for that."""
    api.trouble = held = Gatekeeper(path)
    gate = lab.gate(lab.faultd(good()), config={
        "workers": 2, "auth": api.config(access_review=True)})
    waiting = [gate.connect() for _ in range(8)]
    for each in waiting:
        each.send(request_bytes(headers=BEARER))
    assert held.arrived.wait(20)
    # An end may come before a request that nobody has seen.
    wait_for(lambda: has_read(gate, 8), what="all of them read")
    gate.process.terminate()
    gate.wait_for_line("msg=draining")
    if is_hasty:
        gate.stop()
        held.go.set()
    else:
        held.go.set()
        assert [each.answer().status for each in waiting] == [200] * 8
        gate.stop()
    for each in waiting:
        each.close()


@pytest.mark.parametrize("path, reason", [
    (TOKEN_REVIEWS, "authn_backend_unavailable"),
    (ACCESS_REVIEWS, "authz_backend_unavailable")])
def test_the_scraper_cannot_wait(lab, api, path, reason):
    """A call may take 3 s; who waits less is told who was slow, and not that
    he asked too often."""
    gate = lab.gate(lab.faultd(good()), config={
        "auth": api.config(access_review=True)})
    if path == ACCESS_REVIEWS:
        # Then the token is known, and no time is lost with that.
        assert gate.get("/metrics/node", headers=BEARER).status == 403
    api.trouble = held = Gatekeeper(path)
    answers = []

    def is_prompt():
        answer = gate.get(headers=BEARER, timeout=1)
        assert (answer.status, answer.header("X-Scrapegate-Reason")) == (
            503, reason)
        answers.append(answer)
        return answer.seconds < 2  # at 0.9 s, with time for it
    wait_for(is_prompt, what="an answer before a call's 3 s")
    held.go.set()
    assert gate.metric("scrapegate_auth_total", method="token_review",
                       result="unavailable") == len(answers)
    wait_for(lambda: gate.get(headers=BEARER).status == 200, what="the answer")


def test_a_scraper_in_a_hurry(lab, api):
    """Who gives up before a slow API answers does not make it rest."""
    api.trouble = kube_api.slow(20)
    gate = lab.gate(lab.faultd(good()), config={"auth": api.config()})
    for number in range(3):
        answer = gate.get(headers={"Authorization": f"Bearer bad{number}"},
                          timeout=0.5)
        assert answer.status == 503
    api.trouble = None
    assert gate.get(headers=BEARER).status == 200


def test_one_token_is_one_guess(lab, api):
    """A Prometheus with an old token scrapes all targets at once; that does
    not lock its address out."""
    api.trouble = held = Gatekeeper(TOKEN_REVIEWS)
    gate = lab.gate(lab.faultd(good()), config={"auth": api.config()})
    old = request_bytes(headers={"Authorization": "Bearer old"})
    waiting = [gate.connect() for _ in range(12)]
    for each in waiting:
        each.send(old)
    assert held.arrived.wait(20)
    wait_for(lambda: gate.metric("scrapegate_connections") == 12,
             what="all of them")
    held.go.set()
    assert [each.answer().status for each in waiting] == [401] * 12
    assert gate.get(headers=BEARER).status == 200
    for each in waiting:
        each.close()


@pytest.mark.parametrize("is_token", [True, False])
def test_no_grace_after_a_no(lab, api, is_token):
    """A no that is not remembered any more was one all the same."""
    gate = lab.gate(lab.faultd(good()), config={"auth": {
        **api.config(access_review=True, cache_allowed="1s",
                     cache_denied="1s", stale_grace="1h"),
        "failed_logins_per_address": 0}})
    status = lambda: gate.get(headers=BEARER).status
    assert status() == 200
    if is_token:
        del api.users[TOKEN]
    else:
        api.allowed.clear()
    wait_for(lambda: status() == (401 if is_token else 403), 20, "the refusal")
    api.go_down()
    wait_for(lambda: status() == 503, 20, "the end of what is remembered")
    end = time.monotonic() + 1
    while time.monotonic() < end:
        assert status() == 503
