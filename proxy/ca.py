"""The certificate authority of this installation: made once, kept 0600, replaced and removed on request.

Only inspectors use the key (mitmproxy reads it from `ca/mitmproxy-ca.pem`); nothing here ever gives it out. Leaf
certificates are mitmproxy's work.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy.state import StateDir

LIFETIME = timedelta(days=730)
_CLOCK_SKEW = timedelta(days=1)  # a phone whose clock is behind must not refuse a new CA
_NAME_LIMIT = 64  # characters of a common name (RFC 5280, upper bounds)
SIGNATURE_ERROR = InvalidSignature
_MENDING = "run `seawall ca rotate` to make another, and install it on your devices"


@dataclass(frozen=True, slots=True)
class Authority:
    """Hold the certificate that devices are asked to trust, and where it lies."""

    certificate: x509.Certificate
    path: Path

    @property
    def name(self) -> str:
        """Return the common name that a device's list of authorities shows."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def expires(self) -> datetime:
        """Return when it ceases to be valid."""
        return self.certificate.not_valid_after_utc

    def fingerprint(self, algorithm: hashes.HashAlgorithm | None = None) -> str:
        """Return the fingerprint (SHA-256 unless said) as devices show it: upper-case pairs with colons."""
        return self.certificate.fingerprint(algorithm or hashes.SHA256()).hex(":").upper()

    def encoded(self, form: Literal["pem", "der"] = "pem") -> bytes:
        """Return the certificate for installation on a device; the key is never part of it."""
        encoding = serialization.Encoding.PEM if form == "pem" else serialization.Encoding.DER
        return self.certificate.public_bytes(encoding)


def key_file(state: StateDir) -> Path:
    """Return the file that holds key and certificate, under the name that mitmproxy reads."""
    return state.ca_dir / "mitmproxy-ca.pem"


def load_or_create(state: StateDir, now: datetime, host: str = "") -> Authority:
    """Return the CA, made at first use with `host` (this machine's name unless said) in its subject.

    Raises PermissionError when another user owns or can read the key, ValueError when it is damaged or has expired.
    """
    if not key_file(state).exists():
        _publish(state, _new(host or socket.gethostname(), now), replace=False)
    return load(state, now)


def load(state: StateDir, now: datetime) -> Authority:
    """Return the CA that is there; see `load_or_create` for what is refused. Raises FileNotFoundError without one."""
    path = key_file(state)
    text = _private_bytes(path)
    try:
        certificate = x509.load_pem_x509_certificate(text)
        key = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError):
        raise ValueError(f"{path}: is not a key with its certificate; {_MENDING}") from None
    if key.public_key() != certificate.public_key():
        raise ValueError(f"{path}: key and certificate do not belong together; {_MENDING}")
    if certificate.not_valid_after_utc <= now:
        raise ValueError(f"{path}: the CA expired on {certificate.not_valid_after_utc:%Y-%m-%d}; {_MENDING}")
    found = Authority(certificate, state.ca_certificate)
    _write(state.ca_certificate, found.encoded(), 0o644)
    return found


def signing_key(state: StateDir) -> ec.EllipticCurvePrivateKey:
    """Return the CA's key, for the supervisor to sign our own listeners' certificate with; it goes nowhere else."""
    key = serialization.load_pem_private_key(_private_bytes(key_file(state)), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key_file(state)}: is not an elliptic-curve key; {_MENDING}")
    return key


def write_private(path: Path, text: bytes) -> None:
    """Replace a file whole, 0600."""
    _write(path, text, 0o600)


def rotate(state: StateDir, now: datetime, host: str = "") -> Authority:
    """Replace the CA. Devices trust the new one only after it has been installed on them."""
    _publish(state, _new(host or socket.gethostname(), now), replace=True)
    return load(state, now)


def uninstall(state: StateDir) -> bool:
    """Remove key and certificate; say whether there were any. Devices keep their copy until it is removed there."""
    found = [path for path in (key_file(state), state.ca_certificate) if path.exists()]
    for path in found:
        path.unlink()
    return bool(found)


def _private_bytes(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError(f"{path}: others can read or own the CA key, so it may be known to them; {_MENDING}")
        return file.read()


def _publish(state: StateDir, text: bytes, *, replace: bool) -> None:
    """Put a whole file under the key's name; without `replace` the first of several processes wins."""
    state.prepare()
    target = key_file(state)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    _write(draft, text, 0o600)
    if replace:
        draft.replace(target)
        return
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write(path: Path, text: bytes, mode: int) -> None:
    if path.exists() and path.read_bytes() == text:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    draft.replace(path)


def _new(host: str, now: datetime) -> bytes:
    """Make a P-256 key and its certificate; the path length 0 forbids authorities below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"Seawall CA on {host}"[:_NAME_LIMIT]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Seawall"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _CLOCK_SKEW)
        .not_valid_after(now.astimezone(UTC) - _CLOCK_SKEW + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
