"""The Kubernetes API as its clients see it: one request, one answer."""

import http.client
import json
import ssl

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def bindings(namespace):
    if namespace is None:
        return "clusterrolebindings"
    return f"namespaces/{namespace}/rolebindings"


class Refused(Exception):
    """The API said no where a test needs a yes."""


class KubeApi:
    """Asks as the administrator, or as the owner of a token."""

    def __init__(self, host, port, ca_file, admin):
        self.host = host
        self.port = port
        self.url = f"https://{host}:{port}"
        self.ca_file = ca_file
        self.plain = ssl.create_default_context(cafile=ca_file)
        self.admin = ssl.create_default_context(cafile=ca_file)
        self.admin.load_cert_chain(admin.cert_file, admin.key_file)

    def ask(self, method, path, body=None, token=None):
        """(status, answer); the answer is parsed if it is JSON."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=30,
            context=self.plain if token is not None else self.admin)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body),
                headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if "json" in answer.getheader("Content-Type", ""):
            return answer.status, json.loads(data)
        return answer.status, data.decode()

    def must(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status not in (200, 201):
            raise Refused(f"{method} {path}: {status} {answer}")
        return answer

    def is_ready(self):
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    # Objects.

    def make_namespace(self, name):
        self.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def make_service_account(self, namespace, name):
        self.must("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts",
                  {"metadata": {"name": name}})
        return ServiceAccount(self, namespace, name)

    def may(self, account, rules, name, namespace=None):
        """A ClusterRole with these rules, and its binding: everywhere, or in
        one namespace."""
        self.must("POST", f"{RBAC}/clusterroles",
                  {"metadata": {"name": name}, "rules": rules})
        self.bind(account, name, name, namespace)

    def bind(self, account, role, name, namespace=None):
        self.must(
            "POST", f"{RBAC}/{bindings(namespace)}",
            {"metadata": {"name": name},
             "subjects": [account.subject],
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io",
                         "kind": "ClusterRole", "name": role}})

    def unbind(self, name, namespace=None):
        self.must("DELETE", f"{RBAC}/{bindings(namespace)}/{name}")

    # Reviews, as the gate posts them.

    def review_token(self, token, audiences=(), as_token=None):
        spec = {"token": token}
        if audiences:
            spec["audiences"] = list(audiences)
        return self.ask(
            "POST", "/apis/authentication.k8s.io/v1/tokenreviews",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
             "spec": spec}, as_token)

    def review_access(self, user, groups, attributes, as_token=None):
        """`attributes` has one key, resourceAttributes or
        nonResourceAttributes."""
        return self.ask(
            "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {"apiVersion": "authorization.k8s.io/v1",
             "kind": "SubjectAccessReview",
             "spec": {"user": user, "groups": list(groups), **attributes}},
            as_token)


class User:
    """Somebody whom Kubernetes knows by name only."""

    def __init__(self, name):
        self.user = name
        self.subject = {"kind": "User", "name": name,
                        "apiGroup": "rbac.authorization.k8s.io"}


class ServiceAccount:
    def __init__(self, api, namespace, name):
        self.api = api
        self.namespace = namespace
        self.name = name
        self.user = f"system:serviceaccount:{namespace}:{name}"
        self.groups = ["system:serviceaccounts",
                       f"system:serviceaccounts:{namespace}",
                       "system:authenticated"]
        self.subject = {"kind": "ServiceAccount", "name": name,
                        "namespace": namespace}
        self.path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"

    def token(self, audiences=(), seconds=3600):
        """A new token by the TokenRequest API; no audience means the API's
        own."""
        answer = self.api.must(
            "POST", f"{self.path}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
             "spec": {"audiences": list(audiences),
                      "expirationSeconds": seconds}})
        return answer["status"]["token"]

    def delete(self):
        self.api.must("DELETE", self.path)

    def make_again(self):
        """Of the same name, but not the same: its tokens are void."""
        self.delete()
        self.api.make_service_account(self.namespace, self.name)
