"""SubjectAccessReview: what a scraper may, by real RBAC."""

import pytest

from api_client import User
from tenant import (AUDIENCE, MAY_SCRAPE, METRICS, assert_ok, assert_refused,
                    scrape)
from wire import client_context, wait_for

SERVICE = {"namespace": "monitoring", "apiVersion": "v1",
           "resource": "services", "subresource": "proxy", "name": "node"}
MAY_PROXY = [{"apiGroups": [""], "resources": ["services/proxy"],
              "resourceNames": ["node"], "verbs": ["get"]}]


def assert_asked(tenant, attributes):
    """Exactly one question, and exactly this one."""
    wait_for(tenant.access_reviews, what="audit of the review")
    asked, = tenant.access_reviews()
    assert asked["user"] == tenant.scraper.user
    assert sorted(asked["groups"]) == sorted(tenant.scraper.groups)
    found = {key: asked[key] for key in asked if key.endswith("Attributes")}
    assert found == attributes


def test_allowed_path(lab, tenant):
    tenant.may_scrape()
    gate = tenant.gate(lab, tenant.reviews_all())
    token = tenant.token()
    for _ in range(3):
        assert_ok(scrape(gate, token))
    assert_asked(tenant, {"nonResourceAttributes": METRICS})
    assert tenant.token_reviews() == 1


def test_binding_made_later(lab, tenant):
    exporter = lab.faultd()
    gate = tenant.gate(lab, tenant.reviews_all(cache_denied="1s"), exporter)
    token = tenant.token()
    assert_refused(scrape(gate, token), 403, "access_denied")
    assert exporter.request_count == 0
    tenant.may_scrape()
    wait_for(lambda: scrape(gate, token).status == 200, 10,
             "200 after the binding was made")


def test_denial_is_remembered(lab, tenant):
    gate = tenant.gate(lab, tenant.reviews_all(cache_denied="10m"))
    token = tenant.token()
    for _ in range(3):
        assert_refused(scrape(gate, token), 403, "access_denied")
    assert_asked(tenant, {"nonResourceAttributes": METRICS})


def test_binding_taken_away(lab, tenant):
    tenant.may_scrape()
    gate = tenant.gate(lab, tenant.reviews_all(cache_allowed="1s"))
    token = tenant.token()
    assert_ok(scrape(gate, token))
    tenant.cluster.api.unbind(f"{tenant.name}-scrape")
    wait_for(lambda: scrape(gate, token).status == 403, 10,
             "403 after the binding was taken away")


def test_other_path(lab, tenant):
    """What may be scraped is one path, not the exporter."""
    tenant.may_scrape()
    exporter = lab.faultd()
    gate = lab.gate(config={
        "auth": tenant.reviews_all(),
        "targets": [{"name": "a", "url": exporter.url, "path": "/metrics"},
                    {"name": "b", "url": exporter.url, "path": "/other"}]})
    token = tenant.token()
    assert_ok(scrape(gate, token))
    assert_refused(scrape(gate, token, "/other"), 403, "access_denied")
    asked = [each["nonResourceAttributes"]["path"]
             for each in tenant.access_reviews()]
    assert asked == ["/metrics", "/other"]


def test_one_scraper_is_not_another(lab, tenant):
    tenant.may_scrape()
    gate = tenant.gate(lab, tenant.reviews_all())
    other = tenant.cluster.api.make_service_account(tenant.name, "other")
    allowed, denied = tenant.token(), other.token([AUDIENCE])
    for _ in range(5):
        assert_ok(scrape(gate, allowed))
        assert_refused(scrape(gate, denied), 403, "access_denied")
    assert len(tenant.access_reviews()) == 2


def test_resource(lab, tenant):
    tenant.cluster.api.may(tenant.scraper, MAY_PROXY, f"{tenant.name}-proxy")
    gate = tenant.gate(lab, tenant.reviews_all(resourceAttributes=SERVICE))
    assert_ok(scrape(gate, tenant.token()))
    assert_asked(tenant, {"resourceAttributes": {
        "verb": "get", "namespace": "monitoring", "version": "v1",
        "resource": "services", "subresource": "proxy", "name": "node"}})


@pytest.mark.parametrize("change", [
    {"name": "mysql"}, {"subresource": "status"}, {"resource": "pods"},
    {"apiGroup": "apps"}])
def test_other_resource(lab, tenant, change):
    tenant.cluster.api.may(tenant.scraper, MAY_PROXY, f"{tenant.name}-proxy")
    tenant.may_scrape()  # of no use here: a resource is asked for
    exporter = lab.faultd()
    gate = tenant.gate(lab, tenant.reviews_all(
        resourceAttributes={**SERVICE, **change}), exporter)
    assert_refused(scrape(gate, tenant.token()), 403, "access_denied")
    assert exporter.request_count == 0


REWRITES = {
    "header": ({"byHttpHeader": {"name": "X-Namespace"}},
               lambda namespace: {"headers": {"X-Namespace": namespace}}),
    "query": ({"byQueryParameter": {"name": "namespace"}},
              lambda namespace: {"path": f"/metrics?namespace={namespace}"}),
}


@pytest.mark.parametrize("way", REWRITES)
def test_resource_by_request(lab, tenant, way):
    """kube-rbac-proxy's rewrites: what is asked for is in the request."""
    rewrites, request = REWRITES[way]
    tenant.cluster.api.may(tenant.scraper, MAY_PROXY, f"{tenant.name}-proxy",
                           tenant.name)
    exporter = lab.faultd()
    gate = lab.gate(
        exporter, target={"query": {"allow": ["namespace"]}},
        config={"auth": tenant.reviews_all(
            resourceAttributes={**SERVICE, "namespace": "{{ .Value }}"},
            rewrites=rewrites)})
    token = tenant.token()
    assert_ok(scrape(gate, token, **request(tenant.name)))
    assert_refused(scrape(gate, token, **request("kube-system")), 403,
                   "access_denied")
    assert_refused(scrape(gate, token), 403, "access_denied")
    assert exporter.request_count == 1
    asked = [each["resourceAttributes"]["namespace"]
             for each in tenant.access_reviews()]
    assert asked == [tenant.name, "kube-system"]


def test_client_certificate(lab, tenant, authority):
    """Who it is says the certificate, what it may says Kubernetes."""
    tls = client_context(authority.ca_file)
    tls.load_cert_chain(authority.client.cert_file, authority.client.key_file)
    gate = lab.gate(lab.faultd(), tls=tls, config={
        "insecure_http": False,
        "tls_server_config": {
            **lab.certificate, "client_ca_file": authority.ca_file,
            "client_auth_type": "RequireAndVerifyClientCert"},
        "auth": {"client_certificate": {"user_from": ["san_dns"]},
                 "kubernetes": tenant.kubernetes(access_review=True,
                                                 cache_denied="1s")}})
    assert_refused(scrape(gate), 403, "access_denied")
    tenant.cluster.api.may(User("client.test"), MAY_SCRAPE,
                           f"{tenant.name}-client")
    wait_for(lambda: scrape(gate).status == 200, 10,
             "200 after the binding was made")
    assert {each["user"] for each in tenant.access_reviews()} == {
        "client.test"}
    assert tenant.token_reviews() == 0


def test_reason_for_the_operator(lab, tenant):
    tenant.cluster.api.bind(tenant.scraper, "no-such-role",
                            f"{tenant.name}-dangling")
    gate = tenant.gate(lab, tenant.reviews_all())
    answer = scrape(gate, tenant.token())
    assert_refused(answer, 403, "access_denied")
    assert "no-such-role" not in answer.reason
    wait_for(lambda: "no-such-role" in gate.log, what="the API's reason")


def test_bad_token_is_not_asked_for(lab, tenant):
    gate = tenant.gate(lab, tenant.reviews_all())
    assert_refused(scrape(gate, "garbage"), 401, "credentials_invalid")
    assert tenant.access_reviews() == []


def test_gate_without_permission(lab, tenant):
    """It may ask whose token it is, but not what they may."""
    api = tenant.cluster.api
    api.unbind(f"{tenant.name}-delegates")
    api.may(tenant.gate_account, [
        {"apiGroups": ["authentication.k8s.io"],
         "resources": ["tokenreviews"], "verbs": ["create"]}],
        f"{tenant.name}-half")
    tenant.may_scrape()
    gate = tenant.gate(lab, tenant.reviews_all())
    assert_refused(scrape(gate, tenant.token()), 503,
                   "authz_backend_unavailable")
