"""Android packages that are signed by each scheme, with a certificate that is made for it."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from addons import harmless

SCHEMES = {"2": 0x7109871A, "3": 0xF05368C0, "3.1": 0x1B93AD61}
_VERITY_PADDING = 0x42726577


class Signer:
    """Hold a key and its certificate."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Signer")])
        self._certificate = (
            x509.CertificateBuilder(name, name, self._key.public_key(), 7)
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
            .sign(self._key, hashes.SHA256())
        )
        self.thumbprint = self._certificate.fingerprint(hashes.SHA1()).hex()
        self._der = self._certificate.public_bytes(serialization.Encoding.DER)

    def by_jar(self) -> bytes:
        """Return a package of scheme 1."""
        block = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(b"Signature-Version: 1.0")
            .add_signer(self._certificate, self._key, hashes.SHA256())
            .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature])
        )
        return harmless.package(extra={"META-INF/CERT.EC": block})

    def by_block(self, scheme: int, package: bytes = b"") -> bytes:
        """Return a package with a signing block, as apksigner lays it out (source.android.com, APK signing)."""
        signed = _part(_part(b"\0\1\0\0" + _part(bytes(32)))) + _part(_part(self._der)) + _part(b"")
        value = _part(_part(_part(signed) + _part(b"") + _part(b"")))
        pairs = _pair(_VERITY_PADDING, bytes(90)) + _pair(scheme, value)
        size = struct.pack("<Q", len(pairs) + 24)
        return before_directory(package or harmless.package(), size + pairs + size + b"APK Sig Block 42")


def before_directory(package: bytes, block: bytes) -> bytes:
    """Put a block between a ZIP's members and its directory."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        start = archive.start_dir
    end = bytearray(package[start:])
    place = end.rindex(b"PK\5\6") + 16
    end[place : place + 4] = struct.pack("<I", start + len(block))
    return package[:start] + block + bytes(end)


def _part(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _pair(kind: int, value: bytes) -> bytes:
    return struct.pack("<QI", len(value) + 4, kind) + value
