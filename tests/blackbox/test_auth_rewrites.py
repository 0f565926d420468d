"""What is asked about is what the exporter gets."""

import pytest

from faultd import good
from kube_api import ACCESS_REVIEWS, KubeApi

PROM = "system:serviceaccount:monitoring:prometheus"
TOKEN = "eyJ.prometheus.token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("query", [
    "namespace=shop&namespace=bank", "namespace=bank&namespace=shop",
    "namespace=shop&%6eamespace=bank", "namespace=shop&namespace",
    "namespace=shop&namespace=shop"])
def test_a_second_value(lab, authority, tmp_path, query):
    """kube-rbac-proxy asks for each of them; here there may be but one, or one
    that is allowed would open the door for another."""
    api = lab.keep(KubeApi(authority, tmp_path, lab.loopback))
    api.add(TOKEN, PROM)
    api.allowed.add((PROM, ("shop", "", "v1", "services", "", "")))
    exporter = lab.faultd(good())
    gate = lab.gate(exporter, target={"query": {"allow": ["namespace"]}},
                    config={"auth": api.config(
                        access_review=True,
                        rewrites={"byQueryParameter": {"name": "namespace"}},
                        resourceAttributes={
                            "namespace": "{{ .Value }}", "apiVersion": "v1",
                            "resource": "services"})})
    answer = gate.get(f"/metrics?{query}", headers=BEARER)
    assert (answer.status, answer.header("X-Scrapegate-Reason")) == (
        403, "access_denied")
    assert api.count(ACCESS_REVIEWS) == 0
    assert gate.get("/metrics?namespace=shop", headers=BEARER).status == 200
    assert len(exporter.requests) == 1
