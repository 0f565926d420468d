"""One scraper, one request at a time, as Prometheus asks; and the system
calls that a server makes for each of them."""

import http.client
import signal
import socket
import ssl
import subprocess
import time

from server import HOST, Trouble, wait_until

WARM, COUNTED = 200, 2000
REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n"
    "User-Agent: Prometheus/3.5.0\r\n"
    "Accept: application/openmetrics-text;version=1.0.0;"
    "escaping=allow-utf-8;q=0.5,application/openmetrics-text;"
    "version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;"
    "q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1\r\n"
    "Accept-Encoding: {coding}\r\n"
    "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n")


def trusting_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Scraper:
    """One kept connection."""

    context = trusting_context()

    def __init__(self, server, coding, source=None, timeout=60):
        try:
            self.link = self.context.wrap_socket(socket.create_connection(
                (HOST, server.port), timeout, source))
        except OSError as error:
            raise Trouble(f"no connection: {error}") from error
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = REQUEST.format(path=server.path, host=HOST,
                                      port=server.port,
                                      coding=coding).encode()

    def scrape(self):
        """Content-Encoding and body."""
        try:
            self.link.sendall(self.request)
            answer = http.client.HTTPResponse(self.link)
            answer.begin()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Trouble(f"no answer: {error!r}") from error
        if answer.status != 200:
            raise Trouble(f"answers {answer.status} {answer.reason}")
        return answer.getheader("Content-Encoding", "identity"), body

    def scrapes(self, count):
        for _ in range(count):
            self.scrape()

    def close(self):
        self.link.close()


def count_calls(folder, server, coding):
    """System calls per scrape, by name."""
    scraper = Scraper(server, coding)
    started = time.monotonic()
    scraper.scrapes(WARM // 10)
    # Who makes its answer anew makes hundreds of calls, and is slow.
    is_slow = (time.monotonic() - started) / (WARM // 10) > 0.003
    counted = COUNTED // 20 if is_slow else COUNTED
    scraper.scrapes(WARM // 10 if is_slow else WARM)
    out = folder / "strace"
    pids = [part for pid in server.pids for part in ("-p", str(pid))]
    tracer = subprocess.Popen(["strace", "-f", "-c", "-q", "-o", out, *pids],
                              stderr=subprocess.DEVNULL)

    def is_attached():
        if tracer.poll() is not None:
            raise Trouble("strace may not attach here")
        return True if server.is_traced() else None
    wait_until(is_attached, "strace does not attach")
    scraper.scrapes(counted)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    scraper.close()
    calls = {}
    for line in out.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3]) / counted
    return {name: count for name, count in calls.items() if count >= 0.01}
