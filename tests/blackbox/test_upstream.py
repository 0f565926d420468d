"""What reaches the exporter: a request built from an allow-list."""

import base64
import socket
import threading

import pytest

from faultd import GOOD_BODY, good, ok
from wire import wait_for

# All that a target without credentials may ever be sent.
ALLOWED = {"host", "user-agent", "accept", "accept-encoding",
           "x-prometheus-scrape-timeout-seconds", "connection"}


def parse(request):
    lines = request.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines[1:] if line]
    return lines[0], headers


def header(request, name):
    values = [value for key, value in parse(request)[1]
              if key.lower() == name.lower()]
    assert len(values) <= 1, values
    return values[0] if values else None


@pytest.mark.smoke
def test_request_is_minimal(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    gate.get(timeout=10)
    line, headers = parse(exporter.requests[0])
    assert line == "GET /metrics HTTP/1.1"
    names = [name.lower() for name, _ in headers]
    assert set(names) <= ALLOWED
    assert len(names) == len(set(names))
    assert header(exporter.requests[0], "Host") == exporter.netloc
    assert header(exporter.requests[0], "User-Agent").startswith(
        "scrapegate/")
    assert "text/plain" in header(exporter.requests[0], "Accept")
    assert header(exporter.requests[0], "Accept-Encoding") in (
        None, "identity")
    left = float(header(exporter.requests[0],
                        "X-Prometheus-Scrape-Timeout-Seconds"))
    assert 0 < left <= 9.5


IDENTITY = {
    "Authorization": "Bearer canary-1",
    "Proxy-Authorization": "Basic canary-2",
    "Cookie": "session=canary-3",
    "X-Forwarded-For": "canary-4",
    "Forwarded": "for=canary-5",
    "X-Real-IP": "canary-6",
    "X-Remote-User": "canary-7",
    "x-remote-group": "canary-8",
    "X-Remote-Extra-Scope": "canary-9",
    "X_Remote_User": "canary-10",
    "Impersonate-User": "canary-11",
    "TE": "trailers",
    "Trailer": "canary-12",
    "Upgrade": "h2c",
    "Keep-Alive": "timeout=canary",
    "Range": "bytes=0-1",
    "If-None-Match": '"canary"',
    "User-Agent": "canary-13",
    "Accept-Language": "canary-14",
    "Traceparent": "00-canary",
    "Referer": "http://canary",
    "Origin": "http://canary",
    "Via": "1.1 canary",
    "X-Anything": "canary-15",
}


def test_nothing_of_the_scraper_goes_through(lab):
    """H52, H53: no credential, identity or hop-by-hop header."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    for headers in (IDENTITY, {"Connection": "X-Anything, Keep-Alive",
                               **IDENTITY}):
        assert gate.get(headers=headers).body == GOOD_BODY
    for request in exporter.requests:
        assert b"canary" not in request
        assert {name.lower() for name, _ in parse(request)[1]} <= ALLOWED


def test_host_and_path_come_from_the_configuration(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(f"http://{exporter.netloc}/deep/path?fixed=1")
    gate.get(headers={"Host": "evil.test"})
    line, _ = parse(exporter.requests[0])
    assert line == "GET /deep/path?fixed=1 HTTP/1.1"
    assert header(exporter.requests[0], "Host") == exporter.netloc


@pytest.mark.parametrize("accept, sent", [
    ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", None),
    ("application/openmetrics-text; version=1.0.0", None),
    ("a" * 1024, None),
    ("a" * 1025, "text/plain"),
    ("text/\tplain", "text/plain"),
], ids=["Prometheus", "OpenMetrics", "1 KiB", "longer", "not printable"])
def test_accept(lab, accept, sent):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    assert gate.get(headers={"Accept": accept}).status == 200
    value = header(exporter.requests[0], "Accept")
    if sent is None:
        assert value == accept
    else:
        assert value.startswith(sent)


@pytest.mark.parametrize("query, sent", [
    ("collect[]=cpu&collect[]=mem", "collect%5B%5D=cpu&collect%5B%5D=mem"),
    ("collect%5B%5D=cpu", "collect%5B%5D=cpu"),
    ("name[]=b&collect[]=a", "collect%5B%5D=a&name%5B%5D=b"),
    ("collect[]=a%20b", "collect%5B%5D=a+b"),
    ("collect[]=a+b", "collect%5B%5D=a+b"),
    ("collect[]=%0d%0aX-Evil:%201", "collect%5B%5D=%0D%0AX-Evil%3A+1"),
    ("collect[]=", "collect%5B%5D="),
    ("", None),
])
def test_allowed_query_is_canonical(lab, query, sent):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)
    assert gate.get(f"/metrics?{query}").status == 200
    line, _ = parse(exporter.requests[0])
    suffix = "" if sent is None else f"?{sent}"
    assert line == f"GET /metrics{suffix} HTTP/1.1"


def test_params_and_query_rules(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, target={
        "params": {"module": ["http_2xx"], "a": ["2", "1"]},
        "query": {"allow": ["target", "debug"], "values": {
            "target": ["https://one.test", "https://two.test"],
            "debug": "[0-9]{1,3}"}}})
    for query, status in (
            ("", 200), ("target=https://one.test", 200),
            ("target=https%3A%2F%2Ftwo.test", 200),
            ("target=https://evil.test", 400), ("debug=123", 200),
            ("debug=1234", 400), ("debug=12x", 400), ("collect[]=cpu", 400),
            ("other=1", 400)):
        answer = gate.get(f"/metrics?{query}")
        assert answer.status == status, (query, answer)
        if status == 400:
            assert answer.header("X-Scrapegate-Reason") == "query_not_allowed"
    lines = [parse(request)[0] for request in exporter.requests]
    assert lines == [
        "GET /metrics?a=2&a=1&module=http_2xx HTTP/1.1",
        "GET /metrics?a=2&a=1&module=http_2xx&"
        "target=https%3A%2F%2Fone.test HTTP/1.1",
        "GET /metrics?a=2&a=1&module=http_2xx&"
        "target=https%3A%2F%2Ftwo.test HTTP/1.1",
        "GET /metrics?a=2&a=1&debug=123&module=http_2xx HTTP/1.1",
    ]


def test_proxy_path_consumes_the_first_module(lab):
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, target={"query": {"allow": ["module", "x"]}})
    assert gate.get("/proxy?module=node&x=1").status == 200
    assert gate.get("/proxy?x=1&module=node&module=icmp").status == 200
    assert [parse(each)[0] for each in exporter.requests] == [
        "GET /metrics?x=1 HTTP/1.1", "GET /metrics?module=icmp&x=1 HTTP/1.1"]


def test_basic_auth(lab):
    exporter = lab.faultd(good())
    password = lab.folder / "password"
    password.write_text("pass:word\n")
    expected = "Basic " + base64.b64encode(b"user:pass:word").decode()
    for auth in ({"username": "user", "password": "pass:word"},
                 {"username": "user", "password_file": str(password)}):
        gate = lab.gate(exporter, target={"basic_auth": auth})
        gate.get(headers={"Authorization": "Bearer canary"})
        assert header(exporter.requests[-1], "Authorization") == expected


def test_authorization(lab):
    exporter = lab.faultd(good())
    token = lab.folder / "token"
    token.write_text("from-file\n")
    for auth, expected in (
            ({"credentials": "t0ken"}, "Bearer t0ken"),
            ({"type": "Custom", "credentials": "x y"}, "Custom x y"),
            ({"credentials_file": str(token)}, "Bearer from-file")):
        gate = lab.gate(exporter, target={"authorization": auth})
        gate.get()
        assert header(exporter.requests[-1], "Authorization") == expected


def test_http_headers(lab):
    exporter = lab.faultd(good())
    secret = lab.folder / "secret"
    secret.write_text("from-file")
    gate = lab.gate(exporter, target={"http_headers": {
        "X-Tenant": {"values": ["a"]},
        "X-Secret": {"secrets": ["s3cret"]},
        "X-File": {"files": [str(secret)]}}})
    gate.get(headers={"X-Tenant": "evil"})
    request = exporter.requests[0]
    assert header(request, "X-Tenant") == "a"
    assert header(request, "X-Secret") == "s3cret"
    assert header(request, "X-File") == "from-file"


def test_unix_socket(lab):
    exporter = lab.faultd(good(), unix_path=f"{lab.folder}/exporter.sock")
    gate = lab.gate(exporter, secure=True)
    assert gate.get().body == GOOD_BODY
    assert parse(exporter.requests[0])[0] == "GET /metrics HTTP/1.1"
    assert header(exporter.requests[0], "Host")


def test_https_with_its_own_ca(lab, authority, server_tls):
    names = []

    def note(context):
        context.sni_callback = lambda _, name, __: names.append(name)
    exporter = lab.faultd(good(), tls=server_tls(setup=note))
    gate = lab.gate(exporter, target={"tls_config": {
        "ca_file": authority.ca_file, "server_name": "localhost"}})
    assert gate.get().body == GOOD_BODY
    assert names == ["localhost"]
    wait_for(lambda: gate.target()["health"] == "up", what="the record")
    phases = gate.target()["scrapePhases"]
    assert phases["tls"] > 0 and phases["connect"] > 0


def test_https_with_inline_ca(lab, authority, server_tls):
    exporter = lab.faultd(good(), tls=server_tls(), host="127.0.0.1")
    with open(authority.ca_file, encoding="ascii") as pem:
        gate = lab.gate(exporter, target={"tls_config": {"ca": pem.read()}})
    assert gate.get().body == GOOD_BODY


def test_http_proxy(lab):
    """A plain proxy gets the whole URL."""
    proxy = lab.faultd(good())
    gate = lab.gate("http://exporter.test:9100/metrics",
                    target={"proxy_url": f"http://{proxy.netloc}"})
    assert gate.get().body == GOOD_BODY
    line, headers = parse(proxy.requests[0])
    assert line == "GET http://exporter.test:9100/metrics HTTP/1.1"
    assert {name.lower() for name, _ in headers} <= ALLOWED | {
        "proxy-connection"}


def tunnel(conn):
    """A CONNECT proxy."""
    request = conn.read_request()
    host, port = request.split(b" ")[1].decode().rsplit(":", 1)
    other = socket.create_connection((host, int(port)))
    conn.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    back = threading.Thread(target=pump, args=(other, conn.socket),
                            daemon=True)
    back.start()
    pump(conn.socket, other)
    back.join()
    other.close()


def test_https_through_a_proxy(lab, authority, server_tls):
    exporter = lab.faultd(good(), tls=server_tls())
    proxy = lab.faultd(tunnel)
    gate = lab.gate(exporter, target={
        "proxy_url": f"http://{proxy.netloc}",
        "basic_auth": {"username": "u", "password": "canary"},
        "tls_config": {"ca_file": authority.ca_file,
                       "server_name": "localhost"}})
    assert gate.get().body == GOOD_BODY
    line, _ = parse(proxy.requests[0])
    assert line == f"CONNECT {exporter.netloc} HTTP/1.1"
    # The exporter's credentials are not for the proxy's eyes.
    assert header(proxy.requests[0], "Authorization") is None
    assert header(exporter.requests[0], "Authorization")


def test_proxy_of_the_environment_is_ignored(lab):
    trap = lab.faultd(good(b"trap 1\n"))
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, env={
        "http_proxy": f"http://{trap.netloc}",
        "all_proxy": f"http://{trap.netloc}"})
    assert gate.get().body == GOOD_BODY
    assert trap.connections == 0


def test_credentials_do_not_follow_to_another_host(lab):
    """A redirect leaves the credentials behind."""
    other = lab.faultd(good())

    def redirect(conn):
        conn.read_request()
        conn.send(ok(b"", extra=[f"Location: {other.url}"],
                     status="302 Found"))
        conn.hold()
    exporter = lab.faultd(redirect)
    gate = lab.gate(exporter, target={
        "follow_redirects": True,
        "basic_auth": {"username": "u", "password": "canary"},
        "http_headers": {"X-Token": {"secrets": ["canary"]}}})
    assert gate.get().status == 200
    assert header(exporter.requests[0], "Authorization")
    assert header(other.requests[0], "Authorization") is None


def test_answer_headers_of_the_exporter(lab):
    """Its Content-Type comes through, its private headers do not."""
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    body = b"a 1\n# EOF\n"
    exporter = lab.faultd(good(body, kind, ["Set-Cookie: canary=1",
                                            "Server: canary",
                                            "X-Internal: canary"]))
    gate = lab.gate(exporter)
    answer = gate.get()
    assert (answer.body, answer.header("Content-Type")) == (body, kind)
    assert b"canary" not in answer.head


def test_timeout_header_shrinks(lab):
    """The exporter is told what is left, not what the scraper said."""
    exporter = lab.faultd(good())
    gate = lab.gate(exporter)

    def is_good(name, seconds):
        """Half a second may be over before the exporter is asked."""
        answer = gate.get(f"/metrics?name[]={name}", timeout=seconds)
        return answer.status == 200
    for number, (seconds, most) in enumerate(
            ((10, 9.5), (1, 0.9), (0.5, 0.45), (60, 59.5))):
        name = f"scrape{number}"
        wait_for(lambda: is_good(name, seconds), 60, name)
        told = [float(header(each, "X-Prometheus-Scrape-Timeout-Seconds"))
                for each in exporter.requests if name in parse(each)[0]]
        assert told and 0 < min(told) and max(told) <= most, told


def test_phases_add_up(lab):
    """The work of the exporter is in processing, the rest is elsewhere."""
    def behave(conn):
        while True:
            conn.read_request()
            conn.pause(0.3)
            data = ok()
            conn.send(data[:40])
            conn.pause(0.2)
            conn.send(data[40:])
    gate = lab.gate(lab.faultd(behave))

    def measured():
        """A gate that slept meanwhile gets the rest with the begin."""
        assert gate.get().status == 200
        found = gate.target()
        return found if found["scrapePhases"]["transfer"] >= 0.19 else None
    target = wait_for(measured, what="a rest that came later")
    phases = target["scrapePhases"]
    assert phases["processing"] >= 0.29
    assert phases["tls"] == 0 and phases["resolve"] == 0
    assert target["lastScrapeDuration"] >= sum(phases.values()) * 0.99
