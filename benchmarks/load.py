"""The load: wrk on the load core."""

import re
import subprocess

from server import LOAD_CORE, Trouble


class Load:
    """What one run of wrk has seen; times in microseconds."""

    def __init__(self, out):
        self.done = int(re.search(r"(\d+) requests in", out).group(1))
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)",
                                    out).group(1))
        self.p50, self.p99 = (to_us(re.search(
            rf"^\s+{share}%\s+(\S+)", out, re.MULTILINE).group(1))
            for share in (50, 99))


def to_us(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[unit]


def load(server, seconds, connections, is_gzip=False):
    """Scrapes as fast as it goes, on kept connections."""
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1",
               f"-c{connections}", f"-d{seconds}s", "--latency", "-H",
               "Accept: text/plain;version=0.0.4"]
    if is_gzip:
        command += ["-H", "Accept-Encoding: gzip"]
    result = subprocess.run([*command, server.url], capture_output=True,
                            text=True, check=False)
    out = result.stdout
    if result.returncode or "Non-2xx" in out or "Socket errors" in out or \
            " 0 requests in" in out:
        raise Trouble("fails under load: " + " ".join(
            (out + result.stderr).split())[-200:])
    return Load(out)
