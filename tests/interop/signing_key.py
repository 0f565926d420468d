"""What a cluster signs its tokens with: to make tokens that it would not."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from certs import key_pem, rsa_key


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(token):
    return json.loads(decode(token.split(".")[1]))


def header_of(token):
    return json.loads(decode(token.split(".")[0]))


class SigningKey:
    """An RSA key (RS256) as files, with the id that Kubernetes gives it: the
    SHA-256 of its public part."""

    def __init__(self, folder, stem):
        self.key = rsa_key()
        public = self.key.public_key()
        self.private_file = folder / f"{stem}.key"
        self.private_file.write_bytes(key_pem(self.key))
        self.public_file = folder / f"{stem}.pub"
        self.public_file.write_bytes(public.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo))
        self.id = encode(hashlib.sha256(public.public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)).digest())

    def sign(self, claims):
        head = {"alg": "RS256", "kid": self.id}
        text = ".".join(encode(json.dumps(each).encode())
                        for each in (head, claims))
        signature = self.key.sign(text.encode(), padding.PKCS1v15(),
                                  hashes.SHA256())
        return f"{text}.{encode(signature)}"
