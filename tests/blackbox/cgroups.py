"""Real cgroups for a test: version 1 or 2, whatever this machine has."""

import os
import pathlib
import random
import time

TOP = pathlib.Path("/sys/fs/cgroup")


class Cgroup:
    """A group of each controller, with limits of its own."""

    def __init__(self, *controllers):
        self.is_v2 = (TOP / "cgroup.controllers").exists()
        name = f"scrapegate-test-{os.getpid()}-{random.getrandbits(32):08x}"
        parents = [TOP] if self.is_v2 else [TOP / one for one in controllers]
        self.folders = [parent / name for parent in parents]
        for folder in self.folders:
            # Not a skip: what cannot be tested here is not tested at all.
            try:
                if self.is_v2:
                    (TOP / "cgroup.subtree_control").write_text(
                        " ".join(f"+{one}" for one in controllers))
                folder.mkdir()
            except OSError as error:
                raise AssertionError(
                    f"tests of resources need to make cgroups: {error}; run "
                    f"them as root, with {folder.parent} writable") from error

    def write(self, v1, v2, value):
        for folder in self.folders:
            path = folder / (v2 if self.is_v2 else v1)
            if path.exists():
                path.write_text(str(value))
                return
        raise AssertionError(f"no {v1} or {v2} in {self.folders}")

    def limit_cpu(self, millis):
        period = 100000
        quota = millis * period // 1000
        self.write("cpu.cfs_quota_us", "cpu.max",
                   f"{quota} {period}" if self.is_v2 else quota)

    def limit_memory(self, size):
        self.write("memory.limit_in_bytes", "memory.max", size)

    def prefix(self):
        """A command prefix: the program that follows runs in here."""
        joins = "".join(f"echo $$ > {folder}/cgroup.procs && "
                        for folder in self.folders)
        return ["sh", "-c", joins + 'exec "$@"', "sh"]

    def add(self, pid):
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def stop(self):
        deadline = time.monotonic() + 10
        for folder in self.folders:
            while True:
                try:
                    folder.rmdir()
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
