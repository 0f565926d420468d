"""A certificate authority for one test run, made in memory."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def san(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, folder, stem, certificate, key, chain=()):
        self.certificate = certificate
        self.key = key
        self.cert_file = str(folder / f"{stem}.crt")
        self.key_file = str(folder / f"{stem}.key")
        with open(self.cert_file, "wb") as out:
            for each in (certificate, *chain):
                out.write(each.public_bytes(serialization.Encoding.PEM))
        with open(self.key_file, "wb") as out:
            out.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))


class Authority:
    """Signs leaves; `ca_file` is what a peer must trust."""

    def __init__(self, folder, common="Test CA"):
        self.folder = folder
        self.common = common
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name(common)).issuer_name(name(common))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - DAY).not_valid_after(now() + 30 * DAY)
            .add_extension(x509.BasicConstraints(True, 1), True)
            .add_extension(x509.KeyUsage(
                True, False, False, False, False, True, True, False, False),
                True)
            .sign(self.key, hashes.SHA256()))
        self.pair = Pair(folder, common.replace(" ", "-"), self.certificate,
                         self.key)
        self.ca_file = self.pair.cert_file

    def issue(self, stem, names=("localhost", "127.0.0.1"), common=None,
              start=None, end=None, usage="server"):
        """A leaf; names=() leaves the subject alternative names out."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = {
            "server": [ExtendedKeyUsageOID.SERVER_AUTH],
            "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
        }[usage]
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common or stem))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start or now() - DAY)
            .not_valid_after(end or now() + 10 * DAY)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage(usages), False))
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([san(each) for each in names]),
                False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return Pair(self.folder, stem, certificate, key)


def self_signed(folder, stem, names=("localhost", "127.0.0.1")):
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name(stem)).issuer_name(name(stem))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - DAY).not_valid_after(now() + 10 * DAY)
        .add_extension(
            x509.SubjectAlternativeName([san(each) for each in names]), False)
        .sign(key, hashes.SHA256()))
    return Pair(folder, stem, certificate, key)
