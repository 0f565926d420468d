"""The main job: a real node_exporter through TLS, for curl and for a real
Prometheus, and the words it shows when the exporter fails."""

import gzip
import re
import signal
import subprocess

import pytest

from faultd import GOOD_BODY, answer_after, good
from wire import Connection, wait_for

# Collectors whose number of samples does not change while we look.
STEADY = ["cpu", "meminfo", "loadavg", "stat", "uname", "vmstat"]


def curl(gate, *options, path="/metrics", data=False):
    """What curl says to an https gate, verified against the test CA."""
    scheme = "https" if gate.tls else "http"
    command = ["curl", "-sS", "-m", "60", "--noproxy", "*", *options,
               f"{scheme}://{gate.netloc}{path}"]
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 0, (command, result.stderr)
    return result.stdout if data else result.stdout.decode()


@pytest.fixture
def ca(authority):
    return ["--cacert", authority.ca_file]


@pytest.mark.smoke
@pytest.mark.threads
def test_curl(lab, ca):
    gate = lab.gate(lab.node_exporter(), secure=True)
    text = curl(gate, *ca)
    assert re.search(r"^node_load1 \d", text, re.MULTILINE)
    assert "\nnode_uname_info{" in text
    head = curl(gate, *ca, "-D", "-", "-o", "/dev/null")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert re.search(r"^content-type: text/plain; version=0\.0\.4", head,
                     re.MULTILINE | re.IGNORECASE)
    only = curl(gate, *ca, "-G", "--data-urlencode", "collect[]=loadavg")
    assert "node_load1 " in only and "node_uname_info" not in only


def test_self_signed(lab):
    gate = lab.gate(lab.faultd(good()), config={"self_signed": True})
    gate.tls = True
    assert curl(gate, "-k") == GOOD_BODY.decode()
    result = subprocess.run(
        ["openssl", "s_client", "-connect", gate.netloc, "-showcerts"],
        input="", capture_output=True, text=True, check=False)
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-text"], input=result.stdout,
        capture_output=True, text=True, check=True).stdout
    assert "DNS:localhost" in text
    assert "IP Address:127.0.0.1" in text


def test_flags_alone(lab):
    """No file: --upstream is a working TLS gate, and says what it lacks."""
    exporter = lab.faultd(good())
    gate = lab.gate_by_flags("--upstream", exporter.url, "--listen",
                             "127.0.0.1:0", "--admin.listen", "127.0.0.1:0")
    gate.tls = True
    assert curl(gate, "-k") == GOOD_BODY.decode()
    assert "level=warn" in gate.log
    assert gate.target("exporter")["scrapePool"] == "exporter"


def test_head(lab):
    gate = lab.gate(lab.faultd(good()), secure=True)
    with gate.connect() as connection:
        full = connection.get()
        head = connection.get(method="HEAD")
        again = connection.get()
    assert head.status == 200 and head.body == b""
    assert head.header("Content-Length") == full.header("Content-Length")
    assert head.header("Content-Type") == full.header("Content-Type")
    assert again.body == full.body == GOOD_BODY


def test_gzip_and_identity_are_one_answer(lab):
    exporter = lab.node_exporter()
    gate = lab.gate(exporter, secure=True, target={
        "cache": {"ttl": "1h", "once_per_scraper": False}})
    plain = gate.get()
    packed = gate.get(headers={"Accept-Encoding": "gzip"})
    assert plain.header("Content-Encoding") is None
    assert packed.header("Content-Encoding") == "gzip"
    assert len(packed.body) < len(plain.body) / 2
    assert gzip.decompress(packed.body) == plain.body
    for answer in (plain, packed):
        assert {each.strip() for each in answer.header("Vary").split(",")
                } == {"Accept", "Accept-Encoding"}


@pytest.mark.parametrize("value, is_packed", [
    ("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True),
    ("x-gzip", True), ("GZIP", True), ("gzip;q=0", False),
    ("identity", False), ("br", False), ("*;q=0", False), ("", False),
    ("gzip;q=0.000", False), ("identity;q=1, *;q=0", False)])
def test_accept_encoding(lab, value, is_packed):
    gate = lab.gate(lab.faultd(good(GOOD_BODY * 50)))
    answer = gate.get(headers={"Accept-Encoding": value})
    if value in ("*", "x-gzip"):  # both answers are right
        is_packed = answer.header("Content-Encoding") == "gzip"
    assert (answer.header("Content-Encoding") == "gzip") == is_packed
    assert answer.text.encode() == GOOD_BODY * 50


def test_http_1_0(lab, ca):
    gate = lab.gate(lab.faultd(good()), secure=True)
    assert curl(gate, *ca, "--http1.0") == GOOD_BODY.decode()
    with gate.connect() as connection:
        answer = connection.get(version="1.0")
        assert answer.body == GOOD_BODY
        assert connection.read_to_end() == b"", "1.0 closes by default"


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close"])
def test_connection_close(lab, value):
    gate = lab.gate(lab.faultd(good()), secure=True)
    with gate.connect() as connection:
        answer = connection.get(headers={"Connection": value})
        assert answer.body == GOOD_BODY
        assert connection.read_to_end() == b""


@pytest.mark.smoke
@pytest.mark.threads
def test_keep_alive(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, secure=True)
    with gate.connect() as connection:
        for _ in range(300):
            answer = connection.get()
            assert (answer.status, answer.body) == (200, GOOD_BODY)
    assert exporter.request_count == 300
    assert gate.metric("scrapegate_requests_total", code="200") >= 300


def test_curl_reuses_its_connection(lab, ca):
    gate = lab.gate(lab.faultd(good()), secure=True)
    url = f"https://{gate.netloc}/metrics"
    text = curl(gate, *ca, "-w", "%{num_connects}\n", "-o", "/dev/null",
                *["-o", "/dev/null", url] * 3)
    assert text.split() == ["1", "0", "0", "0"]


def test_pipelining(lab):
    gate = lab.gate(lab.faultd(good()), secure=True)
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with gate.connect() as connection:
        connection.send(request * 20)
        for _ in range(20):
            assert connection.answer().body == GOOD_BODY


def s_client(gate, *options, text=""):
    return subprocess.run(
        ["openssl", "s_client", "-connect", gate.netloc, *options],
        input=text, capture_output=True, text=True, timeout=60, check=False)


def test_openssl_versions_and_alpn(lab, authority):
    gate = lab.gate(lab.faultd(good()), secure=True)
    for option, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        result = s_client(gate, option, "-alpn", "h2,http/1.1", "-CAfile",
                          authority.ca_file, "-verify_return_error")
        assert result.returncode == 0, result.stderr
        assert f"New, {name}" in result.stdout
        assert "ALPN protocol: http/1.1" in result.stdout
        assert "Compression: NONE" in result.stdout
    result = s_client(gate, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    assert "Cipher is (NONE)" in result.stdout


def test_h26_no_renegotiation(lab):
    gate = lab.gate(lab.faultd(good()), secure=True)
    result = s_client(gate, "-tls1_2", text="R\n")
    assert "RENEGOTIATING" in result.stdout + result.stderr
    assert re.search(r"no renegotiation|alert|error", result.stderr), result
    assert gate.get().status == 200


def job(name, address, path="/metrics", ca_file=None, **extra):
    config = {"job_name": name, "metrics_path": path,
              "static_configs": [{"targets": [address]}], **extra}
    if ca_file:
        config["scheme"] = "https"
        config["tls_config"] = {"ca_file": ca_file}
    return config


def samples(prometheus):
    return {labels["job"]: value for labels, value in
            prometheus.query("scrape_samples_scraped")}


@pytest.mark.smoke
def test_prometheus_sees_the_same_through_the_gate(lab, authority):
    exporter = lab.node_exporter()
    gate = lab.gate(exporter, secure=True)
    steady = {"params": {"collect[]": STEADY}}
    prometheus = lab.prometheus([
        job("direct", exporter.netloc),
        job("gate", gate.netloc, ca_file=authority.ca_file),
        job("direct-steady", exporter.netloc, **steady),
        job("gate-steady", gate.netloc, ca_file=authority.ca_file, **steady),
    ])
    # Any scrape may come too late for its second, but not all of them.
    for name in ("direct", "gate", "direct-steady", "gate-steady"):
        prometheus.wait_for_target(
            name, lambda each: (each["health"], each["lastError"])
            == ("up", ""))

    def all_seen():
        found = samples(prometheus)
        return len(found) == 4 and (
            found["gate-steady"] == found["direct-steady"] > 50)
    wait_for(all_seen, 60, "four jobs with samples, two of them equal")
    # The whole of it may move by a sample between two scrapes of a busy
    # host, but not for long.
    wait_for(lambda: samples(prometheus)["gate"]
             == samples(prometheus)["direct"] > 300, 60, "equal counts")

    def up():
        return dict((labels["job"], value)
                    for labels, value in prometheus.query("up"))
    wait_for(lambda: up() == {"direct": 1, "gate": 1, "direct-steady": 1,
                              "gate-steady": 1}, 60, "all to be up")


def test_prometheus_shows_why_the_exporter_is_down(lab, authority):
    exporter = lab.node_exporter()
    gate = lab.gate(exporter, secure=True)
    prometheus = lab.prometheus([
        job("node", gate.netloc, ca_file=authority.ca_file)])
    prometheus.wait_for_target("node", lambda each: each["health"] == "up")
    exporter.kill(signal.SIGKILL)
    exporter.process.wait()
    target = prometheus.wait_for_target(
        "node", lambda each: each["health"] == "down"
        and "connect_refused" in each["lastError"])
    assert target["lastError"] == (
        "server returned HTTP status 502 connect_refused: dial tcp "
        f"{exporter.netloc}: connect: connection refused")
    words = (f'Get "{exporter.url}": dial tcp {exporter.netloc}: connect: '
             "connection refused")

    def ours():
        found = gate.target()
        return found["health"], found["lastError"]
    wait_for(lambda: ours() == ("down", words), what="our own API to agree")


def test_u58_prometheus_shows_that_the_exporter_hangs(lab, authority):
    """Stopped by a signal: the kernel still accepts, nobody answers."""
    exporter = lab.node_exporter()
    gate = lab.gate(exporter, secure=True)
    prometheus = lab.prometheus(
        [job("node", gate.netloc, ca_file=authority.ca_file)],
        interval="3s", timeout="3s")
    prometheus.wait_for_target("node", lambda each: each["health"] == "up")
    exporter.kill(signal.SIGSTOP)
    # On a busy machine Prometheus may for once be first to give up.
    target = prometheus.wait_for_target(
        "node", lambda each: each["health"] == "down"
        and each["lastError"].startswith(
            "server returned HTTP status 504 timeout_headers: "))
    exporter.kill(signal.SIGCONT)
    assert "context deadline exceeded" not in target["lastError"]
    prometheus.wait_for_target("node", lambda each: each["health"] == "up")


def test_prometheus_waits_for_a_slow_exporter(lab, authority):
    """12 s for one scrape are fine if Prometheus allows 20 s."""
    exporter = lab.faultd(answer_after(12))
    gate = lab.gate(exporter, secure=True)
    prometheus = lab.prometheus(
        [job("slow", gate.netloc, ca_file=authority.ca_file)],
        interval="20s", timeout="20s")
    target = prometheus.wait_for_target(
        "slow", lambda each: each["health"] != "unknown", 90)
    assert (target["health"], target["lastError"]) == ("up", "")
    assert target["lastScrapeDuration"] >= 12
    phases = gate.target()["scrapePhases"]
    assert phases["processing"] >= 11.9
    wait_for(lambda: prometheus.query("demo_up"), 30, "its sample")


def test_u57_exporter_killed_in_its_answer(lab):
    """Half an answer is never a 200; then nobody listens; then it is back."""
    exporter = lab.faultd(lambda conn: (
        conn.read_request(),
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf 1\n"),
        conn.reset()))
    gate = lab.gate(exporter)
    answer = gate.get()
    assert answer.status == 502
    assert answer.header("X-Scrapegate-Reason") == "body_reset"
    exporter.behaviour = good()
    assert gate.get().body == GOOD_BODY


def test_ipv6(lab):
    exporter = lab.faultd(good(), host="::1")
    gate = lab.gate(exporter, config={"listen": ["[::1]:0"]})
    with Connection(gate.address) as connection:
        assert connection.get().body == GOOD_BODY


def test_gate_on_a_unix_socket(lab):
    path = lab.folder / "gate.sock"
    gate = lab.gate(lab.faultd(good()), config={"listen": [f"unix:{path}"]})
    assert gate.get().body == GOOD_BODY
    assert gate.get(path="/nope").status == 404


def test_two_targets_and_their_paths(lab):
    first, second = lab.faultd(good(b"a 1\n")), lab.faultd(good(b"b 1\n"))
    gate = lab.gate(config={"targets": [
        {"name": "one", "url": first.url},
        {"name": "two", "url": second.url, "path": "/other"}]})
    assert gate.get("/metrics").body == b"a 1\n"
    assert gate.get("/metrics/one").body == b"a 1\n"
    assert gate.get("/other").body == b"b 1\n"
    assert gate.get("/metrics/two").status == 404
    assert gate.get("/proxy?module=two").body == b"b 1\n"
    assert gate.get("/proxy?module=none").status in (400, 404)
    assert gate.get("/proxy").status in (400, 404)


def test_accept_goes_through_verbatim(lab):
    """OpenMetrics for who asks for it."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    accept = ("application/openmetrics-text;version=1.0.0,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
    gate.get(headers={"Accept": accept})
    assert f"\r\nAccept: {accept}\r\n".encode() in exporter.requests[0]


def test_large_answer(lab):
    """6 MB, judged whole, byte for byte; too much to compress in time."""
    body = b"".join(b'big{n="%07d"} %d\n' % (n, n) for n in range(260_000))
    gate = lab.gate(lab.faultd(good(body)), secure=True)
    assert gate.get().body == body
    asked = gate.get(headers={"Accept-Encoding": "gzip"})
    assert asked.header("Content-Encoding") is None
    assert asked.body == body
