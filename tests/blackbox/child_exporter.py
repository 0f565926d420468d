"""An exporter in a process of its own, which can be stopped and killed.

Run as a program: child_exporter.py HOST PORT half|whole.  "half" sends half
of each answer and then nothing.
"""

import itertools
import sys
import threading

from faultd import TEXT, Faultd, ok
from programs import Program, split_address

FILLER = "".join(f'demo_filler{{n="{n:04d}"}} 1\n' for n in range(1000))


def answer(serial):
    body = f"demo_serial {serial}\n{FILLER}".encode()
    return ok(body, TEXT, ["Connection: close"])


class Serve:
    """Each answer says which one it is."""

    def __init__(self, is_half):
        self.is_half = is_half
        self.serial = 0
        self.lock = threading.Lock()

    def __call__(self, conn):
        conn.read_request()
        with self.lock:
            self.serial += 1
            data = answer(self.serial)
        if self.is_half:
            conn.send(data[:len(data) // 2])
            print("sent", self.serial, flush=True)
            conn.hold()
        conn.send(data)
        conn.finish()


class ChildExporter(Program):
    """Listens when made.  `port` of an earlier one makes it its restart."""

    numbers = itertools.count(1)

    def __init__(self, folder, host, port=0, mode="whole"):
        super().__init__(folder, f"exporter{next(self.numbers)}", [
            sys.executable, __file__, host, port, mode])
        match = self.wait_for_line(r"^listening (\S+)$")
        self.address = split_address(match.group(1))
        self.url = f"http://{match.group(1)}/metrics"


def main():
    host, port, mode = sys.argv[1:]
    server = Faultd(Serve(mode == "half"), host, port=int(port))
    print("listening", server.netloc, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
