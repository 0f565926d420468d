"""What no Prometheus takes fails at the gate, with its id, line and column on
Prometheus' own targets page; everything else is delivered."""

import gzip
import threading

import pytest

from faultd import TEXT, good, ok
from wire import wait_for

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = ("application/vnd.google.protobuf; "
            "proto=io.prometheus.client.MetricFamily; encoding=delimited")
FINE = b"# TYPE a gauge\na 1\n"

# id, line, column, body, Content-Type: what every release refuses.
REFUSED = [
    ("parse_start_token", 2, 1, b"a 1\n<b>\n", TEXT),
    ("parse_value_missing", 2, 9, b'a 1\nb{c="d"}\n', TEXT),
    ("parse_value_not_number", 2, 10, b'a 1\nb{c="d"} 1,5\n', TEXT),
    ("parse_value_out_of_range", 1, 3, b"a 1e999\n", TEXT),
    ("parse_value_bad_char", 1, 3, b"a 0x1p3\n", TEXT),
    ("parse_timestamp_invalid", 1, 5, b"a 1 -5\n", TEXT),
    ("parse_after_timestamp", 1, 6, b"a 1 1.5\n", TEXT),
    ("parse_timestamp_out_of_range", 1, 5, b"a 1 9223372036854775808\n", TEXT),
    ("parse_label_name", 1, 3, b"a{,} 1\n", TEXT),
    ("parse_label_equal", 1, 4, b'a{b-c="d"} 1\n', TEXT),
    ("parse_label_value", 1, 5, b"a{b='c'} 1\n", TEXT),
    ("parse_label_comma", 1, 8, b'a{b="1"c="2"} 1\n# EOF\n', OPENMETRICS),
    ("parse_label_utf8", 1, 5, b'a{b="\xff"} 1\n', TEXT),
    ("parse_help_utf8", 1, 10, b"# HELP a \xff\na 1\n", TEXT),
    ("parse_type_unknown", 1, 10, b"# TYPE a Counter\na 1\n", TEXT),
    ("parse_metadata_name", 1, 8, b"# TYPE 1a counter\n", TEXT),
    ("parse_metadata_text", 1, 9, b"# TYPE a\n# EOF\n", OPENMETRICS),
    ("parse_metadata_linebreak", 1, 10, b"# HELP a\0 1\na 1\n", TEXT),
    ("parse_name_twice", 1, 3, b'a{"b"} 1\n', TEXT),
    ("parse_name_missing", 1, 9, b'{b="c"} 1\n', TEXT),
    ("om_missing_eof", 2, 1, b"a 1\n", OPENMETRICS),
    ("om_data_after_eof", 3, 1, b"a 1\n# EOF\n\n", OPENMETRICS),
    ("om_unit_mismatch", 1, 10, b"# UNIT a seconds\n# EOF\n", OPENMETRICS),
    ("om_timestamp_invalid", 1, 5, b"a 1 NaN\n# EOF\n", OPENMETRICS),
    ("om_exemplar_timestamp", 1, 18, b"a_total 1 # {} 1 Inf\n# EOF\n",
     OPENMETRICS),
]
# Neither has a line: the whole answer is not what it should be.
REFUSED_WHOLE = [
    ("proto_malformed", b"\x05abc", PROTOBUF),
    ("content_type_missing", b"oops", None),
    ("content_type_unparsable", b"oops", "text/plain; version"),
    ("content_type_unsupported", b"oops", "application/json"),
]
# What some release takes.
DELIVERED = [
    ("text under a foreign type", FINE, "text/html"),
    ("text without a type", FINE, None),
    ("names in UTF-8", '{"näme.x",l="v"} 1\n'.encode(), TEXT),
    ("exemplar on a gauge", b"a 1 # {} 1\n# EOF\n", OPENMETRICS),
    ("trailing comma", b'a{b="c",} 1\n# EOF\n', OPENMETRICS),
    ("leading blanks", b"  a 1\n", TEXT),
    ("missing comma", b'a{b="1"c="2"} 1\n', TEXT),
    ("duplicates", b"a 1\na 2\n", TEXT),
    ("NUL", b"a 1\n\0rest", TEXT),
    ("an empty body", b"", TEXT),
    ("only comments", b"# nothing\n", TEXT),
    ("timestamps in seconds", b"a 1 1700000000\n", TEXT),
    # A relabelling may drop the series before anybody minds.
    ("no name", b'a{__name__=""} 1\n', TEXT),
    ("an empty label name", b'{"a",""="b"} 1\n', TEXT),
    ("a label twice", b'a{b="1",b="2"} 1\n', TEXT),
]


def answer(body, content_type=TEXT, extra=()):
    """Content-Type None: no such header."""
    whole = ok(body, content_type, extra)
    if content_type is None:
        whole = whole.replace(b"Content-Type: None\r\n", b"")
    return whole


def serve(body, content_type=TEXT, extra=()):
    whole = answer(body, content_type, extra)

    def behave(conn):
        while True:
            conn.read_request()
            conn.send(whole)
    return behave


def set_body(exporter, *arguments):
    exporter.behaviour = serve(*arguments)


@pytest.fixture(scope="module")
def stage(shared_lab):
    exporter = shared_lab.faultd(good(FINE))
    return exporter, shared_lab.gate(exporter)


@pytest.mark.parametrize("reason, line, column, body, content_type", REFUSED,
                         ids=[row[0] for row in REFUSED])
def test_what_all_refuse(stage, reason, line, column, body, content_type):
    exporter, gate = stage
    before = gate.metric("scrapegate_scrapes_total", reason=reason)
    set_body(exporter, body, content_type)
    got = gate.get()
    assert got.status == 502
    assert got.reason.startswith(f"{reason}: line {line} column {column}: ")
    assert got.header("X-Scrapegate-Reason") == reason
    assert got.text.startswith(got.reason + "\nCause: ")
    assert "\nSeen:  200, " in got.text and "\nDo:    " in got.text
    shown = gate.target()
    assert shown["health"] == "down"
    assert shown["scrapeReason"]["id"] == reason
    assert shown["scrapeReason"]["phase"] == "parse"
    assert shown["lastError"] and "HTTP status" not in shown["lastError"]
    assert gate.metric("scrapegate_scrapes_total",
                       reason=reason) == before + 1
    newest = gate.api("scrapes?limit=1")["scrapes"][0]
    assert (newest["reason"], newest["layer"]) == (reason, "exposition")


@pytest.mark.parametrize("reason, body, content_type", REFUSED_WHOLE,
                         ids=[row[0] for row in REFUSED_WHOLE])
def test_what_is_wrong_as_a_whole(stage, reason, body, content_type):
    exporter, gate = stage
    set_body(exporter, body, content_type)
    got = gate.get()
    assert got.status == 502
    assert got.reason.startswith(f"{reason}: ")
    assert b"oops" not in got.reason.encode()
    assert gate.target()["scrapeReason"]["id"] == reason


@pytest.mark.parametrize("body, content_type", [row[1:] for row in DELIVERED],
                         ids=[row[0] for row in DELIVERED])
def test_what_some_take(stage, body, content_type):
    exporter, gate = stage
    set_body(exporter, body, content_type)
    got = gate.get()
    assert (got.status, got.body) == (200, body)
    assert got.header("Content-Type") == content_type
    assert gate.target()["health"] == "up"


@pytest.mark.smoke
def test_last_error_is_what_prometheus_3_says(stage):
    exporter, gate = stage
    for body, said in (
            (b"a 1\nb 1\r\n", 'strconv.ParseFloat: parsing "1\\r": invalid '
             'syntax while parsing: "b 1\\r"'),
            ('a{b="ü",} 1 x\n'.encode(), 'expected timestamp or new record, '
             'got "x" ("INVALID") while parsing: "a{b=\\"ü\\",} 1 x"'),
    ):
        set_body(exporter, body)
        assert gate.get().status == 502
        assert gate.target()["lastError"] == said
    set_body(exporter, b"<p>", "text/html; charset=latin-1")
    assert gate.get().status == 502
    assert gate.target()["lastError"] == (
        'received unsupported Content-Type "text/html; charset=latin-1" and '
        "no fallback_scrape_protocol specified for target")
    set_body(exporter, b"<p>", "text/")
    assert gate.get().status == 502
    assert gate.target()["lastError"] == (
        'cannot parse Content-Type "text/" and no fallback_scrape_protocol '
        "for target\nmime: expected token after slash")


def test_causes_that_can_be_told(stage):
    exporter, gate = stage
    for body, content_type, words, fix in (
            (b'<!DOCTYPE html><a href="/metrics">metrics</a>', "text/html",
             "content_type_unsupported: exporter sent text/html: a web page, "
             "not metrics", "with the path /metrics"),
            (b"<html>login</html>", TEXT, "parse_start_token: line 1 column "
             "1: a web page, not metrics", "correct path or port"),
            (b"a 1\r\nb 2\r\n", TEXT, "parse_value_not_number: line 1 column "
             "3: the value ends in CR: lines end in CR LF", "cat -A"),
            (b"a 1,5\n", TEXT, "parse_value_not_number: line 1 column 3: a "
             "decimal comma in the value", "LC_ALL=C"),
            (gzip.compress(FINE), TEXT, "parse_start_token: line 1 column 1: "
             "compressed data without a Content-Encoding that says so",
             "Content-Encoding: gzip"),
            (b"\xef\xbb\xbfa 1\n", TEXT, "parse_start_token: line 1 column "
             "1: a byte order mark before the first metric", "without BOM"),
            (b'[{"a": 1}]', TEXT, "parse_start_token: line 1 column 1: JSON, "
             "not metrics", "correct path or port")):
        set_body(exporter, body, content_type)
        got = gate.get()
        assert (got.status, got.reason) == (502, words)
        assert fix in got.text.partition("\nDo:    ")[2]


def test_a_type_of_the_exporters_own_is_not_repeated(stage):
    exporter, gate = stage
    set_body(exporter, b"oops", "evil/words-of-the-exporter")
    got = gate.get()
    assert got.reason.startswith(
        "content_type_unsupported: exporter sent a foreign Content-Type")
    assert "evil" in got.text and "evil" not in got.reason


@pytest.mark.threads
def test_modes(lab):
    exporter = lab.faultd(serve(b"a 1\nb x\n"))
    url = exporter.url
    gate = lab.gate(config={"targets": [
        {"name": "node", "url": url},
        {"name": "report", "url": url, "validate": "report",
         "sample_limit": 1},
        {"name": "off", "url": url, "validate": "off", "sample_limit": 1}]})
    assert gate.get().status == 502
    got = gate.get("/metrics/report")
    assert (got.status, got.body) == (200, b"a 1\nb x\n")
    target = gate.target("report")
    assert target["health"] == "up"
    assert target["scrapeReason"]["id"] == "parse_value_not_number"
    assert target["lastError"].startswith("strconv.ParseFloat")
    assert gate.metric("scrapegate_target_up", target="report") == 1
    got = gate.get("/metrics/off")
    assert (got.status, got.body) == (200, b"a 1\nb x\n")
    target = gate.target("off")
    assert target["scrapeReason"]["id"] == "ok" and target["lastError"] == ""
    assert gate.metric("scrapegate_target_samples", target="off") == 2
    set_body(exporter, b"a 1\nb 1\n")
    assert gate.get("/metrics/report").status == 200
    assert gate.target("report")["scrapeReason"]["id"] == "limit_samples"
    assert gate.get("/metrics/off").status == 200
    assert gate.target("off")["scrapeReason"]["id"] == "ok"


def test_the_same_in_gzip(lab):
    """The exporter's gzip is looked into; the scraper's is made of it."""
    exporter = lab.faultd()
    gate = lab.gate(exporter)
    for body, status in ((b"a 1\n" * 200 + b"b x\n", 502),
                         (b"a 1\n" * 200, 200)):
        packed = gzip.compress(body)
        for whole in (answer(body),
                      answer(packed, TEXT, ("Content-Encoding: gzip",))):
            exporter.behaviour = lambda conn, whole=whole: (
                conn.read_request(), conn.send(whole), conn.finish())
            for headers in ({}, {"Accept-Encoding": "gzip"}):
                got = gate.get(headers=headers)
                assert got.status == status
                if status == 200:
                    text = got.body
                    if got.header("Content-Encoding") == "gzip":
                        text = gzip.decompress(text)
                    assert text == body
                else:
                    assert got.reason.startswith(
                        "parse_value_not_number: line 201 column 3: ")


def test_in_small_pieces(stage):
    exporter, gate = stage
    body = (b"# HELP a_total text\n# TYPE a_total counter\n"
            b'a_total{b="c",d="e"} 1.5e3\n' * 3 + b"b 1 x\n")

    def behave(conn):
        conn.read_request()
        whole = answer(body)
        conn.send(whole[:-len(body)])
        conn.dribble(body, 0.001, 3)
        conn.finish()
    exporter.behaviour = behave
    got = gate.get()
    assert got.reason.startswith("parse_timestamp_invalid: line 10 column 5: ")


LIMITS = [
    ("sample_limit", 2, b"a 1\nb 2\n", b"a 1\nb 2\nc 3\n", "limit_samples",
     "sample limit exceeded: 3 samples, sample_limit of target node is 2",
     "sample limit exceeded"),
    ("label_limit", 2, b'a{b="1"} 1\n', b'x 1\na{b="1",c="2"} 1\n',
     "limit_labels",
     "label_limit exceeded: line 2 column 1, the limit of target node is 2",
     "label_limit exceeded (metric: a, number of labels: 3, limit: 2)"),
    ("label_name_length_limit", 8, b'a{bbbbbbbb="1"} 1\n',
     b'a{bbbbbbbbb="1"} 1\n', "limit_label_name_length",
     "label_name_length_limit exceeded: line 1 column 3, the limit of target "
     "node is 8",
     "label_name_length_limit exceeded (metric: a, label name: bbbbbbbbb, "
     "length: 9, limit: 8)"),
    ("label_value_length_limit", 3, b'a{b="123"} 1\n', b'a{b="1234"} 1\n',
     "limit_label_value_length",
     "label_value_length_limit exceeded: line 1 column 6, the limit of target "
     "node is 3",
     "label_value_length_limit exceeded (metric: a, label name: b, value: "
     '"1234", length: 4, limit: 3)'),
    ("body_size_limit", 13, b"a 1\nbbbbbb 1", b"a 1\nbbbbbb 2\n",
     "limit_body_size",
     "body size limit exceeded: body_size_limit of target node is 13 bytes",
     "body size limit exceeded"),
]


@pytest.mark.parametrize("key, limit, fits, exceeds, reason, words, said",
                         LIMITS, ids=[row[0] for row in LIMITS])
def test_limits(lab, key, limit, fits, exceeds, reason, words, said):
    exporter = lab.faultd(serve(fits))
    gate = lab.gate(exporter, {key: limit})
    assert gate.get().status == 200
    set_body(exporter, exceeds)
    got = gate.get()
    assert (got.status, got.reason) == (502, f"{reason}: {words}")
    target = gate.target()
    assert target["lastError"] == said
    assert target["scrapeReason"]["layer"] == "limit"
    assert gate.metric("scrapegate_scrape_failures_total", target="node",
                       layer="limit") == 1


@pytest.mark.threads
def test_streams_are_reported(lab):
    body = b"a 1\n" * 1000 + b"b x\n"
    exporter = lab.faultd(serve(body))
    gate = lab.gate(exporter, {"stream_above": "1KB", "sample_limit": 100})
    got = gate.get()
    assert (got.status, got.body) == (200, body)
    target = wait_for(
        lambda: gate.target() if gate.target()["lastScrape"][0] != "0" else 0,
        20, "a record")
    assert target["scrapeReason"]["id"] == "parse_value_not_number"
    assert target["scrapeReason"]["words"].startswith("line 1001 column 3: ")
    assert target["health"] == "up"
    set_body(exporter, b"".join(b"a%d 1\n" % n for n in range(1000)))
    assert gate.get().status == 200
    wait_for(lambda: gate.target()["scrapeReason"]["id"] == "limit_samples",
             20, "the limit")
    assert gate.metric("scrapegate_target_samples", target="node") == 1000


def test_files(lab):
    path = lab.folder / "x.prom"
    path.write_bytes(b"a 1\nb x\n")
    gate = lab.gate(f"file:{path}")
    got = gate.get()
    assert got.status == 502
    assert got.reason.startswith("parse_value_not_number: line 2 column 3: ")
    path.write_bytes(FINE)
    got = gate.get()
    assert (got.status, got.body) == (200, FINE)


@pytest.mark.threads
def test_attempts_at_the_same_time(lab):
    """Each has its own verdict, whatever the others read."""
    bad_may_go = threading.Event()

    def behave(conn):
        head = conn.read_request()
        if b"bad" in head:
            whole = answer(b"a 1\n" * 50 + b"b x\n")
            conn.send(whole[:-100])
            conn.wait(bad_may_go)
            conn.send(whole[-100:])
        else:
            conn.send(answer(FINE))
        conn.finish()
    exporter = lab.faultd(behave)
    gate = lab.gate(exporter, {"query": {"allow": ["x"]}})
    seen = {}
    threads = [threading.Thread(
        target=lambda n=n: seen.update({
            n: gate.get(f"/metrics?x=bad{n}", timeout=100)}))
        for n in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: exporter.request_count == 3, 20, "three requests")
    for n in range(5):
        assert gate.get(f"/metrics?x={n}").status == 200
    assert gate.get().status == 200
    bad_may_go.set()
    for thread in threads:
        thread.join()
    for got in seen.values():
        assert got.reason.startswith(
            "parse_value_not_number: line 51 column 3: ")


def test_a_real_prometheus_shows_it(lab):
    bad = lab.faultd(serve(b'a 1\nb{c="d"} 1,5\n'))
    only3 = lab.faultd(serve(FINE, "text/html"))
    gate = lab.gate(config={"targets": [{"name": "bad", "url": bad.url},
                                        {"name": "only3", "url": only3.url}]})
    server = lab.prometheus([
        {"job_name": name, "metrics_path": f"/metrics/{name}",
         "static_configs": [{"targets": [gate.netloc]}]}
        for name in ("bad", "only3")])
    # On a busy machine some scrapes may be too late for it.
    words = ("server returned HTTP status 502 parse_value_not_number: line 2 "
             "column 10: a decimal comma in the value")
    server.wait_for_target("bad", lambda t: (
        t["health"], t["lastError"]) == ("down", words))
    server.wait_for_target("only3", lambda t: t["health"] == "up")
    wait_for(lambda: server.query('a{job="only3"}'), 30, "a sample")


def warnings_of(gate):
    return {each["id"]: each for each in gate.target()["scrapeWarnings"]}


WARNED = {
    "text under a foreign type": "content_type_unsupported",
    "text without a type": "content_type_missing",
    "names in UTF-8": "parse_start_token",
    "exemplar on a gauge": "om_exemplar_not_allowed",
    "trailing comma": "parse_label_name",
    "leading blanks": "leading_blank",
    "missing comma": "missing_comma",
    "duplicates": "duplicate_series",
    "NUL": "nul_byte",
    "an empty body": "body_empty",
    "only comments": "no_samples",
    "timestamps in seconds": "timestamp_seconds",
    "no name": "series_name_missing",
    "an empty label name": "series_name_invalid",
    "a label twice": "series_label_duplicate",
}


@pytest.mark.parametrize("name, body, content_type", DELIVERED,
                         ids=[row[0] for row in DELIVERED])
def test_warnings(stage, name, body, content_type):
    exporter, gate = stage
    set_body(exporter, body, content_type)
    assert gate.get().status == 200
    assert WARNED[name] in warnings_of(gate)
    newest = gate.api("scrapes?limit=1")["scrapes"][0]
    assert WARNED[name] in newest["warnings"] and newest["delivered"]
    assert gate.metric("scrapegate_target_warnings",
                       warning=WARNED[name]) == 1
    page = gate.admin("/targets").text
    assert f"<dt>{WARNED[name]}</dt>" in page
    set_body(exporter, FINE)
    assert gate.get().status == 200
    assert not warnings_of(gate)
    assert not gate.metric("scrapegate_target_warnings")
    assert gate.api("scrapes?limit=1")["scrapes"][0]["warnings"] == []


@pytest.mark.threads
def test_offenders_and_facts(lab):
    lines = [b"# HELP big_total text\n# TYPE big_total counter\n"]
    lines += [b'big_total{n="%d"} 1\n' % n for n in range(100)]
    lines += [b"twice %d\n" % n for n in range(4)]
    lines += [b"three %d\n" % n for n in range(3)]
    lines += [b"process_open_fds 7\n", b"process_start_time_seconds 1.7e9\n",
              b"oops\n"]
    exporter = lab.faultd(serve(b"".join(lines)))
    gate = lab.gate(exporter, {"sample_limit": 120})
    assert gate.target()["scrapeFacts"] == {}
    assert gate.get().status == 502
    lines.remove(b"oops\n")
    set_body(exporter, b"".join(lines))
    assert gate.get().status == 200
    found = warnings_of(gate)
    duplicate = found["duplicate_series"]
    assert duplicate["count"] == 5 and duplicate["firstLine"] == 104
    assert duplicate["metrics"] == ["twice", "three"]
    assert found["limit_near"]["metrics"] == ["sample_limit"]
    facts = gate.target()["scrapeFacts"]
    assert facts["samples"] == 109 and facts["families"] == 5
    assert facts["largest"][0]["metric"] == "big_total"
    assert facts["largest"][0]["samples"] == 100
    assert facts["process"] == {"process_open_fds": 7,
                                "process_start_time_seconds": 1.7e9}
    assert "seriesAdded" not in facts
    lines[1:3] = [b'big_total{n="new"} 1\n']
    set_body(exporter, b"".join(lines))
    assert gate.get().status == 200
    facts = gate.target()["scrapeFacts"]
    assert (facts["seriesAdded"], facts["seriesGone"]) == (1, 2)
    # A failure in between changes nothing, nor does a reload.
    set_body(exporter, b"oops")
    assert gate.get().status == 502
    assert gate.target()["scrapeFacts"] == facts
    assert gate.admin("/-/reload", method="POST").status == 200
    lines += [b"newest 1\n"]
    set_body(exporter, b"".join(lines))
    assert gate.get().status == 200
    facts = gate.target()["scrapeFacts"]
    assert (facts["seriesAdded"], facts["seriesGone"]) == (1, 0)


@pytest.mark.parametrize("count, is_near", [(8, False), (9, True)])
def test_would_exceed_at_80_percent(lab, count, is_near):
    body = b"".join(b"a%d 1\n" % n for n in range(count))
    gate = lab.gate(lab.faultd(serve(body)), {"sample_limit": 10})
    assert gate.get().status == 200
    assert ("limit_near" in warnings_of(gate)) == is_near


def test_one_line_when_a_warning_starts_and_ends(lab):
    exporter = lab.faultd(serve(b"a 1\na 2\n"))
    gate = lab.gate(exporter)
    for _ in range(3):
        assert gate.get().status == 200
    start = gate.wait_for_line(r'msg="scrape warning" target=node '
                               r'warning=duplicate_series .*count=1 line=2 '
                               r'metrics=a ')
    assert start
    set_body(exporter, FINE)
    for _ in range(8):
        assert gate.get().status == 200
    gate.wait_for_line(r'msg="scrape warning ended" target=node '
                       r'warning=duplicate_series ')
    assert gate.log.count('msg="scrape warning"') == 1
    assert gate.log.count('msg="scrape warning ended"') == 1


def test_what_is_reported_is_a_warning_too(lab):
    exporter = lab.faultd(serve(b"a 1\nb x\n"))
    gate = lab.gate(exporter, {"validate": "report"})
    assert gate.get().status == 200
    found = warnings_of(gate)
    assert list(found) == ["parse_value_not_number"]
    assert found["parse_value_not_number"]["firstLine"] == 2
    newest = gate.api("scrapes?limit=1")["scrapes"][0]
    assert newest["reason"] == "parse_value_not_number"
    assert newest["delivered"] is True


FALLBACKS = [
    ("PrometheusText0.0.4", b"a 1\n", "text/plain; "),
    ("PrometheusText1.0.0", b"a 1\n", "text/plain; "),
    ("OpenMetricsText1.0.0", b"a 1\n# EOF\n",
     "application/openmetrics-text; "),
    ("OpenMetricsText0.0.1", b"a 1\n# EOF\n",
     "application/openmetrics-text; "),
]


@pytest.mark.parametrize("protocol, body, prefix", FALLBACKS,
                         ids=[row[0] for row in FALLBACKS])
def test_fallback_repairs_the_type(lab, protocol, body, prefix):
    exporter = lab.faultd(serve(body))
    gate = lab.gate(config={"targets": [
        {"name": name, "url": exporter.url, "stream_above": above,
         "fallback_scrape_protocol": protocol}
        for name, above in (("node", "8MB"), ("stream", 1))]})
    for wrong in (None, "text/html", "text/", "metrics"):
        set_body(exporter, body, wrong)
        for path in ("/metrics", "/metrics/stream"):
            for method in ("GET", "HEAD"):
                got = gate.get(path, method=method)
                assert got.status == 200
                assert got.header("Content-Type").startswith(prefix)
        assert not warnings_of(gate)
    # A good one stays, even if it is another.
    fine = "text/plain; version=0.0.4; x=y"
    set_body(exporter, b"a 1\n", fine)
    for path in ("/metrics", "/metrics/stream"):
        assert gate.get(path).header("Content-Type") == fine
    # It is read as what it is said to be.
    set_body(exporter, b"a 1\n# EOF\nb 1 2 3\n", "text/html")
    got = gate.get()
    assert got.status == 502
    assert got.reason.startswith(
        "om_data_after_eof" if "Open" in protocol else "parse_after_timestamp")


def test_fallback_needs_no_look(lab):
    gate = lab.gate(lab.faultd(serve(FINE, None)),
                    {"fallback_scrape_protocol": "PrometheusText0.0.4",
                     "validate": "off"})
    assert gate.get().header("Content-Type").startswith("text/plain; ")
