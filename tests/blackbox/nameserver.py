"""A name server for one zone of lies, and a file that points to it."""

import os
import socket
import struct
import threading

from faultd import readable

NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
A, CNAME = 1, 5
TTL = 60


def wire_name(name):
    return b"".join(bytes([len(each)]) + each.encode("ascii")
                    for each in name.split(".")) + b"\0"


def record(name, kind, data):
    return name + struct.pack(">HHIH", kind, 1, TTL, len(data)) + data


class NameServer:
    """Answers over UDP as `table` says: name -> list of IPv4 addresses, a
    response code, "silent", "truncated", a name it is an alias of, or a
    function that gives one of these.  Unknown names are NXDOMAIN."""

    def __init__(self, table, host):
        self.table = {name.lower(): value for name, value in table.items()}
        self.queries = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.bind((host, 53))
        except PermissionError:
            self.socket.bind((host, 0))
        self.host, self.port = self.socket.getsockname()
        self.stop_fd, self.stop_write_fd = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def resolv_conf(self):
        suffix = "" if self.port == 53 else f":{self.port}"
        return (f"nameserver {self.host}{suffix}\n"
                "options timeout:5 attempts:2\n")

    def run(self):
        while True:
            if self.stop_fd in readable(self.socket, self.stop_fd):
                return
            query, peer = self.socket.recvfrom(4096)
            answer = self.answer(query)
            if answer:
                self.socket.sendto(answer, peer)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii"))
            at += 1 + query[at]
        name = ".".join(labels).lower()
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        value = self.table.get(name, NXDOMAIN)
        if callable(value):
            value = value()
        self.queries.append((name, kind))
        if value == "silent":
            return None
        flags, records = 0x8180, []
        if value == "truncated":
            flags |= 0x0200
        elif isinstance(value, int):
            flags |= value
        elif isinstance(value, str):
            records = self.aliases(name, value)
        elif kind == A:
            records = [record(b"\xc0\x0c", A, socket.inet_aton(each))
                       for each in value]
        return (query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
                + question + b"".join(records))

    def aliases(self, name, target):
        """A chain of CNAMEs until it ends or has come round."""
        records, seen = [], []
        while isinstance(target, str) and name not in seen:
            records.append(record(wire_name(name), CNAME, wire_name(target)))
            seen.append(name)
            name, target = target, self.table.get(target)
        for address in target if isinstance(target, list) else []:
            records.append(record(wire_name(name), A,
                                  socket.inet_aton(address)))
        return records

    def stop(self):
        os.write(self.stop_write_fd, b"x")
        self.thread.join(10)
        self.socket.close()


def wrap_with_resolv_conf(folder, text):
    """A command prefix that runs a program with its own resolv.conf."""
    path = folder / "resolv.conf"
    path.write_text(text)
    target = os.path.realpath("/etc/resolv.conf")
    return ["unshare", "-m", "sh", "-c",
            f'mount --bind "$0" "{target}" && exec "$@"', str(path)]
