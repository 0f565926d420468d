"""H72: what is secret stays in memory.  Secrets of every kind are planted,
each is seen to be in use, and then nothing the gate ever says holds one: its
log at the lowest level, the admin listener, its answers, a core."""

import hashlib
from itertools import product
import os
import re
import resource
import signal
import subprocess

import pytest
import yaml

import kube_api
from faultd import good, ok
from jwts import AUDIENCE, ISSUER, Issuer
from kube_api import KubeApi
from programs import SANITIZER_OPTIONS, run_cli
from test_basic_auth import basic
from test_identities import bearer, line, write
from wire import wait_for

ADMIN = ["/", "/targets", "/metrics", "/api/v1/targets",
         "/api/v1/scrape_pools", "/api/v1/scrapes", "/api/v1/tls_handshakes",
         "/api/v1/refusals", "/api/v1/status/config",
         "/api/v1/status/buildinfo", "/api/v1/status/runtimeinfo"]


def canary(number, what):
    """No part of another, nor of what is no secret."""
    return f"canary{number:02}x{what}x" + hashlib.sha256(
        what.encode()).hexdigest()[:12]


class Planted:
    """A gate with every kind of secret; `live` are those that were seen to be
    used, `hidden` all that must not be seen anywhere else."""

    def __init__(self, lab, authority, log_format):
        names = ("token", "password", "sa", "upstream", "remote-file",
                 "authorization", "credentials-file", "header", "header-file",
                 "proxy", "query", "foreign", "cookie", "wrong-token",
                 "wrong-password", "bad-token", "proxy-authorization")
        self.lab = lab
        self.secret = {name: canary(number, name)
                       for number, name in enumerate(names)}
        self.issuer = Issuer()
        self.jwt = self.issuer.token()
        self.stranger = Issuer().token()
        self.tokens = self.file("tokens", line("alice", self.secret["token"]))
        self.exporter = lab.faultd(good())
        self.broken = lab.faultd(self.refuses)
        self.api = lab.keep(KubeApi(authority, lab.folder, lab.loopback))
        self.api.rotate(self.secret["sa"])
        self.api.add(self.secret["foreign"], "prom", paths=["/metrics"])
        self.pair = authority.issue("canary-gate")
        hashed = run_cli("hash-password", stdin=self.secret["password"])
        self.hash = hashed.stdout.strip()
        self.gate = lab.gate(
            tls=lab.client_tls, config=self.config(log_format))

    def file(self, name, text):
        path = self.lab.folder / name
        path.write_text(text)
        return path

    @staticmethod
    def refuses(conn):
        """An exporter that wants other credentials than it gets."""
        while True:
            conn.read_request()
            conn.send(ok(b"no\n", status="401 Unauthorized",
                         extra=['WWW-Authenticate: Basic realm="x"']))

    def config(self, log_format):
        secret = self.secret
        unreachable = "http://127.0.0.1:1/metrics"
        targets = [
            {"name": "basic", "url": self.exporter.url, "basic_auth": {
                "username": "u", "password": secret["upstream"]}},
            {"name": "file", "url": self.exporter.url, "basic_auth": {
                "username": "u", "password_file": str(self.file(
                    "remote", secret["remote-file"]))}},
            {"name": "bearer", "url": self.exporter.url, "authorization": {
                "credentials": secret["authorization"]},
             "http_headers": {"X-Key": {
                 "secrets": [secret["header"]],
                 "files": [str(self.file("header",
                                         secret["header-file"]))]}}},
            {"name": "credentials", "url": self.broken.url, "authorization": {
                "credentials_file": str(self.file(
                    "credentials", secret["credentials-file"]))}},
            {"name": "proxy", "url": "http://exporter.test/metrics",
             "proxy_url": f"http://u:{secret['proxy']}@"
                          f"{self.exporter.netloc}"},
            {"name": "down", "url": unreachable, "basic_auth": {
                "username": "u", "password": secret["upstream"]},
             "proxy_url": f"http://u:{secret['proxy']}@127.0.0.1:1"}]
        return {
            "insecure_http": False,
            "tls_server_config": {"cert": self.pair.cert_pem.decode(),
                                  "key": self.pair.key_pem.decode()},
            "basic_auth_users": {"alice": self.hash},
            "auth": {
                "failed_logins_per_address": 0, "failed_logins_per_user": 0,
                "bearer_tokens_file": str(self.tokens),
                "jwt": {"issuer": ISSUER, "audiences": [AUDIENCE],
                        "jwks_file": self.issuer.write(
                            self.lab.folder / "jwks")},
                **self.api.config()},
            "targets": targets,
            "log": {"level": "debug", "format": log_format}}

    @property
    def hidden(self):
        """In all forms in which one may meet them."""
        texts = [*self.secret.values(), self.hash, self.jwt.split(".")[2],
                 self.stranger.split(".")[2],
                 hashlib.sha256(self.secret["token"].encode()).hexdigest()]
        texts += [each for each in self.pair.key_pem.decode().splitlines()
                  if len(each) > 30 and "KEY" not in each]
        for user, name in product(
                ("u", "alice"), ("upstream", "remote-file", "proxy",
                                 "password", "wrong-password")):
            pair = basic(user, self.secret[name])["Authorization"]
            texts.append(pair.split()[1])
        return texts

    def talk(self):
        """Every kind of answer there is; what was said."""
        secret, gate = self.secret, self.gate
        known = bearer(secret["token"])
        foreign = {"Cookie": secret["cookie"],
                   "Proxy-Authorization": f"Basic {secret['cookie']}",
                   "X-Remote-User": secret["cookie"]}
        steps = [
            *[(f"/metrics/{each}", known, 200)
              for each in ("basic", "file", "bearer", "proxy")],
            ("/metrics/credentials", known, 502),
            ("/metrics/down", known, 502),
            ("/metrics", basic("alice", secret["password"]), 200),
            ("/metrics", bearer(self.jwt), 200),
            ("/metrics", bearer(secret["foreign"]), 200),
            ("/metrics", {**known, **foreign}, 200),
            ("/metrics", bearer(secret["wrong-token"]), 401),
            ("/metrics", bearer(f"{secret['bad-token']} x"), 401),
            ("/metrics", bearer(self.stranger), 401),
            ("/metrics", bearer(self.jwt + "x"), 401),
            ("/metrics", basic("alice", secret["wrong-password"]), 401),
            ("/metrics", basic("alice", secret["wrong-password"] * 9), 401),
            ("/metrics", {"Authorization": secret["wrong-token"]}, 401),
            ("/metrics", foreign, 401),
            (f"/metrics?x={secret['query']}", None, 401),
            (f"/metrics?x={secret['query']}", known, 400),
            (f"/metrics?collect[]={secret['query']}&x=1", known, 400),
            ("/nope", known, 404),
            ("/metrics", [*known.items(), *known.items()], 400),
            ("/metrics", {**known, "Connection": "Authorization"}, 400),
            ("/metrics", {**known, "Expect": secret["cookie"]}, 417),
            ("/metrics", {**known, "X": secret["cookie"] * 999}, 431)]
        said = []
        for path, headers, status in steps:
            with gate.connect() as connection:
                answer = connection.get(path, headers)
            assert answer.status == status, (path, headers, answer)
            said.append(answer.head.decode("latin-1") + answer.text)
        for trouble in (kube_api.failing(403), kube_api.truncated,
                        kube_api.html()):
            self.api.trouble = trouble
            answer = gate.get(headers=bearer(secret["wrong-token"] + "2"))
            said.append(answer.head.decode("latin-1") + answer.text)
        self.api.trouble = None
        return said

    def assert_live(self):
        """What the exporters and the API were really shown."""
        asked = "".join(map(str, self.exporter.requests +
                            self.broken.requests))
        secret = self.secret
        pairs = {name: basic("u", secret[name])["Authorization"].split()[1]
                 for name in ("upstream", "remote-file", "proxy")}
        for text in (*pairs.values(), secret["authorization"],
                     secret["credentials-file"], secret["header"],
                     secret["header-file"]):
            assert text in asked, text
        assert self.api.count() >= 2  # they came with the gate's own token
        for name in ("token", "password", "cookie", "query", "foreign"):
            assert secret[name] not in asked, name

    def reload_broken(self):
        """Errors are said at the place where the secrets stand."""
        said = []
        config = yaml.safe_load(self.gate.config_path.read_text())
        for where, value in (
                ("basic_auth_users", {"alice": self.secret["password"]}),
                ("tls_server_config", {
                    "cert": self.pair.cert_pem.decode(),
                    "key": self.pair.key_pem.decode().replace("\n", "\nx")}),
                ("targets", [{"name": "a", "url": "http://u:" + self.secret[
                    "upstream"] + "@exporter.test/"}]),
                ("targets", [{"name": "a", "url": self.exporter.url,
                              "proxy_url": "http://u:" + self.secret[
                                  "proxy"] + "@exporter.test:x/y"}])):
            self.gate.config_path.write_text(
                yaml.safe_dump({**config, where: value}))
            answer = self.gate.admin("/-/reload", method="POST")
            assert answer.status == 500, answer
            said.append(answer.text)
            done = run_cli("check-config", self.gate.config_path)
            assert done.returncode == 1
            said.append(done.stdout + done.stderr)
        self.gate.config_path.write_text(yaml.safe_dump(config))
        done = run_cli("print-config", self.gate.config_path)
        assert done.returncode == 0
        said.append(done.stdout + done.stderr)
        write(self.tokens, f"alice {self.secret['token']}\n")
        wait_for(lambda: "hexadecimal digits" in self.gate.log)
        return said


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_h72_no_secret_is_said(lab, authority, log_format):
    planted = Planted(lab, authority, log_format)
    said = planted.talk()
    planted.assert_live()
    said += planted.reload_broken()
    for path in ADMIN:
        answer = planted.gate.admin(path)
        assert answer.status in (200, 302), path
        said.append(answer.text)
    planted.gate.stop()
    said.append(planted.gate.log)
    everything = "\n".join(said)
    assert "credentials_invalid" in everything
    hidden = planted.hidden
    assert len(hidden) > 25 and min(map(len, hidden)) > 15
    assert [each for each in hidden if each in everything] == []
    assert "canary" not in re.sub(r"canary-(gate|h\d\d)", "", everything)


# Memory, for those who may look at files and processes.

NOBODY = "65534"


def cores(folder):
    return [each for each in os.listdir(folder) if each.startswith("core")]


def test_h72_no_core(lab):
    """However it dies, and whatever limit it was started with."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    most = "unlimited" if hard == resource.RLIM_INFINITY else hard
    gate = lab.gate(lab.faultd(good()), prefix=[
        "prlimit", f"--core={most}"], env={
        "ASAN_OPTIONS": SANITIZER_OPTIONS["ASAN_OPTIONS"] +
        ":disable_coredump=0:handle_abort=0"})
    limits = open(f"/proc/{gate.pid}/limits").read()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    assert gate.get().status == 200
    gate.process.send_signal(signal.SIGABRT)
    assert gate.process.wait(30) == -signal.SIGABRT
    gate.is_stopped = True  # not as it should, and it was not meant to
    gate.log_file.close()
    assert cores(lab.folder) == []


def test_h72_no_look_into_memory(lab):
    """Whoever runs as the same user may not: such processes' files are
    root's.  (Root may look everywhere.)"""
    prefix = []
    if os.getuid() == 0:
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                  "--clear-groups"]
    gate = lab.gate_by_flags(
        "--upstream", lab.faultd(good()).url, "--insecure-http",
        "--listen", "127.0.0.1:0", "--admin.listen", "127.0.0.1:0",
        prefix=prefix)
    status = open(f"/proc/{gate.pid}/status").read()
    assert not re.search(r"^Uid:\s+0", status, re.MULTILINE)
    for name in ("mem", "maps", "environ", "fd"):
        assert os.stat(f"/proc/{gate.pid}/{name}").st_uid == 0
    look = subprocess.run(
        [*prefix, "cat", f"/proc/{gate.pid}/maps"], capture_output=True,
        text=True, check=False)
    assert look.returncode != 0 and look.stdout == ""
    assert gate.get().status == 200
    assert gate.metric("process_open_fds") > 5
