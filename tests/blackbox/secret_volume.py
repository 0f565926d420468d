"""A Kubernetes Secret volume, written as the kubelet's AtomicWriter does:

    tls.crt -> ..data/tls.crt
    ..data -> ..2026_11_22_12_00_00.123

A change makes a new folder, a symlink `..data_tmp` to it, renames that over
`..data`, and removes the old folder at once.
"""

import itertools
import os
import shutil

numbers = itertools.count(1)


class SecretVolume:
    def __init__(self, folder, files=None):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        if files:
            self.write(files)

    def path(self, name):
        return str(self.folder / name)

    def write(self, files):
        """One generation: names and contents."""
        made = self.folder / f"..2026_11_22.{next(numbers)}"
        made.mkdir()
        for name, content in files.items():
            (made / name).write_bytes(content)
        link = self.folder / "..data"
        old = os.readlink(link) if link.is_symlink() else None
        fresh = self.folder / "..data_tmp"
        os.symlink(made.name, fresh)
        os.rename(fresh, link)
        for name in files:
            outer = self.folder / name
            if not outer.is_symlink():
                os.symlink(f"..data/{name}", outer)
        if old is not None:
            shutil.rmtree(self.folder / old)


def files_of(pair):
    return {"tls.crt": pair.cert_pem, "tls.key": pair.key_pem}
