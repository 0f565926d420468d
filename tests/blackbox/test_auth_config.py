"""The auth section as its user meets it: what check-config and print-config
say of it, and what a reload may do to it."""

import hashlib
import os
import re
import signal

import pytest
import yaml

from faultd import GOOD_BODY, good
from programs import DEFAULTS, run_cli
from wire import wait_for

TOKEN, OTHER = "good-token-1", "good-token-2"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def line(name, token, groups=""):
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f"{name} {digest} {groups}".rstrip() + "\n"


def replace(path, text):
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


def config_of(lab, auth, **more):
    return {"insecure_http": True, "auth": auth, "targets": [
        {"name": "node", "url": lab.faultd(good()).url}], **more}


def write(gate, config):
    replace(gate.config_path,
            yaml.safe_dump({**DEFAULTS, **config}, sort_keys=False))


def is_reloaded(gate):
    return gate.api("status/runtimeinfo")["reloadConfigSuccess"]


@pytest.fixture
def tokens(lab):
    path = lab.folder / "tokens"
    path.write_text(line("prometheus", TOKEN, "scrapers"))
    return path


def test_print_config_can_be_read_again(tmp_path):
    path = tmp_path / "gate.yml"
    path.write_text("""
self_signed: true
auth:
  bearer_tokens_file: tokens
  kubernetes: {token_review: {}}
  rules:
  - {users: [a], networks: [10.0.0.0/8]}
  - {action: deny}
targets:
- {name: node, url: "http://127.0.0.1:9100/metrics"}
""")
    first = run_cli("print-config", path)
    assert first.returncode == 0, first.stderr
    auth = yaml.safe_load(first.stdout)["auth"]
    assert auth["bearer_tokens_file"] == str(tmp_path / "tokens")
    assert auth["kubernetes"]["token_review"] == {}
    assert [each["action"] for each in auth["rules"]] == ["allow", "deny"]
    path.write_text(first.stdout)
    assert run_cli("print-config", path).stdout == first.stdout


def test_check_config_names_every_place(tmp_path):
    path = tmp_path / "gate.yml"
    path.write_text("""\
self_signed: true
auth:
  jwt: {issuer: i, audiences: [a], jwks_url: "http://issuer.example/keys"}
  rules:
  - {networks: [10.0.0.1/8]}
  - {paths: [metrics]}
targets:
- {name: node, url: "http://127.0.0.1:9100/metrics"}
""")
    result = run_cli("check-config", path)
    assert result.returncode == 1
    places = re.findall(rf"^{re.escape(str(path))}:(\d+):\d+: (auth\S+):",
                        result.stdout + result.stderr, re.MULTILINE)
    assert sorted(places) == [("3", "auth.jwt.jwks_url"),
                              ("5", "auth.rules[0].networks"),
                              ("6", "auth.rules[1].paths")]


def test_flags_alone_have_no_auth_section():
    result = run_cli("serve", "--upstream", "http://127.0.0.1:1/",
                     "--auth.bearer_tokens_file", "x")
    assert result.returncode == 2
    assert "auth.bearer_tokens_file" in result.stderr


def test_the_file_of_tokens_is_read_again_when_it_changes(lab, tokens):
    gate = lab.gate(config=config_of(lab, {"bearer_tokens_file": str(tokens)}))
    assert gate.get(headers=BEARER).body == GOOD_BODY
    replace(tokens, line("prometheus", OTHER))
    wait_for(lambda: gate.get(headers=BEARER).status == 401,
             what="the old token's end")
    assert gate.get(
        headers={"Authorization": f"Bearer {OTHER}"}).status == 200


@pytest.mark.parametrize("auth, words", [
    (None, r"authentication \(auth, auth\.rules\)"),
    ({"rules": [{"networks": ["127.0.0.0/8"]}]}, r"authentication \(auth\)"),
    ("no rules", r"authentication \(auth\.rules\)")])
def test_files_never_remove_a_login_or_the_rules(lab, tokens, auth, words):
    """The main file has changed, and then another file that is watched: not
    until somebody says so is the former taken."""
    full = {"bearer_tokens_file": str(tokens), "rules": [
        {"groups": ["scrapers"]}]}
    web = lab.folder / "web.yml"
    web.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    config = config_of(lab, full, web={"config": {"file": str(web)}})
    gate = lab.gate(config=config)
    assert gate.get().status == 401
    assert gate.get(headers=BEARER).status == 200
    less = dict(config)
    if auth is None:
        del less["auth"]
    elif auth == "no rules":
        less["auth"] = {"bearer_tokens_file": str(tokens)}
    else:
        less["auth"] = auth
    write(gate, less)
    replace(web, "http_server_config: "
            "{headers: {X-Frame-Options: sameorigin}}\n")
    wait_for(lambda: not is_reloaded(gate), what="the refusal")
    error = gate.api("status/runtimeinfo")["lastReloadError"]
    assert re.search(f"this would remove {words}; reload explicitly", error)
    assert gate.get().status == 401, "still asks who it is"
    os.kill(gate.pid, signal.SIGHUP)
    wait_for(lambda: is_reloaded(gate), what="the reload that was meant")
    expected = 401 if auth == "no rules" else 200
    assert gate.get().status == expected


def test_a_reload_with_a_bad_section_changes_nothing(lab, tokens):
    config = config_of(lab, {"bearer_tokens_file": str(tokens)})
    gate = lab.gate(config=config)
    write(gate, {**config, "auth": {"jwt": {"issuer": "i"}}})
    answer = gate.admin("/-/reload", method="POST")
    assert answer.status != 200
    assert b"audiences is missing" in answer.body
    assert gate.get().status == 401
    assert gate.get(headers=BEARER).status == 200


def test_the_warning_of_an_open_gate_knows_the_section(lab, tokens):
    anyone = "anyone who reaches the gate may read the metrics"
    for auth, is_open in (({}, True), ({"anonymous_paths": []}, True),
                          ({"bearer_tokens_file": str(tokens)}, False),
                          ({"rules": [{"networks": ["127.0.0.1"]}]}, False)):
        gate = lab.gate(config=config_of(lab, auth))
        assert (anyone in gate.log) == is_open, auth
        assert "clear text" in gate.log or "bearer_tokens_file" not in auth
