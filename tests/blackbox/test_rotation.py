"""Certificates that change while scrapers are at work, and certificates that
are not fit to be used: at the start, and later."""

import json
import os
import re
import signal
import statistics
import threading
import time

import pytest

import certs
from faultd import GOOD_BODY, good
from programs import run_cli
from secret_volume import SecretVolume, files_of
from wire import Closed, Connection, client_context, fetch, wait_for


class Load:
    """Scrapers over TLS that verify: half of them keep their connection,
    half make one for each scrape.  Notes every failure, and every
    certificate that a fresh connection was shown."""

    def __init__(self, gate, ca_file, kept=2, fresh=2, pause=0.005):
        self.gate = gate
        self.ca_file = ca_file
        self.pause = pause
        self.errors = []
        self.shown = set()
        self.done = {"kept": 0, "fresh": 0}
        self.is_over = threading.Event()
        self.threads = [
            threading.Thread(target=self.run, args=(kind,), daemon=True)
            for kind, count in (("kept", kept), ("fresh", fresh))
            for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)

    def run(self, kind):
        tls = client_context(self.ca_file)
        link = None
        while not self.is_over.wait(self.pause):
            try:
                if link is None:
                    link = Connection(self.gate.address, tls)
                    self.shown.add(link.socket.getpeercert(True))
                answer = link.get()
                assert (answer.status, answer.body) == (200, GOOD_BODY), \
                    answer
                self.done[kind] += 1
            except (OSError, Closed, AssertionError) as error:
                self.errors.append(f"{kind}: {error!r}")
                if link is not None:
                    link.close()
                    link = None
            if link is not None and kind == "fresh":
                link.close()
                link = None
        if link is not None:
            link.close()

    def wait_for_more(self):
        """Each kind has had some more answers."""
        before = dict(self.done)
        wait_for(lambda: all(self.done[kind] > before[kind] + 3
                             for kind in before), 60, "more answers")


def shown(gate):
    """The certificate that a new connection gets."""
    with Connection(gate.address, client_context()) as link:
        return link.socket.getpeercert(True)


def failed_handshakes(gate):
    return {dict(labels)["result"]: value
            for (name, labels), value in gate.metrics().items()
            if name == "scrapegate_tls_handshakes_total" and value
            and dict(labels)["result"] != "ok"}


def gate_on(lab, volume, **options):
    config = {"insecure_http": False, **options.pop("config", {})}
    config["tls_server_config"] = {"cert_file": volume.path("tls.crt"),
                                   "key_file": volume.path("tls.key")}
    return lab.gate(lab.faultd(good()), tls=lab.client_tls, config=config,
                    **options)


@pytest.fixture(scope="session")
def pairs(authority):
    """Many certificates of the same names, each with its own key."""
    return [authority.issue(f"rotated-{number}") for number in range(12)]


@pytest.fixture
def volume(tmp_path, pairs):
    return SecretVolume(tmp_path / "secret", files_of(pairs[0]))


def post_reload(gate):
    return gate.admin("/-/reload", method="POST")


@pytest.mark.threads
def test_swaps_under_load(lab, authority, pairs, volume):
    """50 double symlink swaps and 10 reloads: nobody notices."""
    gate = gate_on(lab, volume, config={"workers": 2})
    with Load(gate, authority.ca_file) as load:
        load.wait_for_more()
        for number in range(50):
            volume.write(files_of(pairs[number % len(pairs)]))
            if number % 5 == 4:
                answer = post_reload(gate)
                assert answer.status == 200, answer.body
            # Swaps come faster than the gate looks: it may skip some, and
            # may never see half of one.
            time.sleep(0.1)
        last = pairs[49 % len(pairs)].der
        wait_for(lambda: shown(gate) == last, 20, "the last certificate")
        load.wait_for_more()
        wait_for(lambda: min(load.done.values()) > 100, 60, "many answers")
    assert load.errors == []
    assert load.shown <= {each.der for each in pairs}
    assert len(load.shown) >= 3, "certificates did change meanwhile"
    assert failed_handshakes(gate) == {}
    assert gate.metric("scrapegate_config_last_reload_successful") == 1


def test_new_certificate_is_served_soon(lab, pairs, volume):
    """By itself, seconds after the swap; not by the slow poll."""
    gate = gate_on(lab, volume)
    took = []
    for number in range(1, 6):
        started = time.monotonic()
        volume.write(files_of(pairs[number]))
        wait_for(lambda: shown(gate) == pairs[number].der, 20,
                 f"certificate {number}")
        took.append(time.monotonic() - started)
    assert statistics.median(took) <= 5, took


CHANGES = {
    "rewritten in place": lambda path, data: open(path, "wb").write(data),
    "renamed over": lambda path, data: (
        open(path + ".new", "wb").write(data),
        os.rename(path + ".new", path)),
    "removed and made": lambda path, data: (
        os.remove(path), open(path, "wb").write(data)),
}


@pytest.mark.parametrize("how", CHANGES)
def test_plain_files_change(lab, authority, pairs, how):
    """certbot and friends: one file after the other."""
    folder = lab.folder / "plain"
    folder.mkdir()
    change = CHANGES[how]
    for name, data in files_of(pairs[0]).items():
        (folder / name).write_bytes(data)
    gate = gate_on(lab, SecretVolume(folder))
    with Load(gate, authority.ca_file, 1, 1) as load:
        load.wait_for_more()
        for pair in pairs[1:4]:
            for name, data in files_of(pair).items():
                change(str(folder / name), data)
            wait_for(lambda: shown(gate) == pair.der, 20, "the new one")
        load.wait_for_more()
    assert load.errors == []


def test_symlinks_elsewhere_change(lab, pairs):
    """live/ -> archive/, as certbot has it."""
    archive, live = lab.folder / "archive", lab.folder / "live"
    archive.mkdir()
    live.mkdir()
    for number, pair in enumerate(pairs[:2]):
        for name, data in files_of(pair).items():
            (archive / f"{number}-{name}").write_bytes(data)
    for name in ("tls.crt", "tls.key"):
        os.symlink(f"../archive/0-{name}", live / name)
    gate = gate_on(lab, SecretVolume(live))
    assert shown(gate) == pairs[0].der
    for name in ("tls.crt", "tls.key"):
        os.symlink(f"../archive/1-{name}", live / "new")
        os.rename(live / "new", live / name)
    wait_for(lambda: shown(gate) == pairs[1].der, 20, "the other one")


@pytest.mark.threads
def test_all_workers_switch_together(lab, pairs, volume):
    """Once the reload has been answered, no worker has the old one."""
    gate = gate_on(lab, volume, config={"workers": 4})
    for pair in pairs[1:4]:
        volume.write(files_of(pair))
        assert post_reload(gate).status == 200
        assert {shown(gate) for _ in range(24)} == {pair.der}


def test_open_connection_lives_on(lab, pairs, volume):
    gate = gate_on(lab, volume)
    with gate.connect() as kept:
        assert kept.get().body == GOOD_BODY
        for pair in pairs[1:4]:
            volume.write(files_of(pair))
            assert post_reload(gate).status == 200
            assert kept.get().body == GOOD_BODY
        assert kept.socket.getpeercert(True) == pairs[0].der


def test_signal_storm(lab, authority, pairs, volume):
    """Hundreds of SIGHUP are few reloads and no failure."""
    gate = gate_on(lab, volume)
    with Load(gate, authority.ca_file, 1, 1) as load:
        load.wait_for_more()
        volume.write(files_of(pairs[1]))
        for _ in range(300):
            gate.kill(signal.SIGHUP)
        wait_for(lambda: shown(gate) == pairs[1].der, 20, "the new one")
        load.wait_for_more()
    assert load.errors == []


def test_not_after_follows(lab, authority, pairs, volume):
    gate = gate_on(lab, volume)
    name = "scrapegate_certificate_not_after_timestamp_seconds"

    def ends():
        return {value for (series, labels), value in gate.metrics().items()
                if series == name and "server" in dict(labels)["role"]}

    assert len(ends()) == 1
    before = ends()
    soon = authority.issue("soon", start=certs.now() - 30 * certs.DAY,
                           end=certs.now() + 3 * certs.DAY)
    volume.write(files_of(soon))
    assert post_reload(gate).status == 200
    assert ends() and ends() != before
    line = gate.wait_for_line(r"level=warn .*(expires|ends).*").group(0)
    assert "soon" in line or "tls.crt" in line


# Defects: what is done to a good pair, and what is said about it.


def half(data):
    return data[:len(data) // 2]


@pytest.fixture(scope="session")
def defects(authority, tmp_path_factory):
    """Contents of tls.crt and tls.key, and words, by name."""
    now, day = certs.now(), certs.DAY
    folder = tmp_path_factory.mktemp("defects")
    fine = authority.issue("fine")
    other = authority.issue("other")
    old = authority.issue("old", start=now - 9 * day, end=now - day)
    future = authority.issue("future", start=now + day, end=now + 9 * day)
    weak = authority.issue("weak", key=certs.rsa_key(1024))
    between = certs.Authority(folder, "Between CA", authority, 0)
    below = between.issue("below")
    leaf, issuer = certs.pem(below.certificate), certs.pem(
        between.certificate)
    root = authority.pair.cert_pem
    made = {
        "expired": (old.cert_pem, old.key_pem, "tls.crt.*expired"),
        "not yet valid": (future.cert_pem, future.key_pem,
                          "tls.crt.*not valid before"),
        "wrong key": (fine.cert_pem, other.key_pem,
                      "tls.key.*does not belong to"),
        "truncated": (half(fine.cert_pem), fine.key_pem,
                      "tls.crt.*cut off"),
        "empty": (b"", fine.key_pem, "tls.crt.*empty"),
        "wrong order": (issuer + leaf, below.key_pem,
                        "tls.crt.*wrong order"),
        "weak key": (weak.cert_pem, weak.key_pem,
                     "tls.crt.*weak.*1024"),
        "half-written pair": (fine.cert_pem, half(fine.key_pem),
                              "tls.key.*cut off"),
        "missing intermediate": (leaf + root, below.key_pem,
                                 "tls.crt.*intermediate"),
        "DER": (fine.der, fine.key_pem, "tls.crt.*DER"),
        "directory": (None, fine.key_pem, "tls.crt.*directory"),
        "unreadable": (fine.cert_pem, fine.key_pem,
                       "tls.crt.*[Pp]ermission denied"),
        # Beyond the twelve.
        "key and certificate swapped": (fine.key_pem, fine.cert_pem,
                                        "tls.crt.*swapped"),
        "key empty": (fine.cert_pem, b"", "tls.key.*empty"),
        "key DER": (fine.cert_pem, fine.key.private_bytes(
            certs.serialization.Encoding.DER,
            certs.serialization.PrivateFormat.PKCS8,
            certs.serialization.NoEncryption()), "tls.key.*DER"),
        "key encrypted": (fine.cert_pem, fine.key.private_bytes(
            certs.serialization.Encoding.PEM,
            certs.serialization.PrivateFormat.PKCS8,
            certs.serialization.BestAvailableEncryption(b"secret")),
            "tls.key.*(encrypted|pass)"),
        "text": (b"hello\n", fine.key_pem, "tls.crt.*PEM"),
    }
    return made


DEFECTS = [
    "expired", "not yet valid", "wrong key", "truncated", "empty",
    "unreadable", "wrong order", "weak key", "directory",
    "half-written pair", "missing intermediate", "DER",
    "key and certificate swapped", "key empty", "key DER", "key encrypted",
    "text"]
# Root reads everything, unless it gives that up.
NO_OVERRIDE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def put(folder, defect):
    """Writes a pair with this defect as an editor would: in place."""
    cert, key, _ = defect
    path = folder / "tls.crt"
    if cert is None:
        path.unlink(missing_ok=True)
        path.mkdir()
    else:
        path.write_bytes(cert)
    (folder / "tls.key").write_bytes(key)


def config_text(lab, folder, upstream):
    return (f'listen: ["127.0.0.1:0"]\nadmin: {{listen: "127.0.0.1:0"}}\n'
            f"tls_server_config:\n  cert_file: {folder}/tls.crt\n"
            f"  key_file: {folder}/tls.key\n"
            f"targets:\n- {{name: node, url: {upstream}}}\n")


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_at_the_start(lab, defects, name):
    """The end, with words that name the file and the cause."""
    folder = lab.folder / "files"
    folder.mkdir()
    put(folder, defects[name])
    if name == "unreadable":
        os.chmod(folder / "tls.crt", 0)
    path = lab.folder / "bad.yml"
    path.write_text(config_text(lab, folder, "http://127.0.0.1:9"))
    gate = lab.gate_by_flags("--config", path, wait=False,
                             prefix=NO_OVERRIDE)
    gate.is_stopped = True  # it ends on its own, and not with 0
    code = gate.process.wait(60)
    gate.assert_clean()
    assert code == 1, gate.log
    assert re.search(rf"level=error .*{defects[name][2]}", gate.log), gate.log
    if name != "unreadable":  # run_cli is not without its powers
        checked = run_cli("check-config", path)
        assert checked.returncode == 1
        assert re.search(rf"^{path}:\d+:\d+: .*{defects[name][2]}",
                         checked.stderr, re.MULTILINE), checked.stderr


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_at_a_reload(lab, authority, pairs, defects, name):
    """The old stays for everybody, and it is said why."""
    folder = lab.folder / "files"
    folder.mkdir()
    for file, data in files_of(pairs[0]).items():
        (folder / file).write_bytes(data)
    text = config_text(lab, folder, lab.faultd(good()).url)
    gate = lab.gate(config=text, tls=lab.client_tls, prefix=NO_OVERRIDE)
    with Load(gate, authority.ca_file, 1, 1) as load:
        load.wait_for_more()
        if name == "unreadable":
            # First, or the gate may find a good pair in between.
            os.chmod(folder / "tls.crt", 0)
        put(folder, defects[name])
        answer = post_reload(gate)
        assert answer.status == 500
        assert re.search(defects[name][2], answer.text), answer.text
        assert gate.metric("scrapegate_config_last_reload_successful") == 0
        assert re.search(rf"level=error .*{defects[name][2]}", gate.log)
        info = gate.api("status/runtimeinfo")
        assert info["reloadConfigSuccess"] is False
        assert re.search(defects[name][2], json.dumps(info)), info
        load.wait_for_more()
        assert shown(gate) == pairs[0].der
        assert gate.admin("/-/ready").status == 200
        if (folder / "tls.crt").is_dir():
            (folder / "tls.crt").rmdir()
        for file, data in files_of(pairs[1]).items():
            (folder / file).unlink(missing_ok=True)
            (folder / file).write_bytes(data)
        wait_for(lambda: shown(gate) == pairs[1].der, 20, "mended by itself")
        wait_for(lambda: gate.metric(
            "scrapegate_config_last_reload_successful") == 1, 20, "success")
        load.wait_for_more()
    assert load.errors == []
    assert load.shown <= {pairs[0].der, pairs[1].der}


def test_vanished_at_a_reload(lab, pairs, volume):
    """The Secret was deleted: the old stays."""
    gate = gate_on(lab, volume)
    os.remove(volume.folder / "..data")
    assert post_reload(gate).status == 500
    assert shown(gate) == pairs[0].der
    assert gate.admin("/-/ready").status == 200
    assert gate.metric("scrapegate_config_last_reload_successful") == 0


# Files that are not there yet.


@pytest.mark.parametrize("late", ["both", "key", "folder"])
def test_certificate_comes_late(lab, pairs, late):
    """A pod whose Secret comes late: the gate waits, and says so."""
    folder = lab.folder / "late"
    if late != "folder":
        folder.mkdir()
    files = files_of(pairs[0])
    if late == "key":
        (folder / "tls.crt").write_bytes(files["tls.crt"])
    exporter = lab.faultd(good())
    path = lab.folder / "late.yml"
    path.write_text(config_text(lab, folder, exporter.url)
                    + 'health: {listen: "127.0.0.1:0"}\n')
    gate = lab.gate_by_flags("--config", path, wait=False,
                             tls=lab.client_tls)
    missing = "tls.key" if late == "key" else "tls.crt"
    gate.wait_for_line(rf"reason=certificate_missing .*{missing}")
    health = gate.listening("health")
    for answer in (gate.admin("/-/ready"), fetch(health, "/-/ready")):
        assert answer.status == 503
        assert "certificate_missing" in answer.text
    assert fetch(health, "/-/healthy").status == 200
    assert "role=gate" not in gate.log, "closed"
    if late == "both":
        SecretVolume(folder, files)
    else:
        folder.mkdir(exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    gate.wait_until_listening()
    assert gate.get().body == GOOD_BODY
    assert fetch(health, "/-/ready").status == 200
    assert shown(gate) == pairs[0].der


def test_waiting_is_said_every_ten_seconds(lab, pairs):
    folder = lab.folder / "never"
    path = lab.folder / "never.yml"
    path.write_text(config_text(lab, folder, "http://127.0.0.1:9"))
    gate = lab.gate_by_flags("--config", path, wait=False)
    form = re.compile(r"reason=certificate_missing.* ts=(\S+)")

    def times():
        found = form.findall(gate.log)
        return found if len(found) >= 3 else None
    found = wait_for(times, 40, "three lines")
    seconds = [float(each[17:23]) + 60 * float(each[14:16])
               for each in found]
    steps = [(b - a) % 3600 for a, b in zip(seconds, seconds[1:])]
    assert all(9 <= step <= 15 for step in steps), found


def test_late_and_then_bad(lab, pairs, defects):
    """What comes is not fit: still waiting, not ended, and it says why."""
    folder = lab.folder / "late-bad"
    folder.mkdir()
    path = lab.folder / "late-bad.yml"
    path.write_text(config_text(lab, folder, lab.faultd(good()).url))
    gate = lab.gate_by_flags("--config", path, wait=False,
                             tls=lab.client_tls)
    gate.wait_for_line(r"reason=certificate_missing")
    put(folder, defects["half-written pair"])
    gate.wait_for_line(defects["half-written pair"][2])
    assert gate.admin("/-/ready").status == 503
    for name, data in files_of(pairs[2]).items():
        (folder / name).write_bytes(data)
    gate.wait_until_listening()
    assert shown(gate) == pairs[2].der
