"""The load, on the load core: wrk for as many scrapes as there can be,
scrapes.c for how long each of them takes."""

import re
import subprocess

from server import LOAD_CORE, Trouble


class Load:
    """What one run of wrk has seen.  Not its latencies, see scrapes.c."""

    def __init__(self, out):
        self.done = int(re.search(r"(\d+) requests in", out).group(1))
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)",
                                    out).group(1))


class Times:
    """Of single scrapes, in microseconds."""

    def __init__(self, out):
        done, *rest = out.split()
        self.done = int(done)
        self.p50, self.p99, self.p999 = map(float, rest)


def to_us(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[unit]


def load(server, seconds, connections, is_gzip=False):
    """Scrapes as fast as it goes, on kept connections."""
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1",
               f"-c{connections}", f"-d{seconds}s", "-H",
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


def times(lab, server, seconds, connections, is_gzip=False):
    """Scrapes on kept connections, the next one behind each answer."""
    result = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), lab.programs["scrapes"],
         str(server.port), server.path, str(connections), str(seconds),
         "tls" if server.scheme == "https" else "plain",
         "gzip" if is_gzip else "identity"],
        capture_output=True, text=True, check=False)
    if result.returncode:
        raise Trouble(" ".join(result.stderr.split())[-200:])
    return Times(result.stdout)
