"""Wrong input at the door: one clear line that says where, and exit codes."""

import re
import socket

import pytest
import yaml

from faultd import GOOD_BODY, good
from programs import run_cli
from wire import fetch, wait_for

USAGE, FAILED = 2, 1


def error_lines(result):
    return [line for line in result.stderr.splitlines() if line.strip()]


def write(folder, text):
    path = folder / "scrapegate.yml"
    path.write_text(text)
    return path


@pytest.mark.smoke
def test_version_and_help():
    result = run_cli("version")
    assert result.returncode == 0
    assert re.match(r"scrapegate \d+\.\d+\.\d+", result.stdout)
    for command in ([], ["serve"], ["check-config"], ["print-config"],
                    ["version"]):
        result = run_cli(*command, "--help")
        assert result.returncode == 0, command
        assert "scrapegate" in result.stdout
        assert all(len(line) <= 100 for line in result.stdout.splitlines())


@pytest.mark.parametrize("arguments, words", [
    ([], "usage"),
    (["nonsense"], "nonsense"),
    (["serve", "--nonsense"], "--nonsense"),
    (["serve", "--listne", "127.0.0.1:0"], "--listen"),
    (["serve", "--upstream"], "--upstream"),
    (["serve", "--upstream", "ftp://x/"], "--upstream"),
    (["serve", "--upstream", "http://127.0.0.1:99999/"], "--upstream"),
    (["serve", "--upstream", "http://127.0.0.1:1/", "--listen", "nonsense"],
     "--listen"),
    (["serve", "--upstream", "http://127.0.0.1:1/", "--log.level", "loud"],
     "--log.level"),
    (["serve", "--upstream", "http://127.0.0.1:1/", "--log.format", "xml"],
     "--log.format"),
    (["serve", "--upstream", "http://127.0.0.1:1/", "extra"], "extra"),
    (["version", "extra"], "extra"),
])
def test_wrong_usage(arguments, words):
    result = run_cli(*arguments)
    assert result.returncode == USAGE, result
    assert words in result.stderr.lower(), result.stderr
    assert result.stdout == ""


def test_self_signed_beside_a_certificate(lab, authority):
    path = write(lab.folder, yaml.safe_dump({
        "targets": [{"name": "a", "url": "http://127.0.0.1:1/"}],
        "tls_server_config": lab.certificate}))
    result = run_cli("serve", "--config", path, "--self-signed")
    assert result.returncode == USAGE, result
    assert "self" in result.stderr and authority


TARGETS = "targets:\n- name: node\n  url: http://127.0.0.1:9100/metrics\n"

# file, FILE:LINE:COL and words of the one complaint
BROKEN = [
    ("unknown key", "insecure_http: true\nlisten_on: x\n" + TARGETS,
     "2:1", "listen"),
    ("unknown key in a target", "insecure_http: true\n" + TARGETS
     + "  scrape_timout: 10s\n", "5:3", "scrape_timeout"),
    ("repeated key", "insecure_http: true\nworkers: 1\nworkers: 2\n"
     + TARGETS, "3:1", "workers"),
    ("not a duration", "insecure_http: true\n" + TARGETS
     + "  scrape_timeout: soon\n", "5:19", "soon"),
    ("not a number", "insecure_http: true\nworkers: many\n" + TARGETS,
     "2:10", "many"),
    ("not a size", "insecure_http: true\nmemory_budget: big\n" + TARGETS,
     "2:16", "big"),
    ("not a bool", "insecure_http: perhaps\n" + TARGETS, "1:16", "perhaps"),
    ("not an URL", "insecure_http: true\ntargets:\n- name: a\n  url: x y\n",
     "4:8", "url"),
    ("two targets of one name", "insecure_http: true\n" + TARGETS
     + "- name: node\n  url: http://127.0.0.1:9101/metrics\n", "", "node"),
    ("two targets with one path", "insecure_http: true\n" + TARGETS
     + "  path: /x\n- {name: b, url: 'http://127.0.0.1:1/', path: /x}\n",
     "", "/x"),
    ("target without url", "insecure_http: true\ntargets:\n- name: a\n", "",
     "url"),
    ("no target", "insecure_http: true\n", "", "target"),
    ("YAML syntax", "insecure_http: [true\n", "", ""),
    ("tab", "targets:\n\t- name: a\n", "2:1", ""),
    ("a list where a map belongs", "- a\n- b\n", "1:1", ""),
    ("anchors and aliases", "a: &a [1]\nb: *a\n" + TARGETS, "", ""),
    ("refused by name", "insecure_http: true\n" + TARGETS
     + "  oauth2: {client_id: x}\n", "5:3", "oauth2"),
    ("no choice of TLS", TARGETS, "", "insecure_http"),
    ("NUL", "insecure_http: true\0\n" + TARGETS, "", ""),
    ("empty file", "", "", ""),
]


@pytest.mark.parametrize("command", ["serve", "check-config"])
@pytest.mark.parametrize("text, place, words",
                         [each[1:] for each in BROKEN],
                         ids=[each[0] for each in BROKEN])
def test_broken_file(lab, command, text, place, words):
    path = write(lab.folder, text)
    arguments = (["--config", path] if command == "serve" else [path])
    result = run_cli(command, *arguments, seconds=30)
    assert result.returncode == FAILED, result
    output = result.stderr + result.stdout
    match = re.search(rf"{re.escape(str(path))}:(\d+):(\d+): (.*)", output)
    assert match, output
    if place:
        assert f"{match.group(1)}:{match.group(2)}" == place, output
    assert words in output, output


def test_all_errors_at_once(lab):
    path = write(lab.folder, "workers: many\nlisten_on: x\n" + TARGETS
                 + "  scrape_timeout: soon\n")
    result = run_cli("check-config", path)
    assert result.returncode == FAILED
    output = result.stderr + result.stdout
    for words in ("many", "listen_on", "soon"):
        assert words in output


@pytest.mark.parametrize("command", ["serve", "check-config"])
def test_missing_file(lab, command):
    path = lab.folder / "none.yml"
    arguments = (["--config", path] if command == "serve" else [path])
    result = run_cli(command, *arguments)
    assert result.returncode == FAILED
    lines = error_lines(result)
    assert len(lines) == 1, lines
    assert str(path) in lines[0] and "No such file" in lines[0]


def test_folder_as_file(lab):
    result = run_cli("check-config", lab.folder)
    assert result.returncode == FAILED
    assert str(lab.folder) in result.stderr


def test_check_config_of_a_good_file(lab):
    path = write(lab.folder, "insecure_http: true\n" + TARGETS)
    assert run_cli("check-config", path).returncode == 0


def test_json_is_yaml(lab):
    path = write(lab.folder, '{"insecure_http": true, "targets": [{"name": '
                 '"a", "url": "http://127.0.0.1:1/metrics"}]}')
    assert run_cli("check-config", path).returncode == 0


SECRETS = """
insecure_http: true
targets:
- name: a
  url: http://user:canary-0@127.0.0.1:1/metrics
  basic_auth: {username: u, password: canary-1}
- name: b
  url: http://127.0.0.1:2/metrics
  authorization: {credentials: canary-2}
  http_headers: {X-Token: {secrets: [canary-3]}}
"""


def test_print_config(lab):
    path = write(lab.folder, SECRETS.replace("user:canary-0@", ""))
    result = run_cli("print-config", path)
    assert result.returncode == 0, result
    assert "canary" not in result.stdout + result.stderr
    assert result.stdout.count("<secret>") == 3
    effective = yaml.safe_load(result.stdout)
    assert [each["name"] for each in effective["targets"]] == ["a", "b"]
    assert effective["workers"] == 1
    assert effective["targets"][0]["scrape_timeout"] == "10s"
    # What it prints is itself a configuration, once the secrets are back;
    # the placeholder is never taken for one.
    again = write(lab.folder, result.stdout)
    assert run_cli("check-config", again).returncode == FAILED
    again = write(lab.folder, result.stdout.replace("<secret>", "back"))
    assert run_cli("check-config", again).returncode == 0


def test_flags_beat_the_file(lab):
    path = write(lab.folder, "log: {level: warn}\ninsecure_http: true\n"
                 + TARGETS)
    result = run_cli("print-config", path, "--log.level", "debug")
    assert yaml.safe_load(result.stdout)["log"]["level"] == "debug"


def test_taken_port(lab):
    holder = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{holder.getsockname()[1]}"
    result = run_cli("serve", "--upstream", "http://127.0.0.1:1/metrics",
                     "--insecure-http", "--listen", address,
                     "--admin.listen", "127.0.0.1:0", seconds=30)
    holder.close()
    assert result.returncode == FAILED
    lines = [line for line in error_lines(result) if "level=error" in line
             or address in line]
    assert len(lines) == 1, result.stderr
    assert address in lines[0] and "in use" in lines[0]


@pytest.mark.parametrize("listen", ["192.0.2.77:0", "unix:/nonexistent/x"])
def test_impossible_address(listen):
    result = run_cli("serve", "--upstream", "http://127.0.0.1:1/metrics",
                     "--insecure-http", "--listen", listen,
                     "--admin.listen", "127.0.0.1:0", seconds=30)
    assert result.returncode == FAILED
    assert listen.split("unix:")[-1].split(":0")[0] in result.stderr


def test_taken_admin_port_is_no_reason_to_stop(lab):
    holder = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{holder.getsockname()[1]}"
    gate = lab.gate(lab.faultd(good()),
                    config={"admin": {"listen": address}})
    assert gate.get().body == GOOD_BODY
    lines = [line for line in gate.log.splitlines()
             if "level=error" in line]
    assert len(lines) == 1 and address in lines[0], gate.log
    holder.close()
    own = gate.get("/-/metrics").text
    assert re.search(r"^scrapegate_\S*admin\S* ", own, re.MULTILINE), own


@pytest.mark.parametrize("broken", ["cert missing", "key missing",
                                    "garbage", "mismatch"])
def test_certificate_problems(lab, authority, broken):
    """One line that names the file.  A missing file may still come, so the
    gate stays closed and waits; a wrong one is an error."""
    files = dict(lab.certificate)
    if broken == "garbage":
        files["cert_file"] = str(lab.folder / "garbage.crt")
        (lab.folder / "garbage.crt").write_text("not a certificate\n")
    elif broken == "mismatch":
        files["key_file"] = authority.client.key_file
    else:
        which = broken.split()[0] + "_file"
        files[which] = str(lab.folder / "none.pem")
    path = write(lab.folder, yaml.safe_dump({
        "listen": ["127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"},
        "tls_server_config": files,
        "targets": [{"name": "a", "url": "http://127.0.0.1:1/metrics"}]}))
    if broken in ("garbage", "mismatch"):
        result = run_cli("serve", "--config", path, seconds=30)
        assert result.returncode == FAILED, result
        assert any(files[key] in result.stderr for key in files), result
    else:
        gate = lab.gate(config=path.read_text(), wait=False)
        wait_for(lambda: "certificate_missing" in gate.log
                 or gate.process.poll() is not None, what="the log line")
        assert "none.pem" in gate.log
        if gate.process.poll() is not None:
            assert gate.process.returncode == FAILED
            lab.things.remove(gate)
        else:
            assert "role=gate" not in gate.log
            assert gate.admin("/-/ready").status == 503


@pytest.mark.parametrize("level", ["error", "warn", "info", "debug"])
def test_h72_no_secret_in_any_log(lab, level):
    exporter = lab.faultd(good())
    gate = lab.gate(config={
        "log": {"level": level},
        "targets": [
            {"name": "a", "url": exporter.url, "basic_auth": {
                "username": "u", "password": "canary-1"}},
            {"name": "b", "url": exporter.url, "authorization": {
                "credentials": "canary-2"}, "http_headers": {
                    "X-Token": {"secrets": ["canary-3"]}}}]},
        wait=level in ("info", "debug"))
    if level in ("error", "warn"):
        # No "listening" line at this level: ask the kernel.
        address = wait_for(lambda: listening_of(gate.pid), what="listeners")
        answers = [try_fetch(each) for each in address]
        assert any(answers)
    else:
        for path in ("/metrics/a", "/metrics/b",
                     "/metrics/a?access_token=canary-4"):
            gate.get(path, {"Authorization": "Bearer canary-5",
                            "Cookie": "canary-6"})
        exporter.behaviour = lambda conn: conn.reset()
        gate.get("/metrics/a", {"Authorization": "Basic canary-7"})
        for page in ("/targets", "/api/v1/targets", "/api/v1/scrapes",
                     "/metrics"):
            assert b"canary" not in gate.admin(page).body
    assert "canary" not in gate.log


def try_fetch(address):
    try:
        return fetch(address, "/metrics/a", seconds=10).status
    except OSError:
        return None


def listening_of(pid):
    """Loopback TCP listeners of a process, from the kernel's tables."""
    import os
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if link.startswith("socket:["):
            inodes.add(link[8:-1])
    found = []
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.append(("127.0.0.1",
                              int(fields[1].split(":")[1], 16)))
    return found if len(found) >= 2 else None


def test_url_with_a_password(lab):
    """User info in the URL is either refused or never shown."""
    path = write(lab.folder, SECRETS)
    result = run_cli("print-config", path)
    assert "canary" not in result.stdout + result.stderr
