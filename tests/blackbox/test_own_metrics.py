"""What the gate tells of itself, and what that costs: series are multiplied by
thousands of pods."""

import hashlib
import shutil
import subprocess

import pytest

from faultd import good

SERIES_MAX = 60


def text_of(gate):
    answer = gate.admin("/metrics")
    assert answer.status == 200
    return answer.text


def count_series(text):
    return sum(1 for line in text.splitlines()
               if line and not line.startswith("#"))


def assert_valid(text):
    if not shutil.which("promtool"):
        return
    result = subprocess.run(["promtool", "check", "metrics"], input=text,
                            capture_output=True, text=True)
    assert result.returncode == 0 and not result.stderr and not result.stdout


@pytest.fixture
def pod(lab):
    """As in a pod: TLS, a login, an admin and a health listener."""
    (lab.folder / "tokens").write_text(
        f"prometheus {hashlib.sha256(b'secret').hexdigest()}\n")

    def make(**config):
        return lab.gate(lab.faultd(good()), secure=True, config={
            "auth": {"bearer_tokens_file": "tokens"},
            "health": {"listen": "127.0.0.1:0"}, **config})

    return make


def scrape(gate):
    token = {"Authorization": "Bearer secret"}
    assert gate.get(headers=token).status == 200
    assert gate.get(headers=token, method="HEAD").status == 200


@pytest.mark.smoke
def test_at_most_sixty_series_by_default(pod):
    gate = pod()
    before = text_of(gate)
    assert count_series(before) <= SERIES_MAX, before
    scrape(gate)
    text = text_of(gate)
    assert count_series(text) <= SERIES_MAX, text
    assert_valid(before)
    assert_valid(text)
    assert "_bucket{target=\"node\",phase=" not in text


def test_full_detail(pod):
    gate = pod(metrics_detail="full")
    text = text_of(gate)
    for line in [
            'scrapegate_scrapes_total{target="node",reason="ok"} 0',
            'scrapegate_scrapes_total{target="node",'
            'reason="connect_refused"} 0',
            'scrapegate_refusals_total{reason="path_unknown"} 0',
            'scrapegate_scrape_phase_seconds_bucket{target="node",'
            'phase="tls",le="60"} 0']:
        assert line in text.splitlines()
    scrape(gate)
    assert_valid(text_of(gate))
    histogram = "scrapegate_scrape_phase_seconds"
    for suffix, labels in [("_bucket", {"le": "+Inf"}), ("_count", {})]:
        assert gate.metric(histogram + suffix, target="node",
                           phase="processing", **labels) == 2
    total = gate.metric(histogram + "_sum", target="node", phase="processing")
    assert total > 0
    # It is one key, and a reload is enough.
    text = gate.config_path.read_text()
    gate.config_path.write_text(text.replace("metrics_detail: full", ""))
    assert gate.admin("/-/reload", method="POST").status == 200
    assert count_series(text_of(gate)) <= SERIES_MAX
    assert gate.metric(histogram + "_count", target="node",
                       phase="processing") == 2


def test_where_the_manual_is(lab):
    """The last line of a failed answer leads there, without the internet."""
    exporter = lab.faultd()
    gate = lab.gate(exporter)
    exporter.stop()
    last = gate.get().text.splitlines()[-1]
    assert last == "More:  /reasons#connect_refused on the admin listener"
    page = gate.admin("/reasons")
    assert page.status == 200
    assert 'id="connect_refused"' in page.text
    assert '"/reasons#connect_refused"' in gate.admin("/targets").text
    last = gate.get("/nothing").text.splitlines()[-1]
    assert last == "More:  /reasons#path_unknown on the admin listener"
    # It is no page of the gate itself.
    assert gate.get("/reasons").status == 404
