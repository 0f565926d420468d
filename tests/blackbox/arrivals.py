"""When all that clients have sent has gone as far as it can in the gate."""

import os
import re
import socket
import sys

from wire import wait_for


def queues(gate):
    """(unsent, unread) bytes of each connection's end that is the gate's, and
    of each that is a client's."""
    host, port = gate.address
    number = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    address = f"{number:08X}:{port:04X}"
    own, clients = [], []
    with open(f"/proc/{gate.pid}/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            _, local, remote, state, both = line.split()[:5]
            pair = tuple(int(each, 16) for each in both.split(":"))
            if state == "01" and local == address:
                own.append(pair)
            elif state == "01" and remote == address:
                clients.append(pair)
    return own, clients


def bytes_on_the_way(gate):
    """What clients sent to the gate and it has not taken from the kernel, or
    what has not even come to its socket."""
    own, clients = queues(gate)
    return (sum(unread for _, unread in own)
            + sum(unsent for unsent, _ in clients))


def has_read(gate, count):
    """Are there so many connections, and no request that the gate has not
    taken from its kernel yet?"""
    own, _ = queues(gate)
    return len(own) >= count and not any(unread for _, unread in own)


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
