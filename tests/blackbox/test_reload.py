"""The configuration changes while the gate serves."""

import json
import os
import re
import signal
import socket
import threading
import time

import pytest
import yaml

import certs
from faultd import GOOD_BODY, answer_when, good
from programs import DEFAULTS, parse_logfmt, split_address
from wire import (Closed, Connection, client_context, request_bytes,
                  wait_for)

OTHER_BODY = b"# TYPE other gauge\nother 1\n"


def write(gate, config):
    """Whole, or a reload would read half of it."""
    text = config if isinstance(config, str) else yaml.safe_dump(
        {**DEFAULTS, **config}, sort_keys=False)
    fresh = gate.config_path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, gate.config_path)


def post(gate, **options):
    return gate.admin("/-/reload", method="POST", **options)


def reload(gate, config):
    write(gate, config)
    answer = post(gate)
    assert answer.status == 200, answer.body


def target(name, exporter, **more):
    return {"name": name, "url": exporter.url, **more}


def plain(*targets, **more):
    return {"insecure_http": True, "targets": list(targets), **more}


def lines(gate, message):
    return [parse_logfmt(line) for line in gate.log.splitlines()
            if f'msg="{message}"' in line or f"msg={message} " in line]


def status(gate, path):
    return gate.get(path).status


def requests(gate, name):
    return gate.metric("scrapegate_requests_total", target=name)


# What a good reload does.


@pytest.mark.smoke
@pytest.mark.parametrize("how", ["signal", "request"])
def test_targets_come_and_go(lab, how):
    first, second = lab.faultd(good()), lab.faultd(good(OTHER_BODY))
    gate = lab.gate(config=plain(target("a", first), target("b", second)))
    for path in ("/metrics/a", "/metrics/b", "/metrics/a"):
        assert status(gate, path) == 200
    wait_for(lambda: gate.metric("scrapegate_scrapes_total", target="a",
                                 reason="ok") == 2, what="the records")
    write(gate, plain(target("c", second, path="/c"),
                      target("a", first, path="/a")))
    if how == "signal":
        gate.process.send_signal(signal.SIGHUP)
        wait_for(lambda: lines(gate, "reloaded"), what="the reload")
    else:
        assert post(gate).text == "reloaded\n"
    assert [status(gate, path) for path in
            ("/a", "/c", "/metrics/a", "/metrics/b")] == [200, 200, 404, 404]
    assert gate.get("/metrics").body == OTHER_BODY, "c is the first one now"
    assert gate.api("scrape_pools")["scrapePools"] == ["a", "c"]
    # The history of what stays, by name; what went is forgotten.
    assert requests(gate, "a") == 3
    assert requests(gate, "b") == 0
    assert requests(gate, "c") == 2
    wait_for(lambda: gate.metric("scrapegate_scrapes_total", target="a",
                                 reason="ok") == 3, what="its history")
    assert "b" not in {dict(labels).get("target")
                       for _, labels in gate.metrics()}
    assert gate.target("a")["health"] == "up"
    config = gate.api("status/config")["yaml"]
    assert yaml.safe_load(config)["targets"][0]["name"] == "c"
    assert lines(gate, "reloaded")[0]["trigger"] == how


def test_limits_change(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    assert status(gate, "/metrics") == 200
    reload(gate, plain(target("a", exporter, body_size_limit=10)))
    answer = gate.get("/metrics")
    assert (answer.status, answer.header("X-Scrapegate-Reason")) == (
        502, "limit_body_size")


def listening(gate):
    return [split_address(row["address"])
            for row in lines(gate, "listening") if row["role"] == "gate"]


def test_listeners_come_and_go(lab):
    exporter, path = lab.faultd(good()), f"unix:{lab.folder}/gate.sock"
    other = f"{lab.loopback}:0"
    gate = lab.gate(config=plain(target("a", exporter)))
    first = gate.address
    reload(gate, plain(target("a", exporter),
                       listen=["127.0.0.1:0", other, path]))
    assert len(listening(gate)) == 3, "one stays and is not named again"
    for address in [first, *listening(gate)[1:]]:
        with Connection(address) as link:
            assert link.get().body == GOOD_BODY
    kept = Connection(listening(gate)[1])
    assert kept.get().body == GOOD_BODY
    reload(gate, plain(target("a", exporter)))
    assert gate.get().body == GOOD_BODY
    with pytest.raises(ConnectionRefusedError):
        Connection(listening(gate)[1])
    assert not os.path.exists(path[len("unix:"):])
    with pytest.raises((Closed, OSError)):
        kept.get()
    kept.close()


def test_tls_comes_and_goes(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    before = gate.connect()
    assert before.get().status == 200
    secure = {"tls_server_config": lab.certificate,
              "targets": [target("a", exporter)]}
    reload(gate, secure)
    with Connection(gate.address, lab.client_tls) as link:
        assert link.get().body == GOOD_BODY
    with pytest.raises(Closed):
        gate.get()
    with pytest.raises((Closed, OSError)):
        before.get()
    before.close()
    reload(gate, plain(target("a", exporter)))
    assert gate.get().body == GOOD_BODY


def test_self_signed_stays_the_same(lab):
    """Clients may have pinned it."""
    exporter = lab.faultd(good())
    config = {"self_signed": True, "targets": [target("a", exporter)]}
    gate = lab.gate(config=config)

    def shown():
        with Connection(gate.address, client_context()) as link:
            return link.socket.getpeercert(True)
    first = shown()
    reload(gate, {**config, "targets": [target("b", exporter)]})
    assert shown() == first


def test_log_level_changes(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    gate.get()
    assert not lines(gate, "request")
    reload(gate, plain(target("a", exporter), log={"level": "debug"}))
    gate.get()
    wait_for(lambda: lines(gate, "request"), what="a debug line")


def test_fixed_keys_say_so(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter), workers=1))
    admin = gate.addresses.setdefault("admin", gate.listening("admin"))
    reload(gate, plain(target("b", exporter), workers=3,
                       memory_budget="32MB",
                       admin={"listen": "127.0.0.1:1"},
                       health={"listen": "127.0.0.1:2"},
                       journal={"path": "/nowhere/journal",
                                "max_size": "1MB"}))
    told = {row["key"]: (row["value"], row["wanted"])
            for row in lines(gate, "only a restart changes this")}
    assert set(told) == {"workers", "memory_budget", "admin.listen",
                         "health.listen", "journal.path",
                         "journal.max_size"}
    assert told["journal.path"] == ("", "/nowhere/journal")
    assert told["workers"] == ("1", "3")
    assert told["admin.listen"] == ("127.0.0.1:0", "127.0.0.1:1")
    assert gate.addresses["admin"] == admin
    shown = yaml.safe_load(gate.api("status/config")["yaml"])
    assert shown["workers"] == 1, "as it is, not as it is wanted"
    assert status(gate, "/metrics/b") == 200, "the rest did change"


def test_credentials_change(lab):
    """And no connection made before is used for them."""
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    numbers = []

    def scrape():
        count = len(exporter.requests)
        assert status(gate, "/metrics") == 200
        numbers.append(exporter.connections)
        return exporter.requests[count].decode()
    scrape()
    assert "Authorization" not in scrape()
    reload(gate, plain(target("a", exporter, authorization={
        "credentials": "one"})))
    assert "Authorization: Bearer one" in scrape()
    reload(gate, plain(target("a", exporter, authorization={
        "credentials": "one"})))
    assert "Authorization: Bearer one" in scrape()
    assert numbers == [1, 1, 2, 3]


def test_kept_answers_are_dropped(lab):
    exporter = lab.faultd(good())
    cached = {"cache": {"ttl": "1h", "once_per_scraper": False}}
    gate = lab.gate(config=plain(target("a", exporter, **cached)))
    assert gate.get().body == gate.get().body == GOOD_BODY
    assert exporter.request_count == 1
    other = lab.faultd(good(OTHER_BODY))
    reload(gate, plain(target("a", other, **cached)))
    assert gate.get().body == OTHER_BODY


# What a bad reload does not do.


def taken_port(lab):
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.listen()
    lab.keep(Held(held))
    return held.getsockname()[1]


class Held:
    def __init__(self, held):
        self.held = held

    def stop(self):
        self.held.close()


def bad_configs(lab, exporter):
    good_part = yaml.safe_dump({**DEFAULTS, **plain(target("a", exporter))})
    pair = lab.certificate
    return {
        "syntax": (good_part + "listen: [\n", r":\d+:\d+: "),
        "unknown key": (good_part + "lisen: []\n", r":\d+:\d+: .*listen"),
        "missing key": (
            {"tls_server_config": {"cert_file": pair["cert_file"]},
             "targets": [target("b", exporter)]}, r":\d+:\d+: .*key"),
        "mismatched pair": (
            {"tls_server_config": {
                "cert_file": pair["cert_file"],
                "key_file": lab.authority.client.key_file},
             "targets": [target("b", exporter)]}, r":\d+:\d+: .*key"),
        "no such certificate": (
            {"tls_server_config": {**pair, "cert_file": "/none/tls.crt"},
             "targets": [target("b", exporter)]}, "/none/tls.crt"),
        "no target": ({"insecure_http": True, "targets": []}, "target"),
        "port taken": (
            plain(target("b", exporter), listen=[
                "127.0.0.1:0", f"127.0.0.1:{taken_port(lab)}"]),
            "ddress already in use"),
    }


@pytest.mark.parametrize("name", [
    "syntax", "unknown key", "missing key", "mismatched pair",
    "no such certificate", "no target", "port taken"])
def test_bad_reload_changes_nothing(lab, name):
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    good_text = gate.config_path.read_text()
    link = gate.connect()
    assert link.get("/metrics/a").status == 200
    loaded = gate.api("status/runtimeinfo")
    assert loaded["reloadConfigSuccess"] is True
    assert loaded["lastReloadError"] == ""
    fds = gate.open_fds()
    config, words = bad_configs(lab, exporter)[name]
    write(gate, config)
    answer = post(gate)
    assert answer.status == 500
    assert re.search(words, answer.text), answer.text
    info = gate.api("status/runtimeinfo")
    assert info["reloadConfigSuccess"] is False
    assert info["lastConfigTime"] == loaded["lastConfigTime"]
    assert info["lastReloadError"] in answer.text
    assert re.search(words, info["lastReloadError"])
    assert gate.metric("scrapegate_config_last_reload_successful") == 0
    failed = lines(gate, "reload failed, the old configuration stays")
    assert len(failed) == 1 and failed[0]["level"] == "error"
    assert re.search(words, failed[0]["error"])
    # Everything is as it was.
    assert link.get("/metrics/a").status == 200
    assert status(gate, "/metrics/a") == 200
    assert status(gate, "/metrics/b") == 404
    assert gate.admin("/-/ready").status == 200
    wait_for(lambda: gate.open_fds() <= fds + 1, what="descriptors")
    write(gate, good_text)
    assert post(gate).status == 200
    info = gate.api("status/runtimeinfo")
    assert (info["reloadConfigSuccess"], info["lastReloadError"]) == (True,
                                                                      "")
    assert info["lastConfigTime"] > loaded["lastConfigTime"]
    assert gate.metric("scrapegate_config_last_reload_successful") == 1
    link.close()


def test_every_error_is_told(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    write(gate, "wrong: 1\nalso_wrong: 2\n")
    text = post(gate).text
    assert "gate0.yml:1:1: " in text and "gate0.yml:2:1: " in text
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_a_vanished_file_is_a_bad_reload(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    text = gate.config_path.read_text()
    gate.config_path.unlink()
    gate.process.send_signal(signal.SIGHUP)
    wait_for(lambda: lines(
        gate, "reload failed, the old configuration stays"), what="the line")
    assert status(gate, "/metrics/a") == 200
    gate.config_path.write_text(text)


# The request.


def test_only_post_reloads(lab):
    gate = lab.gate(lab.faultd(good()))
    for method in ("GET", "HEAD"):
        answer = gate.admin("/-/reload", method=method)
        assert (answer.status, answer.header("Allow")) == (405, "POST")
    for path in ("/metrics", "/api/v1/targets", "/-/ready"):
        assert gate.admin(path, method="POST").status == 405
    assert gate.get("/-/reload", method="POST").status == 405
    assert gate.get("/-/reload").status == 404
    assert post(gate, headers={"Origin": "http://evil.example"}).status == 403
    assert post(gate, headers={"Host": "evil.example"}).status == 403
    assert not lines(gate, "reloaded")
    with Connection(gate.listening("admin")) as link:
        link.send(b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Length: 2\r\n\r\nhi")
        assert link.answer().status == 413
    assert post(gate, headers={"Content-Length": "0"}).status == 200


def test_health_listener_does_not_reload(lab):
    gate = lab.gate(lab.faultd(good()),
                    config={"health": {"listen": "127.0.0.1:0"}})
    with Connection(gate.listening("health")) as link:
        assert link.get("/-/reload", method="POST").status == 405


# What goes on meanwhile.


@pytest.mark.threads
def test_running_scrape_survives_its_target(lab):
    released = threading.Event()
    slow, other = lab.faultd(answer_when(released)), lab.faultd(good())
    gate = lab.gate(config=plain(target("slow", slow), target("a", other)))
    link = gate.connect()
    link.send(request_bytes("/metrics/slow", {
        "X-Prometheus-Scrape-Timeout-Seconds": "60"}))
    wait_for(lambda: slow.request_count == 1, what="the attempt")
    for _ in range(3):
        reload(gate, plain(target("a", other)))
    assert status(gate, "/metrics/slow") == 404
    released.set()
    answer = link.answer()
    assert (answer.status, answer.body) == (200, GOOD_BODY)
    # Its record is there, under its name; the board knows it no more.
    wait_for(lambda: [each["target"] for each in
                      gate.api("scrapes")["scrapes"]] == ["slow"],
             what="the record")
    assert link.get("/metrics/slow").status == 404
    assert link.get("/metrics/a").status == 200
    link.close()


@pytest.mark.threads
def test_running_scrape_times_out_as_it_began(lab):
    released = threading.Event()
    slow = lab.faultd(answer_when(released))
    gate = lab.gate(config=plain(target("slow", slow)))
    link = gate.connect()
    link.send(request_bytes("/metrics", {
        "X-Prometheus-Scrape-Timeout-Seconds": "5"}))
    wait_for(lambda: slow.request_count == 1, what="the attempt")
    reload(gate, plain(target("renamed", slow)))
    answer = link.answer()
    assert answer.header("X-Scrapegate-Reason") == "timeout_headers"
    assert "targets[slow]" not in gate.log
    link.close()
    released.set()


@pytest.mark.threads
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_hundred_reloads_under_load(lab, secure):
    """Targets, listeners and TLS change all the time; nobody notices."""
    exporter = lab.faultd(good())
    base = ({"tls_server_config": lab.certificate} if secure
            else {"insecure_http": True})
    tls = lab.client_tls if secure else None

    def config(number):
        targets = [target("node", exporter, cache={
            "ttl": "5ms" if number % 2 else "0s"})]
        targets += [target(f"t{number % 7}", exporter)]
        listen = ["127.0.0.1:0"]
        if number % 3 == 0:
            listen.append(f"unix:{lab.folder}/extra.sock")
        return {**base, "workers": 2, "targets": targets, "listen": listen}
    gate = lab.gate(config=config(1), tls=tls)
    errors, done, over = [], [0] * 4, threading.Event()

    def scrape(index, keeps):
        link = None
        try:
            while not over.wait(0.002):
                link = link or gate.connect()
                answer = link.get("/metrics/node")
                assert (answer.status, answer.body) == (200, GOOD_BODY)
                done[index] += 1
                if not keeps:
                    link.close()
                    link = None
        except (OSError, Closed, AssertionError) as error:
            errors.append(repr(error))
        if link is not None:
            link.close()
    threads = [threading.Thread(target=scrape, args=(index, index < 2))
               for index in range(4)]
    fds = gate.open_fds()
    for thread in threads:
        thread.start()
    for number in range(100):
        reload(gate, config(number))
    wait_for(lambda: min(done) > 5 or errors, 60, "scrapes of each")
    over.set()
    for thread in threads:
        thread.join()
    reload(gate, config(1))
    assert not errors
    assert len(lines(gate, "reloaded")) == 101
    wait_for(lambda: gate.metric("scrapegate_requests_total", target="node")
             == sum(done), what="every request counted once")
    wait_for(lambda: gate.open_fds() <= fds + 2, what="the descriptors")


def resident_kb(gate):
    text = open(f"/proc/{gate.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


@pytest.mark.smoke
def test_many_reloads_leave_nothing(lab):
    """Leaks are the sanitizer's to find; this is what it cannot see."""
    exporter = lab.faultd(good())
    cached = {"cache": {"ttl": "1h", "once_per_scraper": False}}
    config = {"tls_server_config": lab.certificate,
              "targets": [target("a", exporter, **cached)]}
    gate = lab.gate(config=config, tls=lab.client_tls)

    def many(count):
        for number in range(count):
            gate.get(headers={"Accept": f"text/x{number}"})
            reload(gate, config)
    many(300)  # the board remembers as many attempts
    fds, before = gate.open_fds(), resident_kb(gate)
    many(300)
    wait_for(lambda: gate.open_fds() <= fds, what="the descriptors")
    # Sanitizers keep freed memory for a while.
    maps = open(f"/proc/{gate.pid}/maps").read()
    if "libasan" not in maps and "libtsan" not in maps:
        assert resident_kb(gate) < before + 1024


# Signals.


def test_signal_storm(lab):
    """Few loads, and none of the last change is lost."""
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("t0", exporter)))
    started = time.monotonic()
    for number in range(1, 101):
        write(gate, plain(target(f"t{number}", exporter)))
        gate.process.send_signal(signal.SIGHUP)
    wait_for(lambda: status(gate, "/metrics/t100") == 200, what="the last")
    most = (time.monotonic() - started) / 0.2 + 2
    assert 1 <= len(lines(gate, "reloaded")) <= most


def test_signal_at_the_start(lab):
    """Not lost, and not the end, at whatever moment."""
    for number in range(5):
        gate = lab.gate(lab.faultd(good()), name=f"early{number}",
                        wait=False)
        time.sleep(0.03 * number)
        for _ in range(20):
            gate.process.send_signal(signal.SIGHUP)
            time.sleep(0.0005)
        # Before main() nobody can help it; the end may take a moment.
        wait_for(lambda: gate.process.poll() is not None or
                 "msg=listening role=gate" in gate.log, 60, "the start")
        if gate.process.poll() is not None:
            assert gate.process.returncode == -signal.SIGHUP
            assert gate.log == ""
            gate.is_stopped = True
            continue
        gate.wait_until_listening()
        assert gate.get().status == 200


def test_signal_while_draining(lab):
    released = threading.Event()
    exporter = lab.faultd(answer_when(released))
    gate = lab.gate(exporter)
    link = gate.connect()
    link.send(request_bytes("/metrics", {
        "X-Prometheus-Scrape-Timeout-Seconds": "60"}))
    wait_for(lambda: exporter.request_count == 1, what="the attempt")
    gate.process.terminate()
    wait_for(lambda: lines(gate, "draining"), what="the drain")
    gate.process.send_signal(signal.SIGHUP)
    answer = post(gate)
    assert (answer.status, "draining" in answer.text) == (500, True)
    released.set()
    assert link.answer().status == 200
    link.close()
    assert gate.process.wait(30) == 0
    assert not lines(gate, "reloaded")


# By itself.


def test_web_file_is_watched(lab):
    exporter = lab.faultd(good())
    web = lab.folder / "web.yml"
    web.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    gate = lab.gate_by_flags(
        "--upstream", exporter.url, "--listen", "127.0.0.1:0",
        "--admin.listen", "127.0.0.1:0", "--web.config.file", web)
    assert gate.get().header("X-Frame-Options") == "deny"
    fresh = lab.folder / "web.new"
    fresh.write_text(
        "http_server_config: {headers: {X-Frame-Options: sameorigin}}\n")
    os.replace(fresh, web)
    wait_for(lambda: gate.get().header("X-Frame-Options") == "sameorigin",
             what="the new header")
    web.write_text("nonsense: 1\n")
    wait_for(lambda: not gate.api("status/runtimeinfo")
             ["reloadConfigSuccess"], what="the failure")
    assert gate.get().header("X-Frame-Options") == "sameorigin"


HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"


def protected_web(lab):
    return {"tls_server_config": {
        **lab.certificate, "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": lab.authority.ca_file},
        "basic_auth_users": {"alice": HASH}}


def web_gate(lab, web, **options):
    path = lab.folder / "web.yml"
    path.write_text(yaml.safe_dump(web))
    return path, lab.gate(config={
        "insecure_http": False, "web": {"config": {"file": str(path)}},
        "targets": [target("a", lab.faultd(good()))]}, **options)


@pytest.mark.smoke
@pytest.mark.parametrize("remove, words", [
    (None, r"TLS and authentication \(tls_server_config, basic_auth_users, "
     r"client_auth_type, client_ca_file\)"),
    ("basic_auth_users", r"authentication \(basic_auth_users\)"),
    ("client_auth_type", r"authentication \(client_auth_type")])
def test_files_never_lower_protection(lab, remove, words):
    web = protected_web(lab)
    path, gate = web_gate(lab, web)
    if remove is None:
        path.write_text("")  # as `: > web.yml` does
    else:
        less = {**web, "tls_server_config": dict(web["tls_server_config"])}
        less.pop(remove, None)
        if remove == "client_auth_type":
            less["tls_server_config"][remove] = "VerifyClientCertIfGiven"
        path.write_text(yaml.safe_dump(less))
    wait_for(lambda: not gate.api("status/runtimeinfo")
             ["reloadConfigSuccess"], what="the refusal")
    error = gate.api("status/runtimeinfo")["lastReloadError"]
    assert re.search(f"this would remove {words}.*; reload explicitly "
                     r"\(SIGHUP or POST /-/reload\) if it is meant", error)
    failed = lines(gate, "reload failed, the old configuration stays")
    assert [row["trigger"] for row in failed] == ["files"]
    assert gate.metric("scrapegate_config_last_reload_successful") == 0
    with pytest.raises((Closed, OSError)):
        Connection(gate.address).get()
    context = client_context(lab.authority.ca_file)
    context.load_cert_chain(lab.authority.client.cert_file,
                            lab.authority.client.key_file)
    gate.tls = context
    assert gate.get().status == 401, "still asks who it is"
    # Written again, it is taken by itself; meant, it is taken when asked.
    path.write_text(yaml.safe_dump(web))
    wait_for(lambda: gate.api("status/runtimeinfo")["reloadConfigSuccess"],
             what="the restored one")
    path.write_text("")
    assert post(gate).status == 200
    gate.tls = None
    assert gate.get().body == GOOD_BODY
    changed = lines(gate, "the gate's TLS has changed")
    assert [(row["was"], row["is"]) for row in changed] == [
        ("TLS", "plain HTTP")]


def test_a_waiting_gate_does_not_open_unprotected(lab):
    """The web file is cut off while the certificate is waited for."""
    late = lab.folder / "late"
    path, gate = web_gate(lab, {"tls_server_config": tls_of(late)},
                          wait=False, tls=lab.client_tls)
    wait_for(lambda: "certificate_missing" in gate.log, what="the words")
    path.write_text("")
    wait_for(lambda: lines(gate, "reload failed, the gate stays closed"),
             what="the refusal")
    put_pair(late, lab.authority.gate)
    gate.wait_until_listening()
    assert gate.get().body == GOOD_BODY


@pytest.mark.parametrize("which", ["configuration", "web"])
def test_a_pipe_holds_nothing_up(lab, which):
    path, gate = web_gate(lab, {"http_server_config": {"http2": False}})
    assert gate.get().body == GOOD_BODY
    victim = path if which == "web" else gate.config_path
    victim.unlink()
    os.mkfifo(victim)
    if which == "web":
        wait_for(lambda: not gate.api("status/runtimeinfo")
                 ["reloadConfigSuccess"], what="the refusal")
    answer = post(gate)
    assert answer.status == 500
    assert "ot a regular file" in answer.text
    assert gate.get().body == GOOD_BODY
    gate.stop()


def test_a_configuration_from_a_pipe(lab):
    """As a shell's <(...) gives it: fine for the start, not for a reload."""
    text = yaml.safe_dump({"listen": ["127.0.0.1:0"],
                           "admin": {"listen": "127.0.0.1:0"},
                           **plain(target("a", lab.faultd(good())))})
    pipe = lab.folder / "pipe"
    os.mkfifo(pipe)
    gate = lab.gate_by_flags("--config", pipe, wait=False)
    pipe.write_text(text)
    gate.wait_until_listening()
    assert gate.get().body == GOOD_BODY
    assert post(gate).status == 500
    assert gate.get().body == GOOD_BODY


def test_own_port_is_named(lab):
    """By the address that listens, not as somebody else's."""
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    port = gate.address[1]
    write(gate, plain(target("b", exporter), listen=[f"0.0.0.0:{port}"]))
    answer = post(gate)
    assert answer.status == 500
    assert (f"the gate itself listens there as 127.0.0.1:{port}; only a "
            "restart changes this") in answer.text
    write(gate, plain(target("b", exporter),
                      listen=[f"127.0.0.1:{taken_port(lab)}"]))
    assert "itself" not in post(gate).text
    assert status(gate, "/metrics/a") == 200


def test_configuration_is_not_taken_with_a_certificate(lab):
    """A rotation succeeds while somebody edits the configuration."""
    exporter = lab.faultd(good())
    pair, other = lab.authority.issue("one"), lab.authority.issue("two")
    files = {"cert_file": str(lab.folder / "tls.crt"),
             "key_file": str(lab.folder / "tls.key")}

    def put(from_pair):
        for name in files:
            fresh = lab.folder / "fresh"
            with open(getattr(from_pair, name), "rb") as source:
                fresh.write_bytes(source.read())
            os.replace(fresh, files[name])
    put(pair)
    gate = lab.gate(config={"tls_server_config": files,
                            "targets": [target("a", exporter)]},
                    tls=lab.client_tls)
    write(gate, "half an ed")
    assert post(gate).status == 500
    put(other)

    def serial():
        with gate.connect() as link:
            return int(link.socket.getpeercert()["serialNumber"], 16)
    wait_for(lambda: serial() == other.certificate.serial_number,
             what="the other certificate")
    assert status(gate, "/metrics/a") == 200
    # What is on the disk is still wrong.
    assert gate.metric("scrapegate_config_last_reload_successful") == 0


def test_a_candidate_comes_into_force_with_its_files(lab):
    """The configuration was fine, its certificate came late."""
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    folder = lab.folder / "late"
    write(gate, {"tls_server_config": {
        "cert_file": f"{folder}/tls.crt", "key_file": f"{folder}/tls.key"},
        "targets": [target("b", exporter)]})
    assert post(gate).status == 500
    folder.mkdir()
    for name in ("cert", "key"):
        source = getattr(lab.authority.gate, f"{name}_file")
        (folder / f"tls.{'crt' if name == 'cert' else 'key'}").write_bytes(
            open(source, "rb").read())
    gate.tls = lab.client_tls

    def served():
        try:
            return status(gate, "/metrics/b") == 200
        except (OSError, Closed):
            return False
    wait_for(served, what="the candidate")
    assert gate.api("status/runtimeinfo")["reloadConfigSuccess"] is True


def test_waiting_gate_takes_another_configuration(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(config={
        "tls_server_config": {"cert_file": "/none/c", "key_file": "/none/k"},
        "targets": [target("a", exporter)]}, wait=False)
    wait_for(lambda: "certificate_missing" in gate.log, what="the words")
    assert gate.admin("/-/ready").status == 503
    write(gate, "nonsense: 1\n")
    assert post(gate).status == 500
    assert gate.admin("/-/ready").status == 503
    reload(gate, plain(target("b", exporter)))
    gate.wait_until_listening()
    assert status(gate, "/metrics/b") == 200
    assert gate.admin("/-/ready").status == 200


def put_pair(folder, pair):
    folder.mkdir(exist_ok=True)
    for name, data in (("tls.crt", pair.cert_pem), ("tls.key", pair.key_pem)):
        (folder / "fresh").write_bytes(data)
        os.replace(folder / "fresh", folder / name)


def tls_of(folder, **more):
    return {"cert_file": f"{folder}/tls.crt", "key_file": f"{folder}/tls.key",
            **more}


def test_waiting_gate_waits_for_the_corrected_one(lab):
    """A wrong path, corrected, whose certificate is late, too; then the
    obsolete one's comes."""
    exporter = lab.faultd(good())
    wrong, right = lab.folder / "wrong", lab.folder / "right"
    gate = lab.gate(config={"tls_server_config": tls_of(wrong),
                            "targets": [target("a", exporter)]},
                    wait=False, tls=lab.client_tls)
    wait_for(lambda: "certificate_missing" in gate.log, what="the words")
    write(gate, {"tls_server_config": tls_of(right), "workers": 2,
                 "memory_budget": "32MB", "targets": [target("b", exporter)]})
    answer = post(gate)
    assert answer.status == 500
    assert "right/tls.crt" in answer.text
    assert "gate stays closed" in answer.text
    shown = yaml.safe_load(gate.api("status/config")["yaml"])
    assert shown["targets"][0]["name"] == "b"
    assert lines(gate, "reload failed, the gate stays closed")
    assert not lines(gate, "reload failed, the old configuration stays")
    assert not lines(gate, "only a restart changes this")
    put_pair(wrong, lab.authority.gate)
    wait_for(lambda: [row for row in lines(
        gate, "waiting for the certificate, the gate stays closed")
        if "right/tls.crt" in row["error"]], what="the new words")
    assert not listening(gate)
    put_pair(right, lab.authority.gate)
    gate.wait_until_listening()
    assert status(gate, "/metrics/b") == 200
    info = gate.api("status/runtimeinfo")
    assert (info["reloadConfigSuccess"], info["lastReloadError"]) == (True,
                                                                      "")
    shown = yaml.safe_load(gate.api("status/config")["yaml"])
    assert (shown["workers"], shown["memory_budget"]) == (2, "32MB")


def test_waiting_gate_outlives_a_taken_port(lab):
    """Somebody only tried it: the wait goes on."""
    exporter, late = lab.faultd(good()), lab.folder / "late"
    gate = lab.gate(config={"tls_server_config": tls_of(late),
                            "targets": [target("a", exporter)]},
                    wait=False, tls=lab.client_tls)
    wait_for(lambda: "certificate_missing" in gate.log, what="the words")
    write(gate, plain(target("b", exporter),
                      listen=[f"127.0.0.1:{taken_port(lab)}"]))
    assert post(gate).status == 500
    put_pair(late, lab.authority.gate)
    gate.wait_until_listening()
    assert status(gate, "/metrics/a") == 200


def test_waiting_ends_with_what_files_cannot_mend(lab):
    """The certificate came, but the port is taken: that is an end."""
    folder = lab.folder / "late"
    gate = lab.gate(config={
        "listen": [f"127.0.0.1:{taken_port(lab)}"],
        "tls_server_config": {"cert_file": f"{folder}/c",
                              "key_file": f"{folder}/k"},
        "targets": [target("a", lab.faultd(good()))]}, wait=False)
    wait_for(lambda: "certificate_missing" in gate.log, what="the words")
    folder.mkdir()
    for name, source in (("c", lab.authority.gate.cert_file),
                         ("k", lab.authority.gate.key_file)):
        with open(source, "rb") as pem:
            (folder / name).write_bytes(pem.read())
    assert gate.process.wait(30) == 1
    gate.is_stopped = True
    gate.assert_clean()
    assert "ddress already in use" in lines(gate, "cannot serve")[0]["error"]


def test_certificate_that_ends_soon_is_told_once(lab):
    exporter = lab.faultd(good())
    for days, within in ((40, None), (20, "30d"), (5, "7d"), (0.5, "1d")):
        pair = lab.authority.issue(f"d{days}",
                                   start=certs.now() - 90 * certs.DAY,
                                   end=certs.now() + days * certs.DAY)
        config = {"tls_server_config": {"cert_file": pair.cert_file,
                                        "key_file": pair.key_file},
                  "targets": [target("a", exporter)]}
        gate = lab.gate(config=config, tls=lab.client_tls)
        for _ in range(3):
            reload(gate, config)
        told = [row["within"] for row in lines(gate,
                                               "a certificate ends soon")]
        assert told == ([within] if within else []), days


def test_short_certificate_is_no_news(lab):
    """One for a day that is renewed at its half; and lists by their name."""
    now, hour = certs.now(), certs.DAY / 24
    pair = lab.authority.issue("day", start=now - 10 * hour,
                               end=now + 14 * hour)
    config = {"tls_server_config": {
        "cert_file": pair.cert_file, "key_file": pair.key_file,
        "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": lab.authority.ca_file,
        "client_crl_file": lab.authority.revocations(
            "short", start=now - 60 * hour, end=now + 6 * hour)},
        "targets": [target("a", lab.faultd(good()))]}
    gate = lab.gate(config=config, tls=lab.client_tls)
    reload(gate, config)
    assert not lines(gate, "a certificate ends soon")
    told = lines(gate, "a revocation list ends soon")
    assert [(row["role"], row["within"]) for row in told] == [("crl", "1d")]


def test_api_shape_of_reloads(lab):
    gate = lab.gate(lab.faultd(good()))
    info = json.loads(gate.admin("/api/v1/status/runtimeinfo").body)["data"]
    assert {"reloadConfigSuccess", "lastConfigTime",
            "lastReloadError"} <= set(info)


# What a tightened policy means for connections that are open.


def is_open(link):
    """The next scrape comes through."""
    try:
        return link.get().body == GOOD_BODY
    except (OSError, Closed):
        return False


def test_removed_listener_lets_go(lab):
    """Of its own connections, and of no others; the scrape in work ends."""
    released = threading.Event()
    exporter, slow = lab.faultd(good()), lab.faultd(answer_when(released))
    unix = f"unix:{lab.folder}/gate.sock"
    targets = [target("a", exporter), target("slow", slow)]
    gate = lab.gate(config=plain(*targets, workers=2))
    reload(gate, plain(*targets, workers=2, listen=[
        "127.0.0.1:0", f"{lab.loopback}:0", "0.0.0.0:0", unix]))
    addresses = [gate.address, *listening(gate)[1:]]
    assert len(addresses) == 4
    addresses[2] = ("127.0.0.1", addresses[2][1])
    links = [[Connection(each) for _ in range(6)] for each in addresses]
    assert all(is_open(link) for each in links for link in each)
    busy = Connection(addresses[2])
    busy.send(request_bytes("/metrics/slow", {
        "X-Prometheus-Scrape-Timeout-Seconds": "60"}))
    wait_for(lambda: slow.request_count == 1, what="the attempt")
    reload(gate, plain(*targets, workers=2))
    assert [[is_open(link) for link in each] for each in links] == [
        [True] * 6, [False] * 6, [False] * 6, [False] * 6]
    released.set()
    answer = busy.answer()
    assert (answer.status, answer.header("Connection")) == (200, "close")
    assert busy.read_to_end() == b""
    for link in [busy, *sum(links, [])]:
        link.close()


def test_full_backlog_is_alive(lab):
    """Its owner does not accept just now; we neither wait nor take over."""
    path = f"{lab.folder}/taken.sock"
    exporter = lab.faultd(good())
    gate = lab.gate(config=plain(target("a", exporter)))
    with socket.socket(socket.AF_UNIX) as owner:
        owner.bind(path)
        owner.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(path)
            write(gate, plain(target("a", exporter),
                              listen=["127.0.0.1:0", f"unix:{path}"]))
            answer = post(gate)
            assert (answer.status, "already in use" in answer.text) == (
                500, True)
    assert os.path.exists(path)
    assert gate.get().body == GOOD_BODY
