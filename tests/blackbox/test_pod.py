"""What Kubernetes says of the pod reaches who reads of a failure: how the
exporter's container ended, and annotations that lead elsewhere.  It is asked
only if that is allowed, only when something failed, and rarely."""

import pytest

import kube_api
from faultd import GOOD_BODY, close_at_once, good
from kube_api import KubeApi
from openapi import Document
from test_notices import notices, scrape_until_known
from wire import wait_for

POD_PATH = "/api/v1/namespaces/shop/pods/shop-0"
EVENTS_PATH = ("/api/v1/namespaces/shop/events?"
               "fieldSelector=involvedObject.name%3Dshop-0&limit=100")
ENDED = {"terminated": {
    "exitCode": 137, "reason": "OOMKilled",
    "startedAt": "2026-11-22T10:00:00Z",
    "finishedAt": "2026-11-22T10:57:13Z"}}


def pod(containers=None, annotations=None):
    return {
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": "shop-0", "namespace": "shop",
                     "annotations": annotations or {}},
        "spec": {"containers": [{"name": "mysqld"}, {"name": "scrapegate"}]},
        "status": {"phase": "Running", "containerStatuses": containers or [
            {"name": "mysqld", "restartCount": 4, "lastState": ENDED,
             "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
            {"name": "scrapegate", "restartCount": 0, "lastState": {},
             "state": {"running": {"startedAt": "2026-11-22T09:00:00Z"}}}]}}


EVENTS = {"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": [
    {"type": "Warning", "reason": "BackOff", "count": 7,
     "message": "Back-off restarting failed container mysqld",
     "lastTimestamp": "2026-11-22T10:58:00Z",
     "involvedObject": {"fieldPath": "spec.containers{mysqld}"}}]}


@pytest.fixture
def api(lab, authority, tmp_path):
    made = lab.keep(KubeApi(authority, tmp_path, lab.loopback))
    made.documents = {POD_PATH: pod(), EVENTS_PATH: EVENTS}
    return made


def gate_of(lab, api, exporter, status=True, **options):
    return lab.gate(exporter, config={"pod": {
        "status": status, "api_server": api.url, "ca_file": api.ca_file,
        "token_file": str(api.token_file), "namespace": "shop",
        "name": "shop-0"}, **options.pop("config", {})}, **options)


def known(gate):
    """What the gate has been told, once it has."""
    return wait_for(lambda: (lambda data: data if data["known"] else None)(
        gate.api("pod")), what="the pod")


def test_a_failure_asks_once(lab, api):
    gate = gate_of(lab, api, lab.faultd(close_at_once))
    assert api.count() == 0
    for _ in range(3):
        assert gate.get().status == 502
    data = known(gate)
    assert data["phase"] == "Running"
    assert [each["name"] for each in data["containers"]] == [
        "mysqld", "scrapegate"]
    assert data["containers"][0]["ended"] == "OOMKilled"
    assert data["containers"][0]["exitCode"] == 137
    assert data["containers"][0]["finishedAt"].startswith(
        "2026-11-22T10:57:13")
    assert data["events"][0]["count"] == 7
    for _ in range(3):
        assert gate.get().status == 502
    assert (api.count(POD_PATH), api.count(EVENTS_PATH)) == (1, 1)
    document = Document(gate.admin("/api/v1/openapi.json").text)
    document.check_answer("GET", "/api/v1/pod", gate.admin("/api/v1/pod"))
    # What nobody may ask for any more is not shown either.
    gate.config_path.write_text(gate.config_path.read_text().replace(
        "status: true", "status: false"))
    assert gate.admin("/-/reload", method="POST").status == 200
    assert gate.api("pod") == {"enabled": False, "known": False}


def test_a_later_failure_says_how_the_container_ended(lab, api):
    gate = gate_of(lab, api, lab.faultd(close_at_once))
    assert "Kubernetes" not in gate.get().text
    known(gate)
    answer = gate.get()
    assert "container mysqld" in answer.text
    assert "restarted 4 times" in answer.text
    assert "OOMKilled (exit code 137)" in answer.text
    assert "CrashLoopBackOff" in answer.text
    failure = gate.api("failures")["failures"][0]
    said = [each for each in failure["evidence"]
            if "OOMKilled" in each["text"]]
    assert [each["kind"] for each in said] == ["measured"]


@pytest.mark.parametrize("config, expected", [
    ({}, "which container is the exporter's"),
    ({"resources": {"container": "exporter"}}, "container exporter")])
def test_which_container_it_is(lab, api, config, expected):
    """Of three nobody can tell, unless somebody has said it."""
    state = {"running": {"startedAt": "2026-11-22T09:00:00Z"}}
    api.documents[POD_PATH] = pod([
        {"name": name, "restartCount": 1, "lastState": ENDED, "state": state}
        for name in ("mysqld", "exporter", "scrapegate")])
    gate = gate_of(lab, api, lab.faultd(close_at_once), target=config)
    gate.get()
    known(gate)
    assert expected in gate.get().text


def test_not_asked_while_all_is_well(lab, api):
    gate = gate_of(lab, api, lab.faultd(good()))
    for _ in range(3):
        assert gate.get().body == GOOD_BODY
    assert gate.api("pod") == {"enabled": True, "known": False}
    assert api.count() == 0


def test_not_asked_unless_allowed(lab, api):
    gate = gate_of(lab, api, lab.faultd(close_at_once), status=False)
    for _ in range(2):
        assert gate.get().status == 502
    assert gate.api("pod") == {"enabled": False, "known": False}
    assert api.count() == 0


@pytest.mark.parametrize("trouble, words", [
    (kube_api.failing(403), "out of order"), (kube_api.html(500), "500"),
    (kube_api.html(200), ""), (kube_api.reset, "reset")],
    ids=["403", "500", "no JSON", "reset"])
def test_who_may_not_ask_is_told_once(lab, api, trouble, words):
    """And nothing else is disturbed."""
    api.trouble = trouble
    gate = gate_of(lab, api, lab.faultd(close_at_once))
    gate.get()
    line = gate.wait_for_line(
        r'level=warn msg="Kubernetes does not say how the pod is" error=.*')
    assert words in line.group(0)
    for _ in range(3):
        assert gate.get().status == 502
    assert gate.log.count("does not say how the pod is") == 1
    assert api.count(POD_PATH) == 1
    assert gate.api("pod") == {"enabled": True, "known": False}


def test_annotations_of_who_is_not_scraped(lab, api):
    """Service discovery comes by another scheme; that is said where somebody
    asks why nobody comes."""
    api.documents[POD_PATH] = pod(annotations={
        "prometheus.io/scrape": "true", "prometheus.io/port": "9104"})
    gate = gate_of(lab, api, lab.faultd(good()), secure=True)
    scrape_until_known(gate)

    def annotation():
        return [each["text"] for each in
                notices(gate).get("not_scraped", {}).get("evidence", [])
                if "prometheus.io/" in each["text"]]
    said = wait_for(annotation, 30, "the notice")
    assert said == ["annotation prometheus.io/scheme is not set, the gate "
                    "speaks https"]
