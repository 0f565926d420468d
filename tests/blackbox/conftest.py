"""Fixtures: every program a test starts is ended with it, and what it wrote
is shown if the test failed."""

import random
import resource
import ssl

import pytest

import certs as certs_module
from faultd import Faultd, good
from nameserver import NameServer
from netns import NetNamespace
from programs import Gate, NodeExporter, Prometheus, client_context

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if soft < min(hard, 8192):
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if call.when in ("call", "teardown") and report.failed:
        for program in getattr(item, "programs", []):
            report.sections.append((f"output of {program.name}",
                                    program.log[-12000:]))


class Lab:
    """Starts things for one owner (a test or a module) and ends them in
    reverse order; the gates first, so their end is clean to judge."""

    def __init__(self, folder, authority):
        self.folder = folder
        self.authority = authority
        self.things = []
        self.programs = []

    def keep(self, thing):
        self.things.append(thing)
        if hasattr(thing, "log"):
            self.programs.append(thing)
        return thing

    @property
    def loopback(self):
        """A loopback address that nobody else is using."""
        return ".".join(["127", str(random.randint(10, 250)),
                         str(random.randint(0, 255)),
                         str(random.randint(1, 254))])

    def faultd(self, behaviour=None, **options):
        options.setdefault("host", self.loopback)
        return self.keep(Faultd(behaviour or good(), **options))

    def node_exporter(self):
        return self.keep(NodeExporter(self.folder, self.loopback))

    def prometheus(self, jobs, **options):
        return self.keep(Prometheus(self.folder, jobs, self.loopback,
                                    **options))

    def name_server(self, table):
        return self.keep(NameServer(table, self.loopback))

    def namespace(self):
        return self.keep(NetNamespace())

    @property
    def client_tls(self):
        return client_context(self.authority.ca_file)

    @property
    def certificate(self):
        return {"cert_file": self.authority.gate.cert_file,
                "key_file": self.authority.gate.key_file}

    def gate(self, upstream=None, target=None, secure=False, **options):
        """A gate before `upstream` (an URL or a Faultd).  `target` adds keys
        to the target, `config` to the file; secure=True gives it TLS."""
        config = options.pop("config", {})
        if isinstance(config, dict):
            config = dict(config)
            if upstream is not None:
                url = getattr(upstream, "url", upstream)
                config.setdefault("targets", [
                    {"name": "node", "url": url, **(target or {})}])
            if secure:
                config["tls_server_config"] = self.certificate
                options.setdefault("tls", self.client_tls)
            elif not config.get("self_signed"):
                config.setdefault("insecure_http", True)
        number = sum(isinstance(each, Gate) for each in self.things)
        options.setdefault("name", f"gate{number}")
        gate = Gate(self.folder, config, **options)
        return self.keep(gate)

    def gate_by_flags(self, *flags, **options):
        number = sum(isinstance(each, Gate) for each in self.things)
        options.setdefault("name", f"gate{number}")
        return self.keep(Gate(self.folder, None, flags, **options))

    def end(self):
        errors = []
        order = sorted(reversed(self.things),
                       key=lambda each: not isinstance(each, Gate))
        for thing in order:
            try:
                thing.stop()
            except AssertionError as error:
                errors.append(str(error))
        assert not errors, "\n".join(errors)


def make_authority(folder):
    """The test CA with the certificates that most tests need."""
    made = certs_module.Authority(folder)
    made.gate = made.issue("gate")
    made.client = made.issue("client", names=("client.test",), usage="client")
    return made


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def lab(tmp_path, authority, request):
    made = Lab(tmp_path, authority)
    request.node.programs = made.programs
    yield made
    made.end()


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory, authority):
    """For tests that leave their gate as they found it."""
    made = Lab(tmp_path_factory.mktemp("shared"), authority)
    yield made
    made.end()


@pytest.fixture
def server_tls(authority):
    """Makes the TLS side of a Faultd: server_tls(pair=None, setup=None)."""
    def make(pair=None, setup=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = pair or authority.gate
        context.load_cert_chain(pair.cert_file, pair.key_file)
        if setup:
            setup(context)
        return context
    return make
