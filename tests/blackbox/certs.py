"""A certificate authority for one test run, made in memory."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Longer than the gate warns ahead.
DAYS = 90
DAY = datetime.timedelta(days=1)
USAGES = {
    "server": [ExtendedKeyUsageOID.SERVER_AUTH],
    "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
    "code": [ExtendedKeyUsageOID.CODE_SIGNING],
}


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def name(common, groups=()):
    return x509.Name([
        *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, each)
          for each in groups),
        x509.NameAttribute(NameOID.COMMON_NAME, common)])


def san(text):
    """An address, a URI, an e-mail address or a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    if "@" in text:
        return x509.RFC822Name(text)
    return x509.DNSName(text)


def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, folder, stem, certificate, key, chain=()):
        self.certificate = certificate
        self.key = key
        self.chain = chain
        self.cert_file = str(folder / f"{stem}.crt")
        self.key_file = str(folder / f"{stem}.key")
        with open(self.cert_file, "wb") as out:
            out.write(self.cert_pem)
        with open(self.key_file, "wb") as out:
            out.write(self.key_pem)

    @property
    def cert_pem(self):
        """The leaf and then the chain."""
        return b"".join(pem(each) for each in (self.certificate, *self.chain))

    @property
    def key_pem(self):
        return key_pem(self.key)

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)


class Authority:
    """Signs leaves; `ca_file` is what a peer must trust.  With `parent` it
    is an intermediate, which leaves then carry as their chain."""

    def __init__(self, folder, common="Test CA", parent=None, path_length=1):
        self.folder = folder
        self.common = common
        self.key = ec_key()
        self.chain = ()
        issuer = parent.certificate.subject if parent else name(common)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name(common)).issuer_name(issuer)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - DAY).not_valid_after(now() + DAYS * DAY)
            .add_extension(x509.BasicConstraints(True, path_length), True)
            .add_extension(x509.KeyUsage(
                True, False, False, False, False, True, True, False, False),
                True)
            .sign(parent.key if parent else self.key, hashes.SHA256()))
        if parent:
            self.chain = (self.certificate, *parent.chain)
        self.pair = Pair(folder, common.replace(" ", "-"), self.certificate,
                         self.key)
        self.ca_file = self.pair.cert_file

    def issue(self, stem, names=("localhost", "127.0.0.1"), common=None,
              start=None, end=None, usage="server", key=None, extra=(),
              groups=()):
        """A leaf; names=() leaves the subject alternative names out, and
        usage=None the extended key usage.  `extra` are extensions, `groups`
        the subject's organizations."""
        key = key or ec_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common or stem, groups))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start or now() - DAY)
            .not_valid_after(end or now() + DAYS * DAY)
            .add_extension(x509.BasicConstraints(False, None), True))
        if usage:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage(USAGES[usage]), False)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([san(each) for each in names]),
                False)
        for each in extra:
            builder = builder.add_extension(each, False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return Pair(self.folder, stem, certificate, key, self.chain)

    def revocations(self, stem, pairs=(), start=None, end=None):
        """A revocation list that names the certificates of `pairs`; its
        path."""
        builder = (x509.CertificateRevocationListBuilder()
                   .issuer_name(self.certificate.subject)
                   .last_update(start or now() - DAY)
                   .next_update(end or now() + DAYS * DAY))
        for pair in pairs:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(pair.certificate.serial_number)
                .revocation_date(now() - DAY).build())
        path = self.folder / f"{stem}.crl"
        path.write_bytes(builder.sign(self.key, hashes.SHA256())
                         .public_bytes(serialization.Encoding.PEM))
        return str(path)


def self_signed(folder, stem, names=("localhost", "127.0.0.1"), key=None):
    key = key or ec_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(stem)).issuer_name(name(stem))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - DAY).not_valid_after(now() + DAYS * DAY))
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([san(each) for each in names]), False)
    return Pair(folder, stem, builder.sign(key, hashes.SHA256()), key)
