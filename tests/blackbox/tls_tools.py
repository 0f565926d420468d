"""openssl s_client and sslscan, as tests want their answers."""

import re
import subprocess
import xml.etree.ElementTree as tree
from dataclasses import dataclass

REQUEST = ("GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
           "Connection: close\r\n\r\n")


@dataclass
class Handshake:
    """What openssl s_client said.  `text` is all of it."""
    text: str

    def find(self, pattern):
        match = re.search(pattern, self.text, re.MULTILINE)
        return match.group(1) if match else None

    @property
    def is_done(self):
        return (self.find(r"^New, (\S+), Cipher is (?!\(NONE\))")
                or self.find(r"^(Reused), TLS")) is not None

    @property
    def is_reused(self):
        return re.search(r"^Reused, TLS", self.text, re.MULTILINE) is not None

    @property
    def version(self):
        return self.find(r"^(?:New|Reused), (TLSv\S+), Cipher")

    @property
    def cipher(self):
        return self.find(r"^(?:New|Reused), TLSv\S+, Cipher is (\S+)")

    @property
    def group(self):
        """The curve of the key exchange."""
        return self.find(r"^Server Temp Key: (.*), \d+ bits")

    @property
    def protocol(self):
        """The ALPN answer."""
        return self.find(r"^ALPN protocol: (\S+)")

    @property
    def alert(self):
        return self.find(r"SSL alert number (\d+)")

    @property
    def answer(self):
        """The status of the HTTP answer."""
        status = self.find(r"^HTTP/1\.1 (\d+)")
        return int(status) if status else None


def s_client(gate, *options, text="", seconds=60):
    """Ends with `text`, a command of its own; with REQUEST, with the answer's
    end."""
    command = ["openssl", "s_client", "-connect", gate.netloc,
               "-servername", "localhost", *options]
    if text == REQUEST:
        command.append("-ign_eof")
    done = subprocess.run(command, input=text, capture_output=True,
                          text=True, errors="replace", timeout=seconds,
                          check=False)
    return Handshake(done.stdout + done.stderr)


def certificate_options(pair):
    return ["-cert", pair.cert_file, "-key", pair.key_file,
            *(["-cert_chain", pair.cert_file] if pair.chain else [])]


def sslscan(gate, *options):
    """sslscan's XML about this gate."""
    out = subprocess.run(
        ["sslscan", "--xml=-", "--no-colour", "--show-sigs", *options,
         gate.netloc], capture_output=True, text=True, timeout=120,
        check=True).stdout
    return tree.fromstring(out).find("ssltest")
