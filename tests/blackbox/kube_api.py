"""A stand-in for the Kubernetes API, and a strict one.

It speaks TokenReview and SubjectAccessReview as published, hands out what a
test puts there, takes nothing else
and notes everything a client does that an API server would not like; stop()
fails the test then.  And it can misbehave, as the network and real servers do.
"""

import http.server
import json
import socket
import ssl
import struct
import threading
import time

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
KEYS = "/openid/v1/jwks"

# The published schema of what may be posted, by hand: a kind, or a mapping of
# names to schemas; a name that ends in "!" has to be there, not empty.
STRINGS = [str]
USER_INFO = {"user": str, "groups": STRINGS, "uid": str, "extra": dict}
SCHEMAS = {
    TOKEN_REVIEWS: {
        "apiVersion!": "authentication.k8s.io/v1", "kind!": "TokenReview",
        "metadata": dict, "spec!": {"token!": str, "audiences": STRINGS}},
    ACCESS_REVIEWS: {
        "apiVersion!": "authorization.k8s.io/v1",
        "kind!": "SubjectAccessReview", "metadata": dict,
        "spec!": {**USER_INFO,
                  "resourceAttributes": {
                      "namespace": str, "verb!": str, "group": str,
                      "version": str, "resource": str, "subresource": str,
                      "name": str},
                  "nonResourceAttributes": {"path!": str, "verb!": str}}},
}


def faults(value, schema, where="body"):
    """What is wrong with `value`, as a list of words."""
    if isinstance(schema, str):
        return [] if value == schema else [f"{where} is {value!r}"]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [each for item in value
                for each in faults(item, schema[0], where + "[]")]
    if isinstance(schema, type):
        return [] if isinstance(value, schema) else [
            f"{where} is no {schema.__name__}"]
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    found = []
    known = {name.rstrip("!"): each for name, each in schema.items()}
    for name in value:
        if name not in known:
            found.append(f"{where}.{name} is unknown")
        else:
            found += faults(value[name], known[name], f"{where}.{name}")
    for name in schema:
        if name.endswith("!") and not value.get(name[:-1]):
            found.append(f"{where}.{name[:-1]} is missing")
    return found


def no_twins(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a name twice in {names}"
    return dict(pairs)


class User:
    """Whose token it is, and what it was made for."""

    def __init__(self, name, groups=(), audiences=("scrapegate",)):
        self.name = name
        self.groups = list(groups)
        self.audiences = list(audiences)


class KubeApi:
    """`users` maps tokens to Users, `allowed` holds (user, what): what is a
    path, or (namespace, group, version, resource, subresource, name).

    `trouble` is a function of one Handler that answers in its own way and
    returns True, or changes handler.review and returns None.
    """

    log = ""
    name = "kube_api"

    def __init__(self, authority, folder, host="127.0.0.1"):
        self.users = {}
        self.allowed = set()
        self.reason = None       # of a no
        self.gate_token = "gate-token-1"
        self.own_audience = "https://kubernetes.default.svc"
        self.keys = {"keys": []}
        self.documents = {}      # what may be read: path and query
        self.trouble = None
        self.requests = []       # (when, path, body)
        self.violations = []
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.token_file = folder / "gate-token"
        self.write_token(self.gate_token)
        self.ca_file = authority.ca_file
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = authority.issue("kube-api", names=(host,))
        context.load_cert_chain(pair.cert_file, pair.key_file)
        self.tls = context
        self.host = host
        self.port = 0
        self.server = None
        self.start()

    # Life.

    def start(self):
        self.server = Server((self.host, self.port), self)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def go_down(self):
        """Nobody listens there any more, and connections are gone."""
        self.server.shutdown()
        self.server.server_close()
        self.server.cut_all()
        self.thread.join()
        self.server = None

    def stop(self):
        self.stopped.set()
        if self.server is not None:
            self.go_down()
        assert not self.violations, self.violations

    # What it knows.

    @property
    def url(self):
        return f"https://{self.host}:{self.port}"

    def write_token(self, token):
        """As the kubelet replaces it: a new file takes the name."""
        fresh = self.token_file.with_suffix(".new")
        fresh.write_text(token)
        fresh.replace(self.token_file)

    def rotate(self, token):
        """The old one is void from here on."""
        self.gate_token = token
        self.write_token(token)

    def config(self, **more):
        """An auth section for a gate that asks here."""
        return {"kubernetes": {
            "api_server": self.url, "ca_file": self.ca_file,
            "token_file": str(self.token_file),
            "token_review": {"audiences": ["scrapegate"]}, **more}}

    def add(self, token, name, groups=(), audiences=("scrapegate",),
            paths=()):
        self.users[token] = User(name, groups, audiences)
        self.allowed |= {(name, path) for path in paths}

    def count(self, path=None):
        with self.lock:
            return sum(path is None or each[1] == path
                       for each in self.requests)

    def bodies(self, path):
        with self.lock:
            return [each[2] for each in self.requests if each[1] == path]

    def times(self):
        """When each request came here, the first one first."""
        with self.lock:
            return sorted(when for when, _, _ in self.requests)

    def note(self, words):
        with self.lock:
            self.violations.append(words)

    def record(self, path, body):
        with self.lock:
            self.requests.append((time.monotonic(), path, body))

    # What it says.

    def review_token(self, spec):
        user = self.users.get(spec["token"])
        wanted = spec.get("audiences") or [self.own_audience]
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        common = [each for each in wanted if each in user.audiences]
        if not common:
            words = (f"token audiences {json.dumps(user.audiences)} is "
                     f"invalid for the target audiences {json.dumps(wanted)}")
            return {"user": {}, "error": f"[invalid bearer token, {words}]"}
        return {"authenticated": True,
                "user": {"username": user.name, "uid": "3061453d",
                         "groups": user.groups,
                         "extra": {"authentication.kubernetes.io/"
                                   "credential-id": ["JTI=81553fa2"]}},
                "audiences": common}

    def review_access(self, spec):
        path = spec.get("nonResourceAttributes", {}).get("path")
        what = path
        if path is None:
            names = ("namespace", "group", "version", "resource",
                     "subresource", "name")
            what = tuple(spec["resourceAttributes"].get(each, "")
                         for each in names)
        if (spec.get("user"), what) in self.allowed:
            return {"allowed": True, "reason": "RBAC: allowed by "
                    'ClusterRoleBinding "scrape" of ClusterRole "scrape"'}
        status = {"allowed": False}
        if self.reason:
            status["reason"] = self.reason
        return status


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, api):
        self.api = api
        self.open = set()
        super().__init__(address, Handler)

    def cut_all(self):
        for each in list(self.open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it went by itself

    def handle_error(self, request, client_address):
        """A client that goes away in the middle is no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        """The handshake, here, where it holds up nobody else."""
        self.request.settimeout(30)
        self.request = self.server.api.tls.wrap_socket(
            self.request, server_side=True)
        self.server.open.add(self.request)
        super().setup()

    def finish(self):
        self.server.open.discard(self.request)
        try:
            super().finish()
        except OSError:
            pass
        self.request.close()

    def log_message(self, *_):
        pass

    @property
    def api(self):
        return self.server.api

    # Ways to answer.

    def send(self, status, body, headers=(), kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def send_status(self, code, message, headers=()):
        self.send(code, {"kind": "Status", "apiVersion": "v1", "metadata": {},
                         "status": "Failure", "message": message,
                         "code": code}, headers)

    def reset(self):
        """An RST instead of an answer."""
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.request.close()
        raise ConnectionAbortedError

    def truncate(self, data, length):
        """Says more than it sends."""
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    # Requests.

    def do_POST(self):
        self.answer(SCHEMAS)

    def do_GET(self):
        self.answer((KEYS, *self.api.documents))

    def do_HEAD(self):
        self.refuse(405, "HEAD")

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD

    def refuse(self, code, words):
        self.api.note(f"{self.command} {self.path}: {words}")
        self.close_connection = True
        self.send_status(code, words)

    def answer(self, paths):
        body = self.read_body()
        if self.path not in paths:
            self.refuse(404, "no such path")
        elif self.command == "POST" and not self.is_review(body):
            pass
        else:
            self.api.record(self.path, self.posted)
            self.serve()

    def read_body(self):
        self.posted = None
        if self.headers.get("Transfer-Encoding"):
            self.api.note("a body without a length")
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def is_review(self, body):
        if self.headers.get("Content-Type") != "application/json":
            self.refuse(415, f"type {self.headers.get('Content-Type')}")
            return False
        if "application/json" not in self.headers.get("Accept", ""):
            self.refuse(406, f"Accept {self.headers.get('Accept')}")
            return False
        try:
            self.posted = json.loads(body, object_pairs_hook=no_twins)
        except (ValueError, AssertionError) as error:
            self.refuse(400, f"body: {error}")
            return False
        found = faults(self.posted, SCHEMAS[self.path])
        spec = self.posted.get("spec", {})
        if self.path == ACCESS_REVIEWS:
            kinds = {"resourceAttributes", "nonResourceAttributes"}
            if len(kinds & set(spec)) != 1:
                found.append("not exactly one kind of attributes")
            if not (spec.get("user") or spec.get("groups")):
                found.append("neither user nor groups")
        if found:
            self.refuse(422, "; ".join(found))
        return not found

    def is_gate(self):
        given = self.headers.get_all("Authorization") or []
        return given == [f"Bearer {self.api.gate_token}"]

    def serve(self):
        self.review = None
        if not self.is_gate():
            self.send_status(401, "Unauthorized")
            return
        if self.posted is not None:
            spec = self.posted["spec"]
            status = (self.api.review_token(spec)
                      if self.path == TOKEN_REVIEWS
                      else self.api.review_access(spec))
            managed = {"f:spec": {"f:audiences": {}, "f:token": {}}}
            self.review = {
                "kind": self.posted["kind"],
                "apiVersion": self.posted["apiVersion"],
                "metadata": {"managedFields": [{
                    "manager": "unknown", "operation": "Update",
                    "apiVersion": self.posted["apiVersion"],
                    "fieldsType": "FieldsV1", "fieldsV1": managed}]},
                "spec": spec, "status": status}
        trouble = self.api.trouble
        if trouble and trouble(self):
            return
        if self.path == KEYS:
            self.send(200, self.api.keys, kind="application/jwk-set+json")
        elif self.posted is None:
            self.send(200, self.api.documents[self.path])
        else:
            self.send(201, self.review)


# Troubles: each is given the Handler.

def slow(seconds):
    def trouble(handler):
        handler.api.stopped.wait(seconds)
    return trouble


def failing(code, headers=()):
    def trouble(handler):
        handler.send_status(code, "out of order", headers)
        return True
    return trouble


def html(code=200):
    def trouble(handler):
        handler.send(code, b"<html>Sorry.</html>", kind="text/html")
        return True
    return trouble


def elsewhere(handler):
    handler.send(302, b"", [("Location", handler.api.url + handler.path)])
    return True


def truncated(handler):
    data = json.dumps(handler.review).encode()
    handler.truncate(data, len(data) + 10)
    return True


def huge(handler):
    handler.review["metadata"]["annotations"] = {"x": "x" * (1 << 20)}


def reset(handler):
    handler.reset()


def twins(handler):
    """The status twice; the second one says yes."""
    text = json.dumps(handler.review)
    yes = '"status": {"authenticated": true, "allowed": true}}'
    handler.send(201, (text[:-1] + ", " + yes).encode())
    return True


def trailing(handler):
    handler.send(201, json.dumps(handler.review).encode() + b"{}")
    return True


def status(**fields):
    """A status with these fields changed; None takes one out."""
    def trouble(handler):
        for name, value in fields.items():
            handler.review["status"].pop(name, None)
            if value is not None:
                handler.review["status"][name] = value
    return trouble


def head(**fields):
    """Another kind or apiVersion."""
    def trouble(handler):
        handler.review.update(fields)
    return trouble
