"""What deploy/ ships: the demo exporter, the quickstart, the manifests, the
image and the unit.  Manifests are read the way their consumers read them, and
what the README shows is tried."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import urllib.request

import pytest
import yaml

from programs import GATE, ROOT, Program, run_cli
from wire import wait_for

DEPLOY = os.path.join(ROOT, "deploy")
QUICKSTART = os.path.join(DEPLOY, "quickstart")
# Where the quickstart builds; shared with whoever runs it by hand.
BUILD = os.environ.get("QUICKSTART_BUILD", os.path.join(ROOT, "build"))
DEMO = os.path.join(os.path.dirname(GATE), "demo-exporter")
# Where Kubernetes puts a ServiceAccount's token, and where the gate looks.
POD = "/var/run/secrets/kubernetes.io/serviceaccount/"
PHASES = ["queue", "resolve", "connect", "tls", "processing", "transfer",
          "parse"]


def read(*parts):
    with open(os.path.join(DEPLOY, *parts), encoding="utf-8") as file:
        return file.read()


def documents(*parts):
    return list(yaml.safe_load_all(read(*parts)))


def yaml_files():
    return sorted(
        os.path.relpath(os.path.join(folder, name), DEPLOY)
        for folder, _, names in os.walk(DEPLOY) for name in names
        if name.endswith((".yml", ".yaml")))


def of_kind(kind):
    found = [each for each in documents("kubernetes", "sidecar.yaml")
             if each["kind"] == kind]
    assert len(found) == 1, kind
    return found[0]


def embedded_config():
    return of_kind("ConfigMap")["data"]["scrapegate.yml"]


def pod():
    return of_kind("Deployment")["spec"]["template"]["spec"]


def containers():
    return {each["name"]: each for each in pod()["containers"]}


# Configuration.

def check_config(path):
    result = run_cli("check-config", path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", yaml_files())
def test_yaml_parses(name):
    assert all(isinstance(each, dict) for each in documents(name))


@pytest.mark.parametrize("name", sorted(
    os.listdir(os.path.join(DEPLOY, "examples"))))
def test_example_passes_check_config(name):
    check_config(os.path.join(DEPLOY, "examples", name))


def config_maps():
    """Of each file: the names that scrapegate.yml has in there."""
    return {name: [each["data"]["scrapegate.yml"]
                   for each in documents(name)
                   if each.get("kind") == "ConfigMap"]
            for name in yaml_files() if name.startswith("kubernetes/")}


@pytest.mark.parametrize("name", [
    name for name, found in config_maps().items() if found])
def test_config_map_passes_check_config(name, tmp_path):
    path = tmp_path / "scrapegate.yml"
    text, = config_maps()[name]
    path.write_text(text)
    check_config(path)


def without_warning(path):
    """But for the files that are not on this machine."""
    result = run_cli("check-config", path)
    warnings = [each for each in (result.stdout + result.stderr).splitlines()
                if each.startswith("warning: ")]
    assert [each for each in warnings
            if not each.endswith("no such file or directory")] == []


@pytest.mark.parametrize("name", [
    "bearer-tokens.yml", "mtls-spiffe.yml", "own-issuer.yml"])
def test_an_example_of_a_login_leaves_nothing_open(name):
    without_warning(os.path.join(DEPLOY, "examples", name))


def test_a_broken_example_would_not_pass(tmp_path):
    path = tmp_path / "scrapegate.yml"
    path.write_text(embedded_config().replace("listen:", "lisen:", 1))
    assert run_cli("check-config", path).returncode == 1


# The page for those who come from elsewhere.

def migrating():
    return read("migrating.md")


def migrating_blocks():
    return re.findall(r"^```yaml\n(.*?)^```$", migrating(),
                      re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("index", range(len(migrating_blocks())))
def test_configuration_of_the_migrating_page(index, tmp_path):
    path = tmp_path / "scrapegate.yml"
    path.write_text(migrating_blocks()[index])
    check_config(path)
    without_warning(path)


# All flags of kube-rbac-proxy 0.21, the hidden ones without effect aside.
KUBE_RBAC_PROXY = """
    secure-listen-address insecure-listen-address upstream upstream-force-h2c
    upstream-ca-file upstream-client-cert-file upstream-client-key-file
    config-file allow-paths ignore-paths proxy-endpoints-port tls-cert-file
    tls-private-key-file tls-min-version tls-cipher-suites tls-reload-interval
    client-ca-file auth-header-fields-enabled auth-header-user-field-name
    auth-header-groups-field-name auth-header-groups-field-separator
    auth-token-audiences oidc-issuer oidc-clientID oidc-groups-claim
    oidc-username-claim oidc-username-prefix oidc-groups-prefix oidc-sign-alg
    oidc-ca-file kubeconfig kube-api-qps kube-api-burst http2-disable
    http2-max-concurrent-streams http2-max-size""".split()


def test_every_flag_of_kube_rbac_proxy_has_its_row():
    listed = re.findall(r"^\| (`--.*?) \|", migrating(), re.MULTILINE)
    flags = [flag for each in listed for flag in re.findall(r"`--(.*?)`", each)]
    assert sorted(flags) == sorted(KUBE_RBAC_PROXY)


def test_keys_of_the_migrating_page_exist():
    reference = run_cli("help", "reference").stdout
    named = set(re.findall(r"`(auth\.[\w.]+)", migrating()))
    assert len(named) > 5
    assert [each for each in named if f"`{each}" not in reference] == []


# The README.

def readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def readme_block(key):
    """The YAML block that has `key` at its top."""
    blocks = [textwrap.dedent(each) for each in re.findall(
        r"^ *```yaml\n(.*?)^ *```$", readme(), re.MULTILINE | re.DOTALL)]
    found, = [each for each in blocks if key in yaml.safe_load(each)]
    return found


def test_configuration_of_the_readme_passes_check_config(tmp_path):
    path = tmp_path / "scrapegate.yml"
    path.write_text(readme_block("targets"))
    check_config(path)


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_prometheus_takes_the_rules_of_the_readme(tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text(readme_block("groups"))
    result = subprocess.run(["promtool", "check", "rules", path],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", readme())
    assert len(links) > 5
    missing = [each for each in links
               if not os.path.exists(os.path.join(ROOT, each))]
    assert missing == []


# Kubernetes.

def test_probes_ask_the_health_port_and_nothing_gates_readiness():
    gate = containers()["scrapegate"]
    config = yaml.safe_load(embedded_config())
    ports = {each["name"]: each["containerPort"] for each in gate["ports"]}
    probe = gate["livenessProbe"]["httpGet"]
    assert probe["path"] == "/-/healthy"
    assert config["health"]["listen"] == f":{ports[probe['port']]}"
    assert config["listen"] == [f":{ports['metrics']}"]
    assert "readinessProbe" not in gate and "startupProbe" not in gate


def test_the_exporter_is_reachable_through_the_gate_only():
    target = yaml.safe_load(embedded_config())["targets"][0]
    address = re.search(r"//([^/]+)/", target["url"]).group(1)
    assert address.startswith("127.0.0.1:")
    exporter = containers()["exporter"]
    assert f"--web.listen-address={address}" in exporter["args"]
    assert "ports" not in exporter


def test_pod_fits_the_restricted_profile():
    spec = pod()
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {
        "type": "RuntimeDefault"}
    for name, each in containers().items():
        context = each["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert not context.get("privileged"), name
    for volume in spec["volumes"]:
        assert set(volume) - {"name"} <= {"configMap", "secret"}, volume


def test_configured_files_are_mounted():
    spec = pod()
    gate = containers()["scrapegate"]
    mounts = {each["mountPath"]: each["name"] for each in gate["volumeMounts"]}
    volumes = {each["name"]: each for each in spec["volumes"]}
    config_file = gate["args"][gate["args"].index("--config") + 1]
    folder, name = os.path.split(config_file)
    config_map = of_kind("ConfigMap")
    volume = volumes[mounts[folder]]["configMap"]
    assert volume["name"] == config_map["metadata"]["name"]
    assert name in config_map["data"]
    # The two keys of a Secret of type kubernetes.io/tls.
    tls = yaml.safe_load(embedded_config())["tls_server_config"]
    for key, name in (("cert_file", "tls.crt"), ("key_file", "tls.key")):
        folder, base = os.path.split(tls[key])
        assert base == name
        secret = volumes[mounts[folder]]["secret"]
        assert secret["optional"] is True
        assert secret["defaultMode"] == 0o440
    # One mount inside another needs a writable outer one.
    assert not any(a != b and a.startswith(b + "/")
                   for a in mounts for b in mounts)


@pytest.mark.parametrize("name", ["token-review.yaml", "jwks.yaml",
                                  "pod-status.yaml"])
def test_what_asks_the_api_server_has_a_token_for_it(name):
    patch, = documents("kubernetes", "api-access.patch.yaml")
    spec = patch["spec"]["template"]["spec"]
    container, = spec["containers"]
    mount, = container["volumeMounts"]
    volume, = spec["volumes"]
    assert container["name"] in containers()
    assert volume["name"] == mount["name"]
    assert volume["name"] not in {each["name"] for each in pod()["volumes"]}
    token, authority, namespace = volume["projected"]["sources"]
    assert namespace["downwardAPI"]["items"][0]["path"] == "namespace"
    files = [token["serviceAccountToken"]["path"],
             authority["configMap"]["items"][0]["path"]]
    # For the API server, so without an audience of its own.
    assert "audience" not in token["serviceAccountToken"]
    assert files == ["token", "ca.crt"]
    config, = config_maps()[f"kubernetes/{name}"]
    auth = yaml.safe_load(config).get("auth", {})
    named = [auth["jwt"]["jwks_token_file"], auth["jwt"]["jwks_ca_file"]
             ] if "jwt" in auth else [POD + "token", POD + "ca.crt"]
    assert [os.path.join(mount["mountPath"], each) for each in files] == named
    account, = [each for each in documents("kubernetes", name)
                if each["kind"] == "ServiceAccount"]
    assert account["metadata"]["name"] == spec["serviceAccountName"]


def test_the_gate_may_read_what_it_asks_about_its_pod():
    found = documents("kubernetes", "pod-status.yaml")
    role, = [each for each in found if each["kind"] == "Role"]
    binding, = [each for each in found if each["kind"] == "RoleBinding"]
    account, = [each for each in found if each["kind"] == "ServiceAccount"]
    assert [(each["resources"], each["verbs"]) for each in role["rules"]] == [
        (["pods"], ["get"]), (["events"], ["list"])]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"][0]["name"] == account["metadata"]["name"]
    config, = config_maps()["kubernetes/pod-status.yaml"]
    target, = yaml.safe_load(config)["targets"]
    assert target["resources"]["container"] in containers()


def test_reviews_are_delegated_to_the_gate():
    found = documents("kubernetes", "token-review.yaml")
    account, = [each["metadata"] for each in found
                if each["kind"] == "ServiceAccount"]
    binding, = [each for each in found if each["kind"] == "ClusterRoleBinding"
                and each["roleRef"]["name"] == "system:auth-delegator"]
    subject, = binding["subjects"]
    assert (subject["name"], subject["namespace"]) == (
        account["name"], account["namespace"])
    # What the scraper may read is what the gate asks for: the paths.
    role, = [each for each in found if each["kind"] == "ClusterRole"]
    config, = config_maps()["kubernetes/token-review.yaml"]
    assert "resourceAttributes" not in config
    assert role["rules"] == [{"nonResourceURLs": ["/metrics", "/metrics/*"],
                              "verbs": ["get"]}]


def test_network_policy_names_the_pod_and_its_ports():
    policy, = documents("kubernetes", "networkpolicy.yaml")
    labels = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    chosen = policy["spec"]["podSelector"]["matchLabels"]
    assert chosen.items() <= labels.items()
    allowed = {port["port"] for rule in policy["spec"]["ingress"]
               for port in rule["ports"]}
    opened = {port["containerPort"] for each in containers().values()
              for port in each.get("ports", []) if port["name"] != "health"}
    assert allowed == opened


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_prometheus_takes_the_scrape_config(tmp_path, authority):
    config, = documents("kubernetes", "prometheus-scrape.yaml")
    job, = config["scrape_configs"]
    assert job["scheme"] == "https"
    # Not every build of promtool knows Kubernetes.
    discovery, = job.pop("kubernetes_sd_configs")
    assert discovery["role"] == "pod"
    job["static_configs"] = [{"targets": ["127.0.0.1:8443"]}]
    job["tls_config"]["ca_file"] = str(authority.ca_file)
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    result = subprocess.run(["promtool", "check", "config", path],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_scrape_config_keeps_the_gates_port():
    config, = documents("kubernetes", "prometheus-scrape.yaml")
    keep, = [each for each in config["scrape_configs"][0]["relabel_configs"]
             if each.get("action") == "keep"]
    found = [f"{container};{port['name']}"
             for container, each in containers().items()
             for port in each.get("ports", [])]
    assert [each for each in found if re.fullmatch(keep["regex"], each)] == [
        "scrapegate;metrics"]


# The unit and the image.

@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="no systemd-analyze")
def test_unit_is_valid(tmp_path):
    unit = tmp_path / "scrapegate.service"
    unit.write_text(read("systemd", "scrapegate.service").replace(
        "/usr/bin/scrapegate", GATE))
    result = subprocess.run(["systemd-analyze", "verify", unit],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "scrapegate.service" not in result.stderr, result.stderr


def test_unit_hands_over_what_its_example_reads():
    unit = read("systemd", "scrapegate.service")
    names = re.findall(r"^LoadCredential=([^:]+):", unit, re.MULTILINE)
    config = yaml.safe_load(read("examples", "scrapegate.yml"))
    wanted = [os.path.basename(config["tls_server_config"][key])
              for key in ("cert_file", "key_file")]
    assert names == wanted


def stages():
    """Each stage of the Dockerfile, line continuations joined."""
    text = re.sub(r"\\\n\s*", " ", read("Dockerfile"))
    return re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]


def test_image_is_the_static_program_alone():
    build, runtime = stages()
    assert build.startswith("FROM debian:12-slim AS build")
    assert "/source/deploy/build-static /build\n" in build
    assert runtime.startswith("FROM scratch\n")
    assert re.search(r"^USER 65532:65532$", runtime, re.MULTILINE)
    assert not re.search(r"^(HEALTHCHECK|RUN)", runtime, re.MULTILINE)
    assert re.search(r"^EXPOSE 8443 8081$", runtime, re.MULTILINE)
    copies = dict(re.findall(r"^COPY --from=build (\S+) (\S+)$", runtime,
                             re.MULTILINE))
    assert len(copies) == len(re.findall("^COPY", runtime, re.MULTILINE))
    program = json.loads(re.search("^ENTRYPOINT (.*)$", runtime,
                                   re.MULTILINE).group(1))
    assert program == [copies["/build/scrapegate"]]


def test_image_has_the_authorities_where_openssl_looks():
    version = subprocess.run(["openssl", "version", "-d"], check=True,
                             capture_output=True, text=True).stdout
    folder = re.search('OPENSSLDIR: "(.*)"', version).group(1)
    assert f" {folder}/cert.pem\n" in stages()[-1]


def test_image_context_holds_every_source_folder():
    with open(os.path.join(ROOT, ".dockerignore"), encoding="utf-8") as file:
        admitted = {each.strip()[1:] for each in file if each[0] == "!"}
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        used = set(re.findall(r"(?<=[ \n])(\w+)(?=/\*\.c)", file.read()))
    files = {"CMakeLists.txt", "deploy/CMakeLists.txt", "deploy/build-static",
             "deploy/link-order.ld"}
    assert used | files <= admitted


# The demo exporter.

class DemoExporter(Program):
    def __init__(self, folder, *flags):
        super().__init__(folder, "demo-exporter",
                         [DEMO, "--listen", "127.0.0.1:0", *flags])
        match = self.wait_for_line(r"^listening on (\S+)$")
        self.url = f"http://{match.group(1)}/metrics"

    def switch(self, mode):
        url = self.url.replace("/metrics", f"/break/{mode}")
        request = urllib.request.Request(url, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status


MODES = {
    "hang": (504, "timeout_headers"),
    "slow-headers": (504, "timeout_headers"),
    "slow-body": (504, "timeout_body"),
    "cut-head": (502, "http_closed_in_headers"),
    "cut-body": (502, "body_truncated"),
    "reset": (502, "http_reset_before_response"),
    "garbage": (502, "http_malformed_response"),
    "500": (502, "http_server_error"),
    "401": (502, "auth_unauthorized"),
    "tls": (502, "http_server_speaks_tls"),
}


@pytest.mark.parametrize("mode", MODES)
def test_each_break_has_its_reason_and_mends(lab, tmp_path, mode):
    demo = lab.keep(DemoExporter(tmp_path))
    gate = lab.gate(demo.url)
    assert gate.get().status == 200
    assert demo.switch(mode) == 200
    status, reason = MODES[mode]
    # Short only where it has to pass.
    answer = gate.get(timeout=4 if status == 504 else 30)
    assert (answer.status, answer.header("X-Scrapegate-Reason")) == (
        status, reason)
    demo.switch("none")
    assert gate.get().status == 200


def test_an_empty_answer_is_delivered(lab, tmp_path):
    demo = lab.keep(DemoExporter(tmp_path, "--break=empty"))
    gate = lab.gate(demo.url)
    answer = gate.get()
    assert (answer.status, answer.body) == (200, b"")


def test_every_mode_is_tested(tmp_path):
    text = subprocess.run([DEMO, "--help"], capture_output=True, text=True,
                          check=True).stdout
    listed = re.findall(r"^  (\S+)  ", text.split("Modes:\n")[1], re.MULTILINE)
    assert set(listed) == {*MODES, "none", "empty"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_demo_metrics_are_well_made_and_count(lab, tmp_path):
    demo = lab.keep(DemoExporter(tmp_path))

    def scrape():
        with urllib.request.urlopen(demo.url, timeout=30) as answer:
            return answer.read().decode()

    for number in (1, 2):
        text = scrape()
        assert f"demo_scrapes_total {number}\n" in text
    result = subprocess.run(["promtool", "check", "metrics"], input=text,
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


# The quickstart.

@pytest.fixture
def alone():
    """One at a time, in whatever process: they build in one folder, and
    each asks for the same two ports, which it may find free and then lose to
    another."""
    path = os.path.join(tempfile.gettempdir(), "scrapegate-quickstart.lock")
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def quickstart(*arguments):
    return subprocess.run(
        [QUICKSTART, "--build-dir", BUILD, *arguments], text=True,
        capture_output=True, timeout=600, stdin=subprocess.DEVNULL)


def assert_shows_phases(text):
    for phase in PHASES:
        assert re.search(rf"^  {phase} +\d+\.\d+$", text, re.MULTILINE), phase


def process_state(pid):
    """State and session, or None.  A zombie has ended: whoever reaps orphans
    here may take its time."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii",
                  errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else (fields[0], int(fields[3]))


def is_alive(pid):
    return process_state(pid) is not None


def living_in_session(session):
    found = [(int(each), process_state(each))
             for each in os.listdir("/proc") if each.isdigit()]
    return [pid for pid, state in found if state and state[1] == session]


def started_process(text):
    return int(re.search(r"started for you \(process (\d+)\)", text).group(1))


@pytest.mark.timeout(900)
def test_quickstart_once_with_the_demo_exporter(alone):
    result = quickstart("--once", "--demo")
    text = result.stdout
    assert result.returncode == 0, text + result.stderr
    assert re.search(r"^  status +HTTP/1\.1 200 OK$", text, re.MULTILINE)
    samples = re.search(r"^  samples +(\d+)$", text, re.MULTILINE)
    assert int(samples.group(1)) > 10
    assert_shows_phases(text)
    assert "https://127.0.0.1:" in text and "/targets" in text
    assert "\x1b" not in text
    assert not is_alive(started_process(text))


@pytest.mark.timeout(900)
def test_quickstart_names_why_your_exporter_fails(lab, alone):
    result = quickstart("--once", f"http://{lab.loopback}:9/metrics")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "HTTP/1.1 502 connect_refused: dial tcp 127." in result.stdout
    assert "Cause: " in result.stdout
    assert_shows_phases(result.stdout)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_quickstart_runs_until_told_to_stop(lab, tmp_path, alone, number):
    path = tmp_path / "quickstart.log"
    with open(path, "wb") as log:
        process = subprocess.Popen(
            [QUICKSTART, "--demo", "--build-dir", BUILD],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
            # Where tests run in the background it is ignored, and a shell
            # cannot trap what was ignored when it began.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        text = wait_for(
            lambda: "Ctrl-C stops everything" in path.read_text()
            and path.read_text() or process.poll() is not None
            and path.read_text(), 800, "the quickstart to run")
        assert process.poll() is None, text
        os.killpg(process.pid, number)   # what a terminal sends for Ctrl-C
        code = process.wait(60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert code == 128 + number, path.read_text()
    assert not is_alive(started_process(text))
    # One that was just begun may have to find out that the gate is gone.
    wait_for(lambda: not living_in_session(process.pid), what="the last end")


@pytest.mark.parametrize("arguments", [
    ["--nonsense"], ["--listen"], ["http://a/", "http://b/"],
    ["--demo", "http://127.0.0.1:9/"]])
def test_quickstart_refuses_wrong_usage(arguments):
    result = subprocess.run([QUICKSTART, *arguments], capture_output=True,
                            text=True, timeout=60)
    assert result.returncode == 2
    assert "usage: deploy/quickstart" in result.stderr
