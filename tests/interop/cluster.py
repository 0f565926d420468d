"""A Kubernetes control plane as small as it goes: a real etcd and a real
kube-apiserver with RBAC, no kubelet, no controllers.

KUBE_APISERVER names the program, which build-apiserver makes.
"""

import contextlib
import json
import os
import random
import signal
import socket

import yaml

from certs import Authority
from api_client import KubeApi
from programs import ROOT, Program
from signing_key import SigningKey
from wire import wait_for

KUBE_APISERVER = os.environ.get(
    "KUBE_APISERVER", os.path.join(ROOT, "build/interop/kube-apiserver"))
ISSUER = "https://kubernetes.default.svc"
START_SECONDS = 120
# What the gate asks, and whom; nobody else asks for this in a cluster.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Request", "resources": [
            {"group": "authorization.k8s.io",
             "resources": ["subjectaccessreviews"]}]},
        {"level": "Metadata", "resources": [
            {"group": "authentication.k8s.io",
             "resources": ["tokenreviews"]}]},
        {"level": "Metadata", "nonResourceURLs": ["/openid/*"]},
        {"level": "None"},
    ],
}


def loopback():
    """A loopback address that nobody else is using."""
    return ".".join(["127", str(random.randint(10, 250)),
                     str(random.randint(0, 255)),
                     str(random.randint(1, 254))])


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Etcd(Program):
    def __init__(self, folder, host):
        client, peer = (f"http://{host}:{free_port(host)}" for _ in range(2))
        super().__init__(folder, "etcd", [
            "etcd", "--name=interop", f"--data-dir={folder}/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=interop={peer}"])
        self.url = client
        self.wait_for_line("ready to serve client requests|"
                           "serving insecure client requests")


class Cluster:
    """Programs, keys and files of one control plane."""

    def __init__(self, folder):
        self.folder = folder
        self.host = loopback()
        self.authority = Authority(folder, "Cluster CA")
        self.serving = self.authority.issue(
            "apiserver", names=(self.host, "kubernetes.default.svc"))
        admin = self.authority.issue("admin", names=(), usage="client",
                                     groups=("system:masters",))
        self.keys = [SigningKey(folder, "sa0")]
        self.policy_file = folder / "audit.yml"
        self.policy_file.write_text(yaml.safe_dump(AUDIT_POLICY))
        self.audit_log = folder / "audit.log"
        self.audit_log.touch()
        self.programs = []
        self.server = None
        self.etcd = self.keep(Etcd(folder, self.host))
        self.api = KubeApi(self.host, free_port(self.host),
                           self.authority.ca_file, admin)
        try:
            self.start_api()
        except BaseException:
            self.stop()
            raise

    def keep(self, program):
        self.programs.append(program)
        return program

    @property
    def ca_file(self):
        return self.authority.ca_file

    @property
    def jwks_url(self):
        return f"{self.api.url}/openid/v1/jwks"

    def flags(self):
        given = {
            "etcd-servers": self.etcd.url,
            "bind-address": self.host,
            "secure-port": self.api.port,
            # Nobody is to find this server: it is no cluster's member.
            "advertise-address": self.host,
            "endpoint-reconciler-type": "none",
            "tls-cert-file": self.serving.cert_file,
            "tls-private-key-file": self.serving.key_file,
            "client-ca-file": self.authority.ca_file,
            "authorization-mode": "RBAC",
            "anonymous-auth": "false",
            "service-account-issuer": ISSUER,
            "service-account-signing-key-file": self.keys[-1].private_file,
            "service-cluster-ip-range": "10.0.0.0/24",
            "audit-policy-file": self.policy_file,
            "audit-log-path": self.audit_log,
            "profiling": "false",
        }
        return ([f"--{name}={value}" for name, value in given.items()]
                + [f"--service-account-key-file={key.public_file}"
                   for key in self.keys])

    def start_api(self):
        """Waits until it is ready; nothing if it is up."""
        if self.server is not None:
            return
        server = self.keep(Program(
            self.folder, f"kube-apiserver{len(self.programs)}",
            [KUBE_APISERVER, *self.flags()]))

        def is_ready():
            assert server.process.poll() is None, "kube-apiserver ended"
            return self.api.is_ready()
        try:
            wait_for(is_ready, START_SECONDS, "kube-apiserver ready")
        except AssertionError as error:
            server.kill()
            raise AssertionError(f"{error}:\n{server.log[-8000:]}") from None
        self.server = server

    def stop_api(self):
        """At once, as if its machine had died."""
        self.server.kill()
        self.server.process.wait()
        self.server.stop()
        self.server = None

    @contextlib.contextmanager
    def hanging_api(self):
        """It still takes connections, as the kernel does that, and says
        nothing."""
        self.server.kill(signal.SIGSTOP)
        # Not before its last thread has stopped.
        os.waitid(os.P_PID, self.server.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.server.kill(signal.SIGCONT)

    def rotate_signing_key(self):
        """The old key's tokens stay good; new ones carry the new key."""
        self.keys.append(SigningKey(self.folder, f"sa{len(self.keys)}"))
        self.stop_api()
        self.start_api()

    def stop(self):
        for program in reversed(self.programs):
            program.stop()

    # What it was asked.

    def events(self, user, resource=None):
        """What `user` asked, oldest first: audit events.  Of one resource
        (tokenreviews, subjectaccessreviews), or of all."""
        found = []
        for line in self.audit_log.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # is being written
            event = json.loads(line)
            kind = event.get("objectRef", {}).get("resource")
            if event["user"].get("username") == user and (
                    resource is None or resource == kind):
                found.append(event)
        return found
