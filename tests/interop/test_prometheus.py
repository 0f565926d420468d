"""A real Prometheus with a ServiceAccount's token, before a real exporter."""

import forged
from wire import wait_for


def job(name, gate, ca_file, token_file):
    return {"job_name": name, "scheme": "https",
            "static_configs": [{"targets": [gate.netloc]}],
            "tls_config": {"ca_file": ca_file},
            "authorization": {"credentials_file": str(token_file)}}


def test_scrape_job(lab, tenant, authority, tmp_path):
    exporter = lab.node_exporter()
    gate = lab.gate(exporter, secure=True, config={
        "auth": tenant.reviews_all(cache_denied="1s")})
    files = {"good": tenant.token(), "bad": forged.other_audience(tenant)}
    for name, token in files.items():
        (tmp_path / name).write_text(token)
    prometheus = lab.prometheus([
        job(name, gate, authority.ca_file, tmp_path / name)
        for name in files])

    def fault(name, words):
        target = prometheus.wait_for_target(
            name, lambda each: each["health"] == "down")
        assert f"server returned HTTP status {words}: " in target["lastError"]
    fault("bad", "401 credentials_invalid")
    fault("good", "403 access_denied")
    tenant.may_scrape()
    prometheus.wait_for_target("good", lambda each: each["health"] == "up")
    wait_for(lambda: [value for labels, value in prometheus.query(
        "node_load1") if labels["job"] == "good"], 30, "a sample")
    assert not [labels for labels, _ in prometheus.query("node_load1")
                if labels["job"] == "bad"]
