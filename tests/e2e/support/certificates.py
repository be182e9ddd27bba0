# SPDX-License-Identifier: Apache-2.0
"""Certificates of the tests' own: an authority, a server of each kind, a client.

    Certificates(folder).path("server.pem")

    ca.pem                             the authority that nodes are told to trust
    other-ca.pem                       one that has signed none of the others
    server, expired, brief, elsewhere  .pem and .key: good for localhost and 127.0.0.1, run out
                                       yesterday, good for 5 days, good for another host
    client                             .pem and .key: for a server that asks who is there"""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Certificates:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        authority = self._make("ca", "test authority")
        self._make("other-ca", "another authority")
        here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        self._make("server", "localhost", authority, here)
        self._make("expired", "localhost", authority, here, until=-DAY)
        self._make("brief", "localhost", authority, here, until=5 * DAY)
        self._make("elsewhere", "elsewhere.example", authority, [x509.DNSName("elsewhere.example")])
        self._make("client", "node", authority, [x509.DNSName("node")])

    def path(self, file):
        return self.folder / file

    def _make(self, file, name, issuer=None, names=None, until=30 * DAY):
        key = ec.generate_private_key(ec.SECP256R1())
        issuer_name, issuer_key = issuer or (named(name), key)
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(issuer_name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - 30 * DAY).not_valid_after(now + until)
                   .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        pem = serialization.Encoding.PEM
        self.path(f"{file}.pem").write_bytes(builder.sign(issuer_key, hashes.SHA256()).public_bytes(pem))
        self.path(f"{file}.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                                                               serialization.NoEncryption()))
        return named(name), key
