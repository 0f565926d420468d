"""The record: slow verdicts, folding, incidents, the API that shows them, the
log and the journal that keep them."""

import glob
import json
import os
import re
import time
import urllib.parse

import pytest

from faultd import GOOD_BODY, ok
from test_resources import hog, scrape_until_known
from wire import wait_for

READY = 20  # good scrapes until something is known to be normal
# A good scrape is near its timeout from 8 of 10 s on: time enough to be late.
NEAR_END = {"timeout_offset": "1ms"}


class Mood:
    """An exporter that answers after `seconds`, with `status`."""

    def __init__(self):
        self.seconds = 0
        self.status = "200 OK"
        self.body = GOOD_BODY

    def __call__(self, conn):
        while True:
            conn.read_request()
            if self.seconds:
                conn.pause(self.seconds)
            conn.send(ok(self.body, status=self.status))


def learn(gate, count=READY):
    for _ in range(count):
        assert gate.get(timeout=10).status == 200


def newest(gate, what="failures"):
    return gate.api(what)[what][0]


def texts(item, kind):
    return [each["text"] for each in item["evidence"] if each["kind"] == kind]


def seconds_in(words, before):
    return float(re.search(before + r" ([0-9.]+)s", words).group(1))


@pytest.mark.smoke
def test_far_from_normal(lab):
    """Delivered, and said: which phase, how far from normal, what would do."""
    mood = Mood()
    gate = lab.gate(lab.faultd(mood))
    learn(gate)
    assert gate.api("failures")["failures"] == []
    mood.seconds = 3  # the more, whatever else takes its time
    answer = gate.get(timeout=10)
    assert answer.status == 200 and answer.body == GOOD_BODY
    item = newest(gate)
    assert item["reason"] == "scrape_slow" and item["layer"] == "timeout"
    assert item["phase"] == "processing"
    assert item["status"] == 200 and item["delivered"] is True
    assert seconds_in(item["words"], "processing") >= 3
    assert re.search(r", normally [0-9.]+m?s$", item["words"])
    assert item["phases"]["processing"] >= 3
    measured = texts(item, "measured")
    assert any(re.match("took [3-7]", each) for each in measured), measured
    assert any(each.startswith("normally ") for each in measured)
    assert re.search(r"needs a scrape_timeout of [2-9]s \(now 10s\)", item["fix"])
    target = gate.target()
    assert target["health"] == "up" and target["lastError"] == ""
    assert target["scrapeReason"]["id"] == "scrape_slow"
    assert gate.metric("scrapegate_scrapes_total", reason="scrape_slow") == 1
    assert gate.metric("scrapegate_target_up") == 1
    assert gate.metric("scrapegate_scrape_failures_total") == 0
    assert gate.log.count('msg="scrape slow" target=node') == 1
    mood.seconds = 0

    def is_over():
        learn(gate, 1)
        return gate.target()["scrapeReason"]["id"] == "ok"
    wait_for(is_over, what="a scrape that is not slow")


def test_near_the_timeout(lab):
    """It needs no baseline, and says that there is none yet."""
    mood = Mood()
    gate = lab.gate(lab.faultd(mood), NEAR_END)
    mood.seconds = 8.05
    assert gate.get(timeout=10).status == 200
    item = newest(gate)
    assert item["reason"] == "timeout_near"
    assert item["words"].endswith(
        ": more than 80 % of the scrape_timeout 10s")
    assert texts(item, "unknown") == [
        "what is normal: fewer than 20 good scrapes so far"]
    assert re.search(r"scrape_timeout 1[123]s \(now 10s\)", item["fix"])


def test_a_timeout_knows_what_is_normal(lab):
    mood = Mood()
    gate = lab.gate(lab.faultd(mood))
    mood.seconds = 0.02
    learn(gate)
    mood.seconds = 5
    answer = gate.get(timeout=3)
    assert answer.status == 504
    assert re.search("exporter sent nothing for [0-9.]+s, ", answer.reason)
    assert 0.02 <= seconds_in(answer.reason, "normally") < 0.5
    assert re.search(r"; last good [0-9:]{8} UTC \(measured\)", answer.text)
    # What Prometheus says of it knows nothing of that.
    assert gate.target()["lastError"].endswith("context deadline exceeded")


def test_each_query_has_a_normal_of_its_own(lab):
    """What is slow for one probe is normal for another."""
    gate = lab.gate(
        lab.faultd(QueryMood()),
        target={"query": {"allow": ["target"], "values": {
            "target": ["near", "far"]}}})
    for _ in range(READY):
        assert gate.get("/metrics?target=near").status == 200
    for _ in range(3):
        assert gate.get("/metrics?target=far").status == 200
    assert gate.api("failures")["failures"] == []
    QueryMood.extra = 3
    assert gate.get("/metrics?target=near").status == 200
    QueryMood.extra = 0
    assert newest(gate)["reason"] == "scrape_slow"


class QueryMood:
    extra = 0

    def __call__(self, conn):
        while True:
            head = conn.read_request()
            pause = 0.4 if b"far" in bytes(head.split(b"\r\n")[0]) else 0
            conn.pause(pause + QueryMood.extra)
            conn.send(ok(GOOD_BODY))


def refuse(mood, status):
    mood.status = status


def test_an_incident_from_start_to_end(lab):
    mood = Mood()
    gate = lab.gate(lab.faultd(mood))
    learn(gate, 1)
    refuse(mood, "500 Internal Server Error")
    for _ in range(3):
        assert gate.get().status == 502
    refuse(mood, "404 Not Found")
    assert gate.get().status == 502
    refuse(mood, "500 Internal Server Error")
    assert gate.get().status == 502

    # Repeats are one.
    failures = gate.api("failures")["failures"]
    assert [(each["reason"], each["count"]) for each in failures] == [
        ("http_server_error", 4), ("http_not_found", 1)]
    assert failures[0]["first"] <= failures[1]["time"] <= failures[0]["last"]
    incident = newest(gate, "incidents")
    assert incident["state"] == "open" and "end" not in incident
    assert incident["count"] == 5 and incident["target"] == "node"
    assert incident["reason"] == "http_server_error"
    assert incident["reasons"] == [
        {"reason": "http_server_error", "count": 4},
        {"reason": "http_not_found", "count": 1}]
    assert failures[0]["incidentId"] == incident["id"]

    refuse(mood, "200 OK")
    learn(gate, 1)
    over = newest(gate, "incidents")
    assert over["id"] == incident["id"] and over["state"] == "recovered"
    assert over["first"] <= over["last"] <= over["end"]
    refuse(mood, "500 Internal Server Error")
    gate.get()
    assert [each["state"] for each in gate.api("incidents")["incidents"]] == [
        "open", "recovered"]
    assert [each["count"] for each in gate.api("failures")["failures"]] == [
        1, 4, 1]
    log = gate.log
    assert log.count('msg="scrape failed"') == 2
    assert log.count('msg="scrape failure changed"') == 2
    assert log.count('msg="scrape recovered"') == 1
    assert "failures=5 reason=http_server_error" in log


def test_a_restart_is_seen_in_the_answer_too(lab):
    """Where the process cannot be: by its process_start_time_seconds."""
    mood = Mood()
    gate = lab.gate(lab.faultd(mood))

    def start(when):
        mood.body = b"process_start_time_seconds %.2f\n" % when
    start(time.time() - 1000)
    learn(gate, 2)
    refuse(mood, "503 Service Unavailable")
    gate.get()
    start(time.time() + 5)
    refuse(mood, "200 OK")
    learn(gate, 1)
    incident = newest(gate, "incidents")
    assert incident["state"] == "recovered" and incident["restarts"] == 1
    # Another one behind the same name is no restart.
    start(time.time() - 500)
    refuse(mood, "503 Service Unavailable")
    gate.get()
    refuse(mood, "200 OK")
    learn(gate, 1)
    assert newest(gate, "incidents")["restarts"] == 0


@pytest.mark.threads
def test_restarts_in_between_are_counted(lab):
    exporter = hog(lab)
    gate = lab.gate(exporter.url)
    scrape_until_known(gate, exporter.pid)
    # The search tells the loop a little later.
    for _ in range(10):
        learn(gate, 1)
        time.sleep(0.1)
    exporter.stop()
    assert gate.get().status == 502
    assert newest(gate, "incidents")["restarts"] == 0
    again = hog(lab, host=exporter.host, port=exporter.port,
                mode="burn 1.2", number=1)

    def is_counted():
        assert gate.get(timeout=1).status == 504
        return newest(gate, "incidents")["restarts"]
    assert wait_for(is_counted, 40, "the restart") == 1
    again.mode = "good"
    wait_for(lambda: gate.get(timeout=10).status == 200, what="the end")
    incident = newest(gate, "incidents")
    assert incident["state"] == "recovered" and incident["restarts"] == 1
    assert [each["reason"] for each in incident["reasons"]] == [
        "connect_refused", "timeout_headers"]
    assert "restarts=1" in gate.log
    assert sum(each["restarted"] for each in gate.api("scrapes")["scrapes"]
               ) == 1


@pytest.mark.threads
def test_a_restart_that_ended_it_is_counted(lab):
    """Killed, one scrape refused, back as another process, which is found
    only after its first good answer."""
    exporter = hog(lab)
    config = {"journal": {"path": str(lab.folder / "journal")}}
    gate = lab.gate(exporter.url, config=config)
    scrape_until_known(gate, exporter.pid)
    exporter.stop()
    assert gate.get().status == 502
    hog(lab, host=exporter.host, port=exporter.port, number=1)
    wait_for(lambda: gate.get().status == 200, what="the end")

    def is_counted():
        assert gate.get().status == 200
        incident = newest(gate, "incidents")
        assert incident["state"] == "recovered" and incident["count"] == 1
        return incident["restarts"]
    assert wait_for(is_counted, 40, "the restart") == 1
    learn(gate, 2)
    assert newest(gate, "incidents")["restarts"] == 1
    # The journal has it too.
    gate.stop()
    again = lab.gate(exporter.url, config=config)
    wait_for(lambda: again.api("incidents")["incidents"], what="the journal")
    assert newest(again, "incidents")["restarts"] == 1


def test_filters_and_pages(lab):
    mood = Mood()
    refuse(mood, "500 Internal Server Error")
    exporter = lab.faultd(mood)
    gate = lab.gate(config={"targets": [
        {"name": "one", "url": exporter.url},
        {"name": "two", "url": "http://127.0.0.1:1/metrics"}]})
    began = time.time()
    for name in ("one", "two", "one"):
        assert gate.get(f"/metrics/{name}").status == 502

    def ask(what, **parameters):
        data = gate.api(f"{what}?{urllib.parse.urlencode(parameters)}")
        return data[what], data.get("next")
    assert len(ask("failures")[0]) == 2
    assert len(ask("failures", target="one")[0]) == 1
    assert ask("failures", reason="connect_refused")[0][0]["target"] == "two"
    assert len(ask("failures", since="1h")[0]) == 2
    assert len(ask("failures", since=f"{began - 1:.3f}")[0]) == 2
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began + 3600))
    for what in ("failures", "incidents", "scrapes"):
        assert ask(what, since=later) == ([], None)
    first, cursor = ask("scrapes", limit=2)
    rest, end = ask("scrapes", limit=2, cursor=cursor)
    assert [each["target"] for each in first + rest] == ["one", "two", "one"]
    assert end is None
    answer = gate.admin("/api/v1/failures?reason=no_such_reason")
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "status": "error", "errorType": "bad_data",
        "error": 'invalid parameter "reason": no such reason'}


def test_standard_error_is_the_record(lab):
    """With log.format json each line has all that the API has."""
    mood = Mood()
    gate = lab.gate(lab.faultd(mood), config={"log": {"format": "json"}})
    refuse(mood, "500 Internal Server Error")
    gate.get()
    shown = newest(gate)
    refuse(mood, "200 OK")
    learn(gate, 1)

    def lines():
        every = whole_lines(gate.log)
        return [line for line in every if line.get("v") == 1]
    failed, ended = wait_for(
        lambda: len(lines()) == 2 and lines(), what="both lines")
    assert failed["level"] == "warn" and failed["msg"] == "scrape failed"
    assert failed["kind"] == "failure" and failed["event"] == "started"
    for key, value in shown.items():
        assert failed[key] == value, key
    assert failed["incident"]["state"] == "open"
    assert ended["kind"] == "incident" and ended["msg"] == "scrape recovered"
    assert ended["incident"]["count"] == 1


def whole_lines(text):
    """Those that have an end: somebody may be writing."""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def journal_lines(folder):
    lines = []
    for name in sorted(glob.glob(f"{folder}/journal-*.ndjson")):
        with open(name, encoding="utf-8") as file:
            lines += whole_lines(file.read())
    return lines


def seconds_until_written(folder, count):
    began = time.monotonic()
    while len(journal_lines(folder)) < count:
        assert time.monotonic() - began < 30
        time.sleep(0.005)
    return time.monotonic() - began


@pytest.mark.threads
def test_what_was_told_survives_kill(lab, tmp_path):
    """Within 200 ms it is in the file; after kill -9 and a restart the API
    knows it again, and an incident that went on goes on."""
    mood = Mood()
    exporter = lab.faultd(mood)
    folder = tmp_path / "journal"
    config = {"journal": {"path": str(folder)}}
    gate = lab.gate(exporter, config=config)
    learn(gate, 1)
    took = []
    for count in range(1, 8):
        refuse(mood, "404 Not Found" if count % 2 else "500 Oops")
        gate.get()
        took.append(seconds_until_written(folder, count))
    # A busy machine may be late, but not always.
    assert sorted(took)[1] < 0.2, took
    failures = gate.api("failures")["failures"]
    incidents = gate.api("incidents")["incidents"]
    gate.kill()
    gate.process.wait()  # it holds the journal's lock
    gate.is_stopped = True

    gate = lab.gate(exporter, config=config)
    wait_for(lambda: gate.api("failures")["failures"], what="recovery")
    assert gate.api("failures")["failures"] == failures
    again = gate.api("incidents")["incidents"]
    assert again[0].pop("gateRestarts") == 1
    assert incidents[0].pop("gateRestarts") == 0
    assert again == incidents
    gate.get()
    assert newest(gate, "incidents")["count"] == 8
    refuse(mood, "200 OK")
    learn(gate, 1)
    assert newest(gate, "incidents")["state"] == "recovered"
    assert "failures=8" in gate.log
    wait_for(lambda: journal_lines(folder)[-1]["kind"] == "incident",
             what="the end in the file")
    gate.stop()
    # What went well is summed up at the end, in one line.
    last = journal_lines(folder)[-1]
    assert last["kind"] == "summary" and last["count"] == 1
    gate = lab.gate(exporter, config=config)
    wait_for(lambda: gate.api("incidents")["incidents"], what="recovery")
    assert newest(gate, "incidents")["state"] == "recovered"


def documented():
    """{part: fields} of the table in journal.md."""
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, "../../proxy/diagnosis/journal.md")
    with open(path, encoding="utf-8") as file:
        text = file.read().split("| field | in | what |")[1]
    fields = {}
    for row in re.findall(r"^\| (`.*?) \| (.*?) \|", text, re.M):
        for part in row[1].split(", "):
            fields.setdefault(part.strip("`"), set()).update(
                re.findall(r"`(\w+)`", row[0]))
    return fields


def test_the_schema_is_documented(lab, tmp_path):
    """Each member of each line is in the table, and the other way round."""
    mood = Mood()
    folder = tmp_path / "journal"
    gate = lab.gate(lab.faultd(mood), {"late_finish": "5x", **NEAR_END},
                    config={"journal": {"path": str(folder)}})
    learn(gate, 1)
    mood.seconds = 8.05
    assert gate.get(timeout=10).status == 200
    mood.seconds = 3
    assert gate.get(timeout=2).status == 504
    wait_for(lambda: "scrape finished late" in gate.log, what="the late end")
    mood.seconds = 0
    refuse(mood, "404 Not Found")
    gate.get()
    refuse(mood, "200 OK")
    learn(gate, 1)
    gate.stop()
    lines = journal_lines(folder)
    assert [(each["kind"], each.get("event")) for each in lines] == [
        ("slow", "slow"), ("failure", "started"), ("failure", "amended"),
        ("failure", "changed"), ("incident", "ended"), ("summary", None)]
    parts = documented()
    common = parts["all"] | {"seq", "crc"}
    event = parts["all but summary"]
    record = common | event | parts["record"] | parts["fold"]
    wanted = {
        "slow": record - {"late"},
        "started": (record | {"incident"}) - {"late"},
        "amended": record | {"incident"},
        "changed": (record | {"incident"} | parts["changed"]) - {"late"},
        "ended": common | event | {"incident"},
        None: common | parts["summary"],
    }
    for line in lines:
        assert line["v"] == 1
        assert set(line) == wanted[line.get("event")], line
        incident = line.get("incident")
        if incident and incident["state"] == "open":
            assert set(incident) == parts["incident"] - {"incident", "end"} | {
                "target", "reason", "words", "first", "last", "count"}
    assert set(lines[4]["incident"]) == parts["incident"] - {"incident"} | {
        "target", "reason", "words"}
