"""The admin listener: API, metrics, health, page; and who may not look."""

import json
import socket
import re
import subprocess
import time

import pytest

from faultd import good, ok, say
from wire import fetch, request_bytes, wait_for

JQ = (".data.activeTargets[] | {job: .labels.job, health: .health, "
      "lastError: .lastError}")


def down_and_up(lab):
    """A gate with one good and one refused target, both scraped."""
    works, fails = lab.faultd(good()), lab.faultd(backlog=None)
    gate = lab.gate(config={"targets": [
        {"name": "works", "url": works.url},
        {"name": "fails", "url": fails.url}]})
    gate.get("/metrics/works")
    gate.get("/metrics/fails")
    wait_for(lambda: {each["health"] for each in
                      gate.api("targets")["activeTargets"]}
             == {"up", "down"}, what="both records")
    return gate, works, fails


def admin_url(gate):
    host, port = gate.listening("admin")
    return f"http://{host}:{port}"


@pytest.mark.smoke
def test_the_jq_line(lab):
    gate, _, fails = down_and_up(lab)
    result = subprocess.run(
        f"curl -s --noproxy '*' {admin_url(gate)}/api/v1/targets | "
        f"jq -c '{JQ}'", shell=True, capture_output=True, text=True,
        check=True)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows == [
        {"job": "works", "health": "up", "lastError": ""},
        {"job": "fails", "health": "down", "lastError":
         f'Get "{fails.url}": dial tcp {fails.netloc}: connect: '
         "connection refused"}]


TARGET_FIELDS = {"discoveredLabels", "labels", "scrapePool", "scrapeUrl",
                 "globalUrl", "lastError", "lastScrape",
                 "lastScrapeDuration", "health", "scrapeInterval",
                 "scrapeTimeout"}


def test_targets_have_prometheus_shape(lab):
    gate, works, fails = down_and_up(lab)
    data = gate.api("targets")
    assert data["droppedTargets"] == []
    by_name = {each["scrapePool"]: each for each in data["activeTargets"]}
    for name, exporter in (("works", works), ("fails", fails)):
        target = by_name[name]
        assert TARGET_FIELDS <= set(target), TARGET_FIELDS - set(target)
        assert target["labels"] == {"job": name, "instance": exporter.netloc}
        assert target["scrapeUrl"] == exporter.url
        assert isinstance(target["lastScrapeDuration"], (int, float))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"
                            r"(Z|[+-]\d\d:\d\d)", target["lastScrape"])
    reason = by_name["fails"]["scrapeReason"]
    assert {"id", "layer", "phase", "words", "cause", "fix",
            "evidence"} <= set(reason)
    assert reason["id"] == "connect_refused"
    assert reason["layer"] == "tcp"
    assert reason["phase"] == "connect"
    assert reason["words"] == (f"dial tcp {fails.netloc}: connect: "
                               "connection refused")


def test_state_filter(lab):
    gate, _, _ = down_and_up(lab)
    assert len(gate.api("targets?state=active")["activeTargets"]) == 2
    assert gate.api("targets?state=dropped")["activeTargets"] == []
    only = gate.api("targets?scrapePool=fails")["activeTargets"]
    assert [each["scrapePool"] for each in only] == ["fails"]


def test_never_scraped(lab):
    gate = lab.gate(lab.faultd(good()))
    target = gate.target()
    assert target["health"] == "unknown"
    assert target["lastScrape"].startswith("0001-01-01T00:00:00")
    assert target["lastError"] == ""


def test_scrapes(lab):
    """Recent attempts, newest first, with all phases."""
    gate, _, _ = down_and_up(lab)
    data = gate.api("scrapes")
    scrapes = data["scrapes"] if isinstance(data, dict) else data
    assert len(scrapes) == 2
    assert [each["target"] for each in scrapes] == ["fails", "works"]
    for each in scrapes:
        assert set(each["phases"]) == {"queue", "resolve", "connect", "tls",
                                       "processing", "transfer", "parse"}
    assert scrapes[0]["reason"] == "connect_refused"
    assert scrapes[1]["reason"] == "ok"


def promtool(text):
    return subprocess.run(["promtool", "check", "metrics"], input=text,
                          capture_output=True, text=True, check=False)


@pytest.mark.smoke
@pytest.mark.parametrize("where", ["admin", "gate"])
def test_own_metrics(lab, where):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    for behaviour in (good(), say(b""), say(ok(status="500 No")), good()):
        exporter.behaviour = behaviour
        gate.get()
    wait_for(lambda: gate.target()["health"] == "up", what="the records")
    answer = (gate.admin("/metrics") if where == "admin"
              else gate.get("/-/metrics"))
    assert answer.status == 200
    assert answer.header("Content-Type").startswith(
        "text/plain; version=0.0.4")
    result = promtool(answer.text)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    samples = [line for line in answer.text.splitlines()
               if line and not line.startswith("#")]
    names = {re.split(r"[{ ]", line)[0] for line in samples}
    for name in ("scrapegate_scrapes_total", "scrapegate_build_info",
                 "scrapegate_scrape_failures_total", "scrapegate_target_up",
                 "scrapegate_scrape_phase_seconds_sum",
                 "scrapegate_scrape_phase_seconds_count",
                 "scrapegate_scrape_duration_seconds_bucket",
                 "scrapegate_requests_total", "scrapegate_target_samples",
                 "scrapegate_target_body_bytes",
                 "scrapegate_target_last_success_timestamp_seconds",
                 "process_cpu_seconds_total", "process_open_fds",
                 "process_resident_memory_bytes",
                 "process_start_time_seconds"):
        assert name in names, name


def test_series_budget(lab):
    """At most 60 series for one target in its ordinary life."""
    gate = lab.gate(lab.faultd(good()), secure=True)
    for _ in range(3):
        gate.get()
    wait_for(lambda: gate.target()["health"] == "up", what="the record")
    assert len(gate.metrics()) <= 60


def test_metrics_follow_the_scrapes(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    assert gate.metric("scrapegate_scrapes_total", reason="ok") == 0
    assert gate.metric("scrapegate_scrape_failures_total", layer="http") == 0
    gate.get()
    wait_for(lambda: gate.metric("scrapegate_target_up") == 1, what="up")
    assert gate.metric("scrapegate_target_samples") == 2
    exporter.behaviour = say(b"")
    gate.get()
    wait_for(lambda: gate.metric("scrapegate_scrape_failures_total",
                                 layer="http") == 1, what="a failure")
    assert gate.metric("scrapegate_target_up") == 0
    assert gate.metric("scrapegate_target_failure_info",
                       reason="http_closed_before_response") == 1
    assert gate.metric("scrapegate_scrape_duration_seconds_count") == 2
    assert gate.metric("scrapegate_requests_total", code="502") == 1
    exporter.behaviour = good()
    gate.get()
    wait_for(lambda: gate.metric("scrapegate_target_up") == 1, what="up")
    assert gate.metric("scrapegate_target_failure_info") == 0
    age = time.time() - gate.metric(
        "scrapegate_target_last_success_timestamp_seconds")
    assert -5 < age < 120


PAGES = ["/", "/targets", "/metrics", "/api/v1/targets", "/api/v1/scrapes",
         "/-/healthy", "/-/ready"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_for_the_neighbour(lab, path):
    gate = lab.gate(lab.faultd(good()))
    port = gate.listening("admin")[1]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}",
                 f"LOCALHOST:{port}", f"[::1]:{port}"):
        answer = gate.admin(path, {"Host": host})
        if path == "/" and answer.status == 302:
            assert answer.header("Location") == "/targets"
        else:
            assert answer.status == 200, host
    own = {"Origin": f"http://127.0.0.1:{port}"}
    assert gate.admin(path, own).status in (200, 302)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("headers", [
    {"Host": "evil.test"}, {"Host": "localhost.evil.test"},
    {"Host": "127.0.0.1.evil.test"}, {"Host": "10.1.2.3:8442"},
    {"Origin": "http://evil.test"}, {"Origin": "null"},
    {"Origin": "https://localhost.evil.test"}],
    ids=lambda headers: next(iter(headers.values())))
def test_foreign_pages_may_not_look(shared_gate, path, headers):
    """DNS rebinding and cross-site reads."""
    answer = shared_gate.admin(path, headers)
    assert 400 <= answer.status < 500
    assert b"shared" not in answer.body


@pytest.fixture(scope="module")
def shared_gate(shared_lab):
    return shared_lab.gate(config={"targets": [
        {"name": "shared", "url": shared_lab.faultd(good()).url}]})


@pytest.mark.parametrize("method, path, allowed", [
    ("POST", "/metrics", (405,)), ("DELETE", "/api/v1/targets", (405,)),
    ("GET", "/-/reload", (404, 405)), ("GET", "/nope", (404,)),
    ("GET", "/api/v1/nope", (404,)), ("GET", "/metrics/..", (404, 400)),
    ("GET", "//metrics", (400, 404))])
def test_other_requests(shared_gate, method, path, allowed):
    assert shared_gate.admin(path, method=method).status in allowed


def test_admin_by_head(shared_gate):
    answer = shared_gate.admin("/metrics", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_health_listener(lab):
    """For kubelet: two paths, any Host, and no word of the exporter."""
    gate = lab.gate(lab.faultd(backlog=None),
                    config={"health": {"listen": "127.0.0.1:0"}})
    gate.get()  # fails
    address = gate.listening("health")
    for path in ("/-/healthy", "/-/ready"):
        answer = fetch(address, path, {"Host": "10.0.0.9:8081"})
        assert answer.status == 200, answer
    for path in ("/metrics", "/targets", "/api/v1/targets", "/"):
        assert fetch(address, path).status == 404


def test_health_on_the_gate(lab):
    gate = lab.gate(lab.faultd(backlog=None), secure=True)
    for path in ("/-/healthy", "/-/ready"):
        assert gate.get(path).status == 200


def test_admin_off(lab):
    gate = lab.gate(lab.faultd(good()), config={"admin": {"listen": ""}})
    assert gate.get().status == 200
    assert "role=admin" not in gate.log


def test_admin_on_a_unix_socket(lab):
    path = f"{lab.folder}/admin.sock"
    gate = lab.gate(lab.faultd(good()),
                    config={"admin": {"listen": f"unix:{path}"}})
    gate.listening("admin")
    answer = fetch(f"unix:{path}", "/-/ready", {"Host": "localhost"})
    assert answer.status == 200


def test_page_in_a_browser(lab):
    """What the person on call sees: the reason, in words, escaped."""
    gate, _, fails = down_and_up(lab)
    home = lab.folder / "browser"
    result = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--no-proxy-server", "--incognito",
         f"--user-data-dir={home}", "--virtual-time-budget=3000",
         "--dump-dom", f"{admin_url(gate)}/targets"],
        capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    text = re.sub(r"<(script|style)\b.*?</\1>", "", result.stdout,
                  flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "", text)
    for words in ("works", "fails", "connect_refused",
                  f"dial tcp {fails.netloc}: connect: connection refused"):
        assert words in text, text
    assert "<script" not in result.stdout or "src=" not in result.stdout


def test_page_brings_nothing_from_elsewhere(lab):
    """No script, style or font of another host; headers that say so."""
    gate, _, _ = down_and_up(lab)
    answer = gate.admin("/targets")
    assert answer.header("Content-Type").startswith("text/html")
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", answer.text)
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Content-Security-Policy")


def test_unnamed_status_pages(lab):
    """The rest of the API of this size."""
    gate = lab.gate(lab.faultd(good()))
    pools = gate.api("scrape_pools")
    assert pools == {"scrapePools": ["node"]}


def test_health_cannot_be_starved(lab):
    """Those who hold connections without need make room for kubelet."""
    gate = lab.gate(lab.faultd(good()),
                    config={"health": {"listen": "127.0.0.1:0"}})
    host, port = gate.listening("health")
    held = [socket.create_connection((host, port)) for _ in range(100)]
    for each in held[::2]:
        each.sendall(request_bytes("/-/healthy"))
    assert fetch((host, port), "/-/healthy").status == 200
    for each in held:
        each.close()
