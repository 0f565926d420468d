"""What can happen in an exporter's life, as scenarios: each is played on a
Life and gives the scrapes made, as pairs of what was true and what came."""

import re
import signal

from child_exporter import ChildExporter
from fault_checks import PATIENCE

# What a killed exporter's last bytes look like is for its kernel to say.
CUT = ["body_reset", "body_truncated"]


class Life:
    """A gate and the exporter of the moment, always at one address.
    `timeout` is that of scrapes which run out of time."""

    def __init__(self, lab, timeout):
        self.lab = lab
        self.timeout = timeout
        self.child = lab.keep(ChildExporter(lab.folder, lab.loopback))
        self.gate = lab.gate(self.child.url)

    def kill(self):
        self.child.kill()
        self.child.process.wait()
        self.child.stop()
        self.lab.things.remove(self.child)

    def start(self, mode="whole"):
        self.child = self.lab.keep(ChildExporter(
            self.lab.folder, *self.child.address, mode))

    def scrape(self, timeout=PATIENCE):
        return self.gate.get("/metrics/node", timeout=timeout)

    def wait_until_sent(self, count=1):
        self.child.wait_for_line(rf"^sent {count}$")


def serial(answer):
    """Which answer of its process this is."""
    assert answer.status == 200, answer
    return int(re.match(rb"demo_serial (\d+)\n", answer.body).group(1))


def killed_in_mid_answer(life):
    """A cut body, nobody there, and the new process.  The scraper has time:
    this is about the exporter's death, not about the clock."""
    life.kill()
    life.start("half")
    with life.gate.connect() as connection:
        connection.send(b"GET /metrics/node HTTP/1.1\r\nHost: x\r\n"
                        b"X-Prometheus-Scrape-Timeout-Seconds: %d\r\n\r\n"
                        % PATIENCE)
        life.wait_until_sent()
        life.kill()
        yield CUT, connection.answer()
    yield ["connect_refused"], life.scrape()
    life.start()
    yield ["ok"], life.scrape()


def stopped_and_continued(life):
    """While it is stopped the kernel takes connections for it."""
    life.child.kill(signal.SIGSTOP)
    yield ["timeout_headers"], life.scrape(life.timeout)
    yield ["timeout_headers"], life.scrape(life.timeout)
    life.child.kill(signal.SIGCONT)
    yield ["ok"], life.scrape()


def restarted(life):
    """Each scrape meets the exporter as it is at that moment."""
    yield ["ok"], life.scrape()
    life.kill()
    yield ["connect_refused"], life.scrape()
    life.start()


LIVES = {
    "U57 killed in the middle of an answer": killed_in_mid_answer,
    "U58 stopped and continued": stopped_and_continued,
    "U59 restart loop": restarted,
}
