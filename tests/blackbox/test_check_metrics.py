"""check-metrics: verdicts, places, words and exit codes, from every source."""

import json

import pytest

from faultd import good
from programs import run_cli

REFUSED, USAGE = 1, 2

FINE = '# HELP a_total x\n# TYPE a_total counter\na_total{b="c"} 1\n'
BAD = 'a 1\nb{c="d",e="f"} 1,5\n'


def check(text, *arguments):
    return run_cli("check-metrics", *arguments, "-", stdin=text)


@pytest.mark.smoke
def test_a_good_body():
    result = check(FINE)
    assert result.returncode == 0
    assert "Prometheus 3: accepted\nPrometheus 2.42: accepted\n" in result.stdout
    assert "hint:" not in result.stdout and "warning:" not in result.stdout
    assert "1 samples in 1 families" in result.stdout


def test_a_bad_body_names_line_and_column(lab):
    path = lab.folder / "metrics.txt"
    path.write_text(BAD)
    for source in (path, "file:%s" % path):
        result = run_cli("check-metrics", source)
        assert result.returncode == REFUSED
        assert ("Prometheus 3: refused: parse_value_not_number: "
                "line 2 column 16: ") in result.stdout
        assert ('lastError: strconv.ParseFloat: parsing "1,5": invalid '
                'syntax while parsing: "b{c=\\"d\\",e=\\"f\\"} 1,5"'
                ) in result.stdout


def test_versions_differ():
    text = '{"a.b"} 1\n'
    assert check(text).returncode == 0
    assert check(text, "--as", "3").returncode == 0
    result = check(text, "--as=2.42")
    assert result.returncode == REFUSED
    assert "Prometheus 2.42: refused: parse_start_token: line 1 column 1" in (
        result.stdout)


def test_content_type():
    result = check(FINE, "--content-type", "text/html")
    assert result.returncode == REFUSED
    assert "content_type_unsupported: exporter sent text/html" in result.stdout
    assert "Prometheus 2.42: accepted" in result.stdout
    result = check(FINE, "--content-type=application/openmetrics-text")
    assert "om_missing_eof: line 4 column 1" in result.stdout


def test_json():
    result = check('a_ms 1\na_ms 2\nb x\n', "--json")
    assert result.returncode == REFUSED
    answer = json.loads(result.stdout)
    verdict = answer["verdicts"]["3"]
    assert (verdict["reason"], verdict["line"], verdict["column"]) == (
        "parse_value_not_number", 3, 3)
    assert verdict["offending"] == "x"
    assert [each["id"] for each in answer["warnings"]] == ["duplicate_series"]
    assert answer["warnings"][0]["metrics"] == ["a_ms"]
    hints = {(each["id"], each["metric"]) for each in answer["hints"]}
    assert hints == {("base_unit", "a_ms"), ("help_missing", "a_ms"),
                     ("type_missing", "a_ms")}
    assert answer["facts"]["samples"] == 2


@pytest.mark.parametrize("text, hint", [
    ("# HELP a x\n# TYPE a counter\na 1\n", "counter_total: line 2: a:"),
    ("# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
     "total_no_counter: line 2: a_total:"),
    ("# HELP a_sum x\n# TYPE a_sum gauge\na_sum 1\n",
     "reserved_suffix: line 2: a_sum:"),
    ("# HELP a_gauge x\n# TYPE a_gauge gauge\na_gauge 1\n",
     "name_type: line 3: a_gauge:"),
    ("# HELP aB x\n# TYPE aB gauge\naB 1\n", "name_case: line 3: aB:"),
    ("# HELP a:b x\n# TYPE a:b gauge\na:b 1\n", "name_colon: line 3: a:b:"),
    ("# HELP a \n# TYPE a gauge\na 1\n", "help_missing: line 1: a:"),
    ("# TYPE a gauge\na 1\n", "help_missing: line 2: a:"),
    ("# HELP a x\na 1\n", "type_missing: line 2: a:"),
    ("# HELP a_kb x\n# TYPE a_kb gauge\na_kb 1\n", "base_unit: line 3: a_kb:"),
])
def test_hints(text, hint):
    result = check(text)
    assert result.returncode == 0
    found = [line for line in result.stdout.splitlines()
             if line.startswith("hint: ")]
    assert len(found) == 1 and found[0].startswith("hint: " + hint)


def test_usual_metrics_get_no_hints():
    text = ("# HELP h_seconds x\n# TYPE h_seconds histogram\n"
            'h_seconds_bucket{le="1"} 1\nh_seconds_sum 1\nh_seconds_count 1\n')
    assert "hint:" not in check(text).stdout
    text = "# HELP a x\n# TYPE a counter\na_total 1\n# EOF\n"
    result = check(text, "--content-type", "application/openmetrics-text")
    assert result.returncode == 0 and "hint:" not in result.stdout


def test_a_url(lab):
    exporter = lab.faultd(good())
    result = run_cli("check-metrics", exporter.url)
    assert result.returncode == 0
    assert "Prometheus 3: accepted" in result.stdout


def test_a_url_that_fails(lab):
    result = run_cli("check-metrics", "http://127.0.0.1:1/metrics")
    assert result.returncode == REFUSED
    assert "connect_refused: dial tcp 127.0.0.1:1" in result.stderr


def test_terminal_codes_do_not_get_through():
    result = check('{"a","\x1b[2J\x1b]0;x\x07"="b",c="d",c="e"} 1\n')
    assert result.returncode == REFUSED
    assert "\x1b" not in result.stdout and "\x07" not in result.stdout


@pytest.mark.parametrize("arguments", [
    [], ["--as", "4", "-"], ["--as"], ["--nonsense", "-"], ["-", "-"],
    ["--content-type"], ["http://host:port/"],
])
def test_wrong_usage(arguments):
    result = run_cli("check-metrics", *arguments, stdin="")
    assert result.returncode == USAGE
    assert len(result.stderr.splitlines()) == 1


def test_files_that_cannot_be_read(lab):
    for path in (lab.folder, lab.folder / "missing"):
        result = run_cli("check-metrics", path)
        assert result.returncode == REFUSED
        assert str(path) in result.stderr


def test_help():
    result = run_cli("check-metrics", "--help")
    assert result.returncode == 0
    assert "--content-type" in result.stdout
    assert "check-metrics" in run_cli("help").stdout
