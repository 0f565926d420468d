"""A contestant's processes on their core, and what the kernel knows."""

import copy
import os
import re
import socket
import subprocess
import time
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
# prometheus.cnf is what the load offers, not what a contestant prefers.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if name != "OPENSSL_CONF"}
HOST = "127.0.0.1"


class Trouble(Exception):
    """Why a contestant cannot be measured; the table shows it."""


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def wait_until(ask, what, seconds=20, pause=0.02):
    """The first answer that is not None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(pause)
    raise Trouble(what)


def descendants(roots):
    """These processes and all that they have started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2]
            except OSError:
                continue  # it has ended meanwhile
            parents[int(entry.name)] = int(fields.split()[1])
    found = list(roots)
    for pid in found:
        found += [child for child, parent in parents.items()
                  if parent == pid]
    return found


class Server:
    """One contestant: one command, or several that work together."""

    def __init__(self, name, *commands, port=None, core=SERVER_CORE,
                 log=None, scheme="https", path="/metrics"):
        self.name, self.scheme, self.path = name, scheme, path
        self.log_path = log
        cores = core if isinstance(core, set) else {core}
        self.started = time.monotonic()
        with open(log or os.devnull, "wb") as out:
            self.processes = [subprocess.Popen(
                [*map(str, command)], stdout=out, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, env=ENVIRONMENT,
                preexec_fn=lambda: os.sched_setaffinity(0, cores))
                for command in commands]
        try:
            self.port = port or self.logged_port()
            wait_until(self.connect_once, f"does not listen on {self.port}"
                       f" {self.last_words()}", pause=0.001)
        except Trouble:
            self.stop()
            raise
        self.accepts_after = time.monotonic() - self.started
        self.find_processes()

    def find_processes(self):
        """Those who are there now: the first scrape may have made more."""
        self.pids = descendants([each.pid for each in self.processes])

    def view(self, name, scheme, port, path):
        """Another door of the same processes."""
        other = copy.copy(self)
        other.name, other.scheme = name, scheme
        other.port, other.path = port, path
        return other

    def last_words(self):
        if not self.log_path:
            return ""
        return " ".join(Path(self.log_path).read_text(
            errors="replace").split())[-120:]

    def connect_once(self):
        for each in self.processes:
            if each.poll() is not None:
                raise Trouble(f"{each.args[0]} ended with {each.returncode} "
                              f"{self.last_words()}")
        try:
            socket.create_connection((HOST, self.port), 1).close()
            return True
        except OSError:
            return None

    def logged_port(self, role="gate"):
        def look():
            match = re.search(rf"role={role} address=\S+:(\d+)",
                              Path(self.log_path).read_text())
            return int(match.group(1)) if match else None
        return wait_until(look, f"logs no address of its {role}",
                          pause=0.001)

    @property
    def url(self):
        return f"{self.scheme}://{HOST}:{self.port}{self.path}"

    def tasks(self):
        return (task for pid in self.pids
                for task in Path(f"/proc/{pid}/task").iterdir())

    def cpu_ns(self):
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in self.tasks())

    def wakeups(self):
        """How often one of the threads has waited for something."""
        return sum(int(re.search(
            r"^voluntary_ctxt_switches:\s+(\d+)",
            (task / "status").read_text(), re.MULTILINE).group(1))
            for task in self.tasks())

    def is_traced(self):
        return all("TracerPid:\t0" not in (task / "status").read_text()
                   for task in self.tasks())

    def memory_kib(self):
        """RSS and PSS; of several processes, the sum."""
        texts = [Path(f"/proc/{pid}/smaps_rollup").read_text()
                 for pid in self.pids]
        return tuple(sum(int(re.search(rf"^{name}:\s+(\d+)", text,
                                       re.MULTILINE).group(1))
                         for text in texts) for name in ("Rss", "Pss"))

    def forget_peak(self):
        for pid in self.pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak_kib(self):
        return sum(int(re.search(
            r"^VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(),
            re.MULTILINE).group(1)) for pid in self.pids)

    def stop(self):
        for each in self.processes:
            each.terminate()
        for each in self.processes:
            try:
                each.wait(20)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
