"""When all that clients have sent has gone as far as it can in the gate."""

import os
import re

from wire import wait_for


def bytes_on_the_way(gate):
    """What clients sent to the gate and it has not taken from the kernel, or
    what has not even come to its socket."""
    port = f":{gate.address[1]:04X}"
    total = 0
    with open(f"/proc/{gate.pid}/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            fields = line.split()
            unsent, unread = (int(each, 16) for each in fields[4].split(":"))
            if fields[3] == "01" and fields[1].endswith(port):
                total += unread
            if fields[3] == "01" and fields[2].endswith(port):
                total += unsent
    return total


def sleepers(pid):
    """How often each thread has gone to sleep; None if one is awake."""
    seen = {}
    for number in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{number}/status",
                      encoding="ascii", errors="replace") as file:
                status = file.read()
        except (FileNotFoundError, ProcessLookupError):
            return None  # ended meanwhile
        if not re.search(r"^State:\s+S", status, re.MULTILINE):
            return None
        seen[number] = re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                                 status, re.MULTILINE).group(1)
    return seen


def is_at_rest(gate):
    """Whoever slept at both looks, and had not been woken in between, slept
    between them, all at the same time: no message is on its way."""
    before = sleepers(gate.pid)
    return before is not None and sleepers(gate.pid) == before


def wait_until_all_arrived(gate):
    """After this, every request sent so far has reached the fetch thread,
    whichever workers they came to, and in whatever order those ran."""
    wait_for(lambda: bytes_on_the_way(gate) == 0 and is_at_rest(gate), 60,
             "requests read and passed on")
