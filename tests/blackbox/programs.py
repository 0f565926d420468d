"""The real programs, each as one class that starts it on free ports, waits
until it serves, and ends it."""

import json
import os
import re
import shlex
import signal
import subprocess
import urllib.parse
import urllib.request

import yaml

from wire import Connection, Closed, client_context, fetch, wait_for

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
GATE = os.environ.get("SCRAPEGATE",
                      os.path.join(ROOT, "build/tests-asan/scrapegate"))
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                   "WARNING: ThreadSanitizer", "runtime error:",
                   "AddressSanitizer:DEADLYSIGNAL", "Assertion `")
START_SECONDS = 60
# Loopback addresses and two-part durations are all that tests need to say.
DEFAULTS = {"listen": ["127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"}}
# The same tests again with more than one thread that serves.
if "SCRAPEGATE_WORKERS" in os.environ:
    DEFAULTS["workers"] = int(os.environ["SCRAPEGATE_WORKERS"])


def parse_logfmt(line):
    """key=value pairs; values may be quoted."""
    pattern = re.compile(r'([A-Za-z0-9_.]+)=("(?:[^"\\]|\\.)*"|\S*)(?: |$)')
    result, at = {}, 0
    while at < len(line):
        match = pattern.match(line, at)
        if not match:
            raise ValueError(f"not logfmt at column {at + 1}: {line}")
        value = match.group(2)
        if value.startswith('"'):
            value = json.loads(value)
        result[match.group(1)] = value
        at = match.end()
    return result


def split_address(text):
    if text.startswith("unix:"):
        return text
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class Program:
    """A child process whose output goes to a file."""

    def __init__(self, folder, name, command, env=None):
        self.name = name
        self.log_path = folder / f"{name}.log"
        self.log_file = open(self.log_path, "wb")
        self.command = [str(each) for each in command]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.log_file,
            stderr=subprocess.STDOUT, env=env, cwd=folder)

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_for_line(self, pattern):
        """The first match of `pattern` in the output."""
        expression = re.compile(pattern, re.MULTILINE)

        def find():
            # Asked first, or its last words may be missed.
            is_over = self.process.poll() is not None
            match = expression.search(self.log)
            if not match and is_over:
                raise AssertionError(
                    f"{self.name} ended with {self.process.returncode}:\n"
                    f"{self.log}")
            return match
        try:
            return wait_for(find, START_SECONDS,
                            f"{pattern} from {shlex.join(self.command)}")
        except AssertionError:
            self.kill()  # nobody else knows of it yet
            raise

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log_file.close()


class NodeExporter(Program):
    def __init__(self, folder, host):
        super().__init__(folder, "node_exporter", [
            "prometheus-node-exporter", f"--web.listen-address={host}:0"])
        match = self.wait_for_line(r'msg="Listening on" address=(\S+)')
        self.address = split_address(match.group(1))
        self.netloc = match.group(1)
        self.url = f"http://{self.netloc}/metrics"


class Prometheus(Program):
    """`jobs` is a list of scrape_configs; `program` another version;
    `prefix` and `call` put it into another network."""

    def __init__(self, folder, jobs, host, interval="1s", timeout="1s",
                 program="prometheus", prefix=(), call=None):
        home = folder / "prometheus"
        home.mkdir()
        config = {"global": {"scrape_interval": interval,
                             "scrape_timeout": timeout},
                  "scrape_configs": jobs}
        path = home / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self.call = call or (lambda function: function())
        super().__init__(folder, "prometheus", [
            *prefix, program, f"--config.file={path}",
            f"--storage.tsdb.path={home}/data",
            f"--web.listen-address={host}:0"])
        match = self.wait_for_line(
            r'msg="Listening on" (?:component=web )?address=(\S+)')
        self.netloc = match.group(1)
        self.address = split_address(match.group(1))
        wait_for(self.is_ready, START_SECONDS, "Prometheus ready")

    def is_ready(self):
        try:
            answer = self.call(lambda: fetch(self.address, "/-/ready"))
            return answer.status == 200
        except (OSError, Closed):
            return False

    def api(self, path):
        answer = self.call(lambda: fetch(self.address, f"/api/v1/{path}"))
        assert answer.status == 200, answer
        data = json.loads(answer.body)
        assert data["status"] == "success", data
        return data["data"]

    def targets(self):
        """Active targets by job."""
        return {each["labels"]["job"]: each
                for each in self.api("targets")["activeTargets"]}

    def wait_for_target(self, job, condition, seconds=60):
        seen = {}

        def look():
            target = self.targets().get(job)
            seen["last"] = target
            return target if target and condition(target) else None
        try:
            return wait_for(look, seconds, f"job {job}")
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {seen['last']}") from None

    def query(self, expression):
        """An instant query: list of (labels, value)."""
        quoted = urllib.parse.quote(expression)
        result = self.api(f"query?query={quoted}")["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]


class Gate(Program):
    """The program under test.

    `config` is the configuration as a mapping or as text; it is put into a
    file.  Without it `flags` alone decide.  stop() asserts a clean end.
    """

    def __init__(self, folder, config=None, flags=(), tls=None, prefix=(),
                 env=None, call=None, name="gate", wait=True):
        command = [*prefix, GATE, "serve"]
        if config is not None:
            if not isinstance(config, str):
                config = yaml.safe_dump({**DEFAULTS, **config},
                                        sort_keys=False)
            self.config_path = folder / f"{name}.yml"
            self.config_path.write_text(config)
            command += ["--config", self.config_path]
        environment = {**os.environ, **SANITIZER_OPTIONS, **(env or {})}
        super().__init__(folder, name, [*command, *flags], environment)
        self.tls = tls
        self.call = call or (lambda function: function())
        self.is_stopped = False
        self.journal = None  # its folder, if a test looks at it
        self.addresses = {}
        if wait:
            self.wait_until_listening()

    def wait_until_listening(self):
        """The log names the real address of each listener; the gate's own
        comes last in our waiting, as that is what tests use first."""
        self.address = self.listening("gate")

    def listening(self, role):
        """(host, port) or "unix:..." that `role` listens on."""
        if role not in self.addresses:
            match = self.wait_for_line(
                rf'(?:msg=listening role={role} address=|"msg":"listening",'
                rf'"role":"{role}","address":)"?([^\s"]+)')
            self.addresses[role] = split_address(match.group(1))
        return self.addresses[role]

    @property
    def netloc(self):
        host, port = self.address
        return f"{host}:{port}"

    def connect(self, source=None, seconds=60.0):
        return self.call(lambda: Connection(self.address, self.tls, source,
                                            seconds))

    def get(self, path="/metrics", headers=None, method="GET", source=None,
            seconds=60.0, timeout=None, version="1.1"):
        """One scrape on a connection of its own; `timeout` is what the
        scraper says it will wait."""
        extra = dict(headers or {})
        if timeout is not None:
            extra["X-Prometheus-Scrape-Timeout-Seconds"] = f"{timeout:g}"
        return self.call(lambda: fetch(self.address, path, extra, method,
                                       self.tls, source, seconds, version))

    def admin(self, path, headers=None, method="GET"):
        address = self.listening("admin")
        host = "localhost" if isinstance(address, str) else (
            f"{address[0]}:{address[1]}")
        extra = {"Host": host, **dict(headers or {})}
        return self.call(lambda: fetch(address, path, extra, method))

    def api(self, path):
        answer = self.admin(f"/api/v1/{path}")
        assert answer.status == 200, answer
        data = json.loads(answer.body)
        assert data["status"] == "success", data
        return data["data"]

    def target(self, name="node"):
        """This target as the admin API shows it."""
        for each in self.api("targets")["activeTargets"]:
            if each["labels"]["job"] == name:
                return each
        raise AssertionError(f"no target {name}")

    def metrics(self):
        """Own metrics: {name{labels}: value}."""
        answer = self.admin("/metrics")
        assert answer.status == 200, answer
        return parse_metrics(answer.text)

    def metric(self, name, **labels):
        """Sum over all series of `name` that have these labels."""
        total = 0.0
        for (series, pairs_), value in self.metrics().items():
            if series == name and set(labels.items()) <= set(pairs_):
                total += value
        return total

    def open_files(self):
        """What its descriptors lead to."""
        found = []
        for entry in os.scandir(f"/proc/{self.pid}/fd"):
            try:
                found.append(os.readlink(entry.path))
            except FileNotFoundError:
                pass  # closed meanwhile
        return found

    def open_fds(self):
        """Without those on its exporters' processes and cgroups, which it
        keeps from when it has found them."""
        return sum(not re.match(r"/proc/\d+$|/sys/fs/cgroup/", each)
                   for each in self.open_files())

    def stop(self):
        if self.is_stopped:
            return
        self.is_stopped = True
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"no end after SIGTERM:\n{self.log}") from None
        finally:
            self.log_file.close()
        self.assert_clean()
        assert code == 0, f"exit code {code}:\n{self.log[-4000:]}"

    def assert_clean(self):
        for mark in SANITIZER_MARKS:
            assert mark not in self.log, f"{mark} in:\n{self.log[-8000:]}"


SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:detect_stack_use_after_return"
                    "=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "exitcode=98:halt_on_error=0:second_deadlock_stack=1",
}


def parse_metrics(text):
    """The text format as far as our own metrics use it."""
    result = {}
    line_form = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
    label_form = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = line_form.match(line)
        assert match, f"not a sample: {line!r}"
        labels = tuple(sorted(label_form.findall(match.group(2) or "")))
        key = (match.group(1), labels)
        assert key not in result, f"twice: {line!r}"
        result[key] = float(match.group(3))
    return result


def run_cli(*arguments, stdin=None, env=None, seconds=60, cwd=None):
    """Runs the program to its end, which is one of its own."""
    done = subprocess.run(
        [GATE, *[str(each) for each in arguments]], input=stdin,
        capture_output=True, text=True, timeout=seconds, cwd=cwd,
        env={**os.environ, **SANITIZER_OPTIONS, **(env or {})})
    assert 0 <= done.returncode < 90 and not any(
        mark in done.stderr for mark in SANITIZER_MARKS), (
            f"exit code {done.returncode}:\n{done.stderr}")
    return done


__all__ = ["Gate", "NodeExporter", "Prometheus", "Program", "run_cli",
           "parse_logfmt", "parse_metrics", "client_context", "GATE", "ROOT"]
