"""Nobody scrapes: then nothing runs.  Thousands of sidecars that wake up once
a second are a few cores."""

import re
import time
from pathlib import Path

from faultd import GOOD_BODY, good

WINDOW_SECONDS = 15


def wakeups(gate):
    """How often each of its threads has waited for something and was woken,
    and what it is called."""
    seen = {}
    for task in Path(f"/proc/{gate.pid}/task").iterdir():
        status = (task / "status").read_text()
        count = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status,
                          re.MULTILINE).group(1)
        seen[(task / "comm").read_text().strip(), task.name] = int(count)
    return seen


def woken_meanwhile(gate):
    before = wakeups(gate)
    time.sleep(WINDOW_SECONDS)
    return {name: count - before.get(name, 0)
            for name, count in wakeups(gate).items()
            if count != before.get(name, 0)}


def test_nothing_wakes_an_idle_gate(lab):
    """Connections to the scraper and to the exporter stay open, the
    certificate is watched, an answer is kept."""
    gate = lab.gate(lab.faultd(good()),
                    {"cache": {"ttl": "10m", "once_per_scraper": False}},
                    secure=True)
    with gate.connect() as connection:
        assert connection.get().body == GOOD_BODY
        assert connection.get().header("Age") is not None
        time.sleep(2)  # what the scrape left to be done later is done
        # Somebody may have touched a folder that is watched, for once.
        assert not woken_meanwhile(gate) or not woken_meanwhile(gate)
        assert connection.get().body == GOOD_BODY
