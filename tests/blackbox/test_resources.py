"""A second cause: what the kernel says of an exporter that fails."""

import os
import re
import signal
import socket
import sys
import threading

import pytest

from cgroups import Cgroup
from faultd import ok, silent
from programs import Program
from wire import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


def timeout(seconds):
    return {"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)}


class Hog(Program):
    """hog.py; `cgroup` is where it runs."""

    def __init__(self, lab, host, port=0, mode="good", cgroup=None, files=0,
                 eats_first=False, number=0):
        self.mode_path = lab.folder / f"mode{number}"
        self.mode = mode
        command = [*(cgroup.prefix() if cgroup else ()), sys.executable,
                   f"{HERE}/hog.py", "--host", host, "--port", port,
                   "--mode", self.mode_path]
        if files:
            command += ["--files", files]
        if eats_first:
            command.append("--eats-first")
        super().__init__(lab.folder, f"hog{number}", command)
        if not eats_first:
            match = self.wait_for_line(r"listening on \S+:(\d+)")
            self.host, self.port = host, int(match.group(1))
            self.url = f"http://{self.host}:{self.port}/metrics"

    @property
    def mode(self):
        return self.mode_path.read_text()

    @mode.setter
    def mode(self, text):
        fresh = self.mode_path.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.mode_path)

    def freeze(self):
        """It stops when it gets to it, which may take a busy machine."""
        self.kill(signal.SIGSTOP)

        def is_stopped():
            with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
                return file.read().rpartition(")")[2].split()[0] == "T"
        wait_for(is_stopped, what=f"process {self.pid} to stop")

    def stop(self):
        self.kill(signal.SIGKILL)
        self.process.wait()
        super().stop()


def hog(lab, **options):
    options.setdefault("host", lab.loopback)
    return lab.keep(Hog(lab, **options))


def cgroup(lab, *controllers):
    """Goes after what runs in it: the lab ends things in reverse."""
    return lab.keep(Cgroup(*controllers))


def evidence(gate):
    return {each["text"]: each["kind"]
            for each in gate.target()["scrapeReason"]["evidence"]}


def measured(gate, pattern):
    """The one measured piece of evidence that matches."""
    found = [text for text, kind in evidence(gate).items()
             if re.search(pattern, text)]
    assert len(found) == 1, evidence(gate)
    assert evidence(gate)[found[0]] == "measured"
    return found[0]


def threads(pid):
    names = []
    for entry in os.scandir(f"/proc/{pid}/task"):
        try:
            with open(f"{entry.path}/comm", encoding="utf-8") as file:
                names.append(file.read().strip())
        except (FileNotFoundError, ProcessLookupError):
            pass  # ended meanwhile
    return names


def scrape_until_known(gate, pid):
    """Good scrapes, until the gate has found out who answers them."""
    def is_known():
        assert gate.get().status == 200
        return (f"/proc/{pid}" in gate.open_files() and
                "find-exporter" not in threads(gate.pid))
    wait_for(is_known, 40, f"the gate knows process {pid}")
    # What the thread has found has come to the gate before this one ends.
    assert gate.get().status == 200


def bracket(answer):
    """The second cause in the status line, or None."""
    match = re.search(r"\[(.*)\]$", answer.reason)
    return match and match.group(1)


@pytest.mark.threads
def test_cpu_throttled(lab):
    group = cgroup(lab, "cpu")
    exporter = hog(lab, cgroup=group)
    gate = lab.gate(exporter.url)
    scrape_until_known(gate, exporter.pid)
    group.limit_cpu(20)
    exporter.mode = "burn 4"
    answer = gate.get(headers=timeout(4))
    assert answer.status == 504, answer
    assert answer.reason.startswith("timeout_headers: ")
    match = re.fullmatch(r"cpu_throttled ([0-9.]+)s at limit 20m",
                         bracket(answer))
    assert match, answer.reason
    # While the machine is busy with others, it is not the limit that holds
    # the exporter up.
    assert 0.4 < float(match.group(1)) < answer.seconds + 0.7
    body = answer.body.decode()
    assert "Cause: The kernel paused the exporter at its CPU limit." in body
    assert "raise the CPU quota of cgroup " in body
    assert re.search("from 20m to (50|100)m", body), body
    piece = measured(gate, "^exporter was throttled")
    span = re.search(r"in \d+ of \d+ periods over ([.0-9]+) s, CPU limit "
                     r"20m$", piece)
    assert 3.5 < float(span.group(1)) < answer.seconds + 0.7, piece
    measured(gate, r"^exporter used 0\.[0-9]+ s of CPU in ")


def test_container_is_named(lab):
    group = cgroup(lab, "cpu")
    exporter = hog(lab, cgroup=group)
    gate = lab.gate(exporter.url, {"resources": {"container": "node-exp"}})
    scrape_until_known(gate, exporter.pid)
    group.limit_cpu(20)
    exporter.mode = "burn 4"
    answer = gate.get(headers=timeout(4))
    assert ("raise limits.cpu of container node-exp from 20m to "
            in answer.body.decode())


@pytest.mark.threads
def test_oom_killed(lab):
    group = cgroup(lab, "memory")
    exporter = hog(lab, cgroup=group)
    gate = lab.gate(exporter.url)
    scrape_until_known(gate, exporter.pid)
    group.limit_memory(64 << 20)
    exporter.mode = "eat"
    answer = gate.get()
    assert answer.status == 502, answer
    assert answer.reason.startswith("body_"), answer.reason
    assert bracket(answer) == "oom_killed at limit 64Mi", answer.reason
    assert exporter.process.wait(20) == -signal.SIGKILL
    measured(gate, "^oom_kill of its cgroup rose by 1 ")
    # Nobody has come back since: that is why.
    answer = gate.get()
    assert answer.reason.startswith("connect_refused: "), answer.reason
    assert bracket(answer) == "oom_killed at limit 64Mi", answer.reason
    measured(gate, f"^the exporter's process {exporter.pid} has ended")
    # One that is killed while it starts, which nobody has ever seen.
    again = hog(lab, cgroup=group, number=1, eats_first=True,
                host=exporter.host)
    assert again.process.wait(20) == -signal.SIGKILL
    answer = gate.get()
    assert bracket(answer) == "oom_killed at limit 64Mi", answer.reason
    measured(gate, "^oom_kill of its cgroup rose by 2 ")
    # A good answer ends it.
    last = hog(lab, cgroup=group, number=2, host=exporter.host,
               port=exporter.port)
    scrape_until_known(gate, last.pid)
    last.mode = "hang"
    answer = gate.get(headers=timeout(0.5))
    assert answer.status == 504
    assert bracket(answer) is None, answer.reason


def test_stuck(lab):
    exporter = hog(lab)
    gate = lab.gate(exporter.url)
    scrape_until_known(gate, exporter.pid)
    exporter.freeze()
    answer = gate.get(headers=timeout(3))
    assert answer.status == 504, answer
    assert bracket(answer) == "exporter_stuck: process state T"
    body = answer.body.decode()
    assert "stopped by a signal" in body
    assert f"kill -CONT {exporter.pid}" in body
    measured(gate, rf"^process {exporter.pid} \(.*\), .* old, stopped by a "
                   r"signal")
    exporter.kill(signal.SIGCONT)
    wait_for(lambda: gate.get().status == 200, 20, "it goes on")


def test_slow_for_a_reason_of_its_own(lab):
    """One that just does not answer has no second cause."""
    exporter = hog(lab)
    gate = lab.gate(exporter.url)
    scrape_until_known(gate, exporter.pid)
    exporter.mode = "hang"
    answer = gate.get(headers=timeout(3))
    assert answer.reason.startswith("timeout_headers: ")
    assert bracket(answer) is None, answer.reason
    measured(gate, r"^exporter used 0")
    measured(gate, rf"^process {exporter.pid} ")


@pytest.mark.threads
def test_restarted(lab):
    exporter = hog(lab)
    gate = lab.gate(exporter.url)
    scrape_until_known(gate, exporter.pid)
    exporter.stop()
    answer = gate.get()
    assert answer.reason.startswith("connect_refused: "), answer.reason
    assert bracket(answer) is None, answer.reason
    measured(gate, f"^the exporter's process {exporter.pid} has ended")
    again = hog(lab, host=exporter.host, port=exporter.port, mode="hang",
                number=1)

    def is_told():
        answer = gate.get(headers=timeout(2))
        assert answer.reason.startswith("timeout_headers: "), answer.reason
        return answer if bracket(answer) else None
    # The search rests a second before it looks again.
    answer = wait_for(is_told, 40, "the restart is found")
    assert re.fullmatch(r"restarted [0-9.]+s ago", bracket(answer))
    measured(gate, rf"^process {again.pid} ")
    # Of the one before, nothing is kept.
    kept = [each for each in gate.open_files()
            if re.match(r"/proc/\d+$|/sys/fs/cgroup/", each)]
    assert f"/proc/{again.pid}" in kept and len(kept) <= 10, kept


def test_many_exporters_keep_few_descriptors(lab):
    """At most a quarter of what 64 leave, and all are looked at."""
    exporter = hog(lab)
    names = [f"t{i}" for i in range(60)]
    gate = lab.gate(config={"targets": [
        {"name": name, "url": exporter.url, "path": f"/{name}"}
        for name in names]}, prefix=("prlimit", "--nofile=256:256"))

    def kept():
        return [each for each in gate.open_files()
                if re.match(r"/proc/\d+$|/sys/fs/cgroup/", each)]

    def are_known():
        for name in (names[0], names[-1]):
            assert gate.get(f"/{name}").status == 200
        return (f"/proc/{exporter.pid}" in kept() and
                "find-exporter" not in threads(gate.pid))
    wait_for(are_known, 40, "the gate has looked for all")
    for name in names:
        assert gate.get(f"/{name}").status == 200
    assert len(kept()) <= 48 + 1, kept()
    exporter.stop()
    for name in names:
        assert gate.get(f"/{name}").status == 502
    for each in gate.api("targets")["activeTargets"]:
        said = {piece["text"]: piece["kind"]
                for piece in each["scrapeReason"]["evidence"]}
        assert said.get(f"the exporter's process {exporter.pid} has ended"
                        ) == "measured", (each["labels"]["job"], said)


def test_descriptors(lab):
    exporter = hog(lab, files=20)
    gate = lab.gate(exporter.url)
    scrape_until_known(gate, exporter.pid)
    exporter.mode = "hoard"
    answer = gate.get(headers=timeout(3))
    assert answer.status == 504, answer
    assert bracket(answer) == "fds_exhausted 20 of 20", answer.reason
    measured(gate, "^20 of 20 file descriptors open")


def fill(address, count):
    """Connections that nobody accepts."""
    return [socket.create_connection(address, timeout=10)
            for _ in range(count)]


def scrape_until(gate, seconds, is_told):
    """Failing scrapes, until the gate is ready to say why."""
    def look():
        answer = gate.get(headers=timeout(seconds))
        assert answer.status == 504, answer
        return answer if is_told(answer) else None
    return wait_for(look, 30, "the cause is told")


def test_backlog_full(lab):
    with socket.create_server((lab.loopback, 0), backlog=0) as listener:
        address = listener.getsockname()
        gate = lab.gate(f"http://{address[0]}:{address[1]}/metrics")
        with fill(address, 1)[0]:
            # The very first may come before the kernel can be asked.
            scrape_until(gate, 1, lambda answer: answer.reason.startswith(
                f"connect_backlog_full: dial tcp {address[0]}:{address[1]}: "
                "not accepted in "))
            measured(gate, "^the listener's queue holds 1 connections, "
                           "backlog 0")
            assert (gate.target()["scrapeReason"]["id"] ==
                    "connect_backlog_full")


def test_not_accepted_is_seen(lab):
    """Connected by the kernel, and not one accept()."""
    # More than there will be scrapes.
    with socket.create_server((lab.loopback, 0), backlog=100) as listener:
        address = listener.getsockname()
        gate = lab.gate(f"http://{address[0]}:{address[1]}/metrics")
        piece = "^[1-9][0-9]? connections? not accepted yet, backlog 100"
        scrape_until(gate, 0.5, lambda answer: any(
            re.search(piece, text) for text in evidence(gate)))
        measured(gate, piece)


SILENT = """
import socket, sys, time
listener = socket.create_server((sys.argv[1], 0))
print(f"listening on port {listener.getsockname()[1]}", flush=True)
time.sleep(3600)
"""


def test_what_may_not_be_seen_is_unknown(lab):
    """Another user's process, and no capability to look into it."""
    host = lab.loopback
    exporter = lab.keep(Program(lab.folder, "silent", [
        "setpriv", "--reuid", "65534", "--clear-groups", sys.executable,
        "-c", SILENT, host]))
    port = exporter.wait_for_line(r"listening on port (\d+)").group(1)
    gate = lab.gate(f"http://{host}:{port}/metrics", prefix=[
        "setpriv", "--bounding-set", "-all", "--inh-caps", "-all"])
    piece = ("which process listens there: a process the gate may not look "
             "into (another user's)")
    answer = scrape_until(gate, 0.3, lambda answer: piece in evidence(gate))
    assert evidence(gate)[piece] == "unknown"
    assert bracket(answer) is None, answer.reason


def test_gate_throttled(lab):
    group = cgroup(lab, "cpu")
    exporter = lab.faultd(silent)
    gate = lab.gate(exporter, prefix=group.prefix())
    assert gate.get("/-/healthy").status == 200
    before = gate.metric("scrapegate_gate_throttled_seconds_total")
    busy = lab.keep(Program(lab.folder, "busy", [
        *group.prefix(), sys.executable, "-c", "while True: pass"]))
    group.limit_cpu(20)
    answer = gate.get(headers=timeout(2))
    busy.kill()
    group.limit_cpu(1000)
    assert answer.status == 504, answer
    assert re.fullmatch(r"gate_throttled [0-9.]+s at limit 20m",
                        bracket(answer) or ""), (answer.body, evidence(gate))
    assert "the exporter may be fine" in answer.body.decode()
    measured(gate, "^the gate was throttled ")
    after = gate.metric("scrapegate_gate_throttled_seconds_total")
    assert after > before + 0.3


@pytest.mark.parametrize("setting", ("off", "number", "file", "gone"))
def test_process_as_configured(lab, setting):
    exporter = hog(lab)
    pid_file = lab.folder / "hog.pid"
    pid_file.write_text(f"{exporter.pid}\n")
    gone = Program(lab.folder, "gone", ["true"])
    gone.process.wait()
    gone.stop()
    value = {"off": "off", "number": str(exporter.pid), "file": str(pid_file),
             "gone": str(gone.pid)}[setting]
    gate = lab.gate(exporter.url, {"resources": {"pid": value}})
    if setting in ("number", "file"):
        scrape_until_known(gate, exporter.pid)
    else:
        assert gate.get().status == 200
    exporter.freeze()
    answer = gate.get(headers=timeout(3))
    assert answer.status == 504
    if setting in ("number", "file"):
        assert bracket(answer) == "exporter_stuck: process state T"
    else:
        assert bracket(answer) is None
    text = [kind for piece, kind in evidence(gate).items()
            if "which process" in piece]
    assert text == (["unknown"] if setting == "gone" else [])
    exporter.kill(signal.SIGCONT)


def test_cgroup_as_configured(lab):
    """Without the process, its cgroup by name is enough."""
    group = cgroup(lab, "cpu")
    exporter = hog(lab, cgroup=group)
    path = "/" + group.folders[0].name
    gate = lab.gate(exporter.url, {"resources": {"pid": "off",
                                                 "cgroup": path}})
    group.limit_cpu(20)
    exporter.mode = "burn 0.4"

    def is_told():
        answer = gate.get(headers=timeout(1))
        assert answer.status == 504, answer
        return bracket(answer)
    # Until the search has found its files, there is no second cause.
    assert wait_for(is_told, 40, "throttled").startswith("cpu_throttled ")


PROCESS = """# TYPE process_start_time_seconds gauge
process_start_time_seconds {start}
# TYPE process_open_fds gauge
process_open_fds {fds}
# TYPE process_max_fds gauge
process_max_fds 1024
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes {memory}
"""


def elsewhere(lab, text):
    """An exporter that is not to be looked at, and what it tells of itself;
    closes the connection instead when told to."""
    gone = threading.Event()

    def behave(conn):
        while True:
            conn.read_request()
            if gone.is_set():
                return
            conn.send(ok(text.encode()))
    return lab.faultd(behave), gone


def test_what_the_exporter_tells_of_itself(lab):
    text = PROCESS.format(start=1.7e9, fds=1000, memory=9 << 20)
    exporter, gone = elsewhere(lab, text)
    gate = lab.gate(exporter, {"resources": {"pid": "off"}})
    assert gate.get().status == 200
    gone.set()
    answer = gate.get()
    assert answer.status == 502
    assert bracket(answer) is None, answer.reason
    assert "1000 of at most 1024 file descriptors open" in answer.text
    found = {text: kind for text, kind in evidence(gate).items()
             if "by its own metrics" in text}
    assert len(found) == 1 and set(found.values()) == {"inferred"}, found


@pytest.mark.parametrize("limit, is_near", (("10Mi", True), ("100Mi", False),
                                            ("much", False)))
def test_declared_limit(lab, limit, is_near):
    """Limits by the downward API, where nothing can be looked at."""
    text = PROCESS.format(start=1.7e9, fds=10, memory=(10 << 20) - 1)
    exporter, gone = elsewhere(lab, text)
    gate = lab.gate(exporter, {"resources": {"pid": "off"}},
                    env={"SCRAPEGATE_EXPORTER_MEMORY_LIMIT": limit})
    assert gate.get().status == 200
    gone.set()
    answer = gate.get()
    assert bracket(answer) is None, answer.reason
    assert ("memory limit of 10Mi" in answer.text) == is_near, answer.text
