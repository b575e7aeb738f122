"""Throw-away certificates for tests: an authority whose key nobody keeps, and an origin that stands for itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

type Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def make_authority(folder: Path) -> Path:
    """Write a self-signed CA certificate (PEM) and return its path; nobody keeps the key."""
    path = folder / "authority.pem"
    path.write_bytes(_self_signed(ec.generate_private_key(ec.SECP256R1()), "a test's authority", path_length=0))
    return path


def make_certificate(
    certificate: Path, key_file: Path, *names: str, expired: bool = False, made: Key | None = None
) -> None:
    """Write a self-signed certificate for these names, and its key: the one that is given, else a new one of EC."""
    key = made or ec.generate_private_key(ec.SECP256R1())
    until = datetime.now(UTC) + timedelta(days=-1 if expired else 2)
    certificate.write_bytes(_self_signed(key, "an origin of its own", names, until=until))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _self_signed(
    key: Key,
    subject: str,
    names: Sequence[str] = (),
    path_length: int | None = None,
    until: datetime | None = None,
) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    until = until or datetime.now(UTC) + timedelta(days=2)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=3))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    )
    if names:
        spoken_of = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(spoken_of, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
