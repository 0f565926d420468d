"""A network of its own for faults that only the network can make."""

import ctypes
import subprocess
import threading

CLONE_NEWNET = 0x40000000


class NetNamespace:
    """A namespace that lives as long as its sleeping process."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c",
             "ip link set lo up && echo up && exec sleep 3600"],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "up\n"

    @property
    def prefix(self):
        """A command prefix that runs a program in here."""
        return ["nsenter", "-t", str(self.process.pid), "-n"]

    def run(self, command):
        subprocess.run([*self.prefix, "sh", "-ec", command], check=True)

    def call(self, function):
        """Runs function() on a thread that is in here: its sockets are."""
        result = {}

        def enter():
            try:
                path = f"/proc/{self.process.pid}/ns/net"
                with open(path, "rb") as namespace:
                    libc = ctypes.CDLL(None, use_errno=True)
                    if libc.setns(namespace.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                result["value"] = function()
            except BaseException as error:
                result["error"] = error

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if "error" in result:
            raise result["error"]
        return result["value"]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
