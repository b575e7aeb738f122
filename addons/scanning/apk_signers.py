"""Who signed an Android package: thumbprints of the certificates in it. No signature is verified: Android does that.

Read are the JAR signature (scheme 1) and the signing block before the ZIP's directory (schemes 2, 3 and 3.1), which is
all that a package for Android 7 or later needs to have. Whatever is broken has no signer that could be told.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import pkcs7

from addons.scanning.windows import Bytes, opened

_JAR_SIGNATURES = (".RSA", ".DSA", ".EC")
_MAX_BLOCK = 8 << 20  # bytes
_MOST = 16  # certificates
_MAGIC = b"APK Sig Block 42"
_SCHEMES = frozenset((0x7109871A, 0xF05368C0, 0x1B93AD61))  # 2, 3, 3.1
_LENGTH = struct.Struct("<I")
_PAIR = struct.Struct("<QI")


def signers_of(data: Bytes) -> tuple[str, ...]:
    """Return SHA-1 thumbprints, lower-case hex, each once: what indicators name certificates by."""
    found: set[str] = set()
    try:
        with zipfile.ZipFile(opened(data)) as archive:
            for source in (_of_jar(archive), _of_block(_block(data, archive.start_dir))):
                found.update(_thumbprints(source))
    except Exception:  # a hostile file makes a parser raise whatever it likes
        return tuple(sorted(found))
    return tuple(sorted(found)[:_MOST])


def _thumbprints(source: Iterator[x509.Certificate]) -> Iterator[str]:
    """Give what can be read; one scheme that is broken does not hide the other."""
    try:
        for certificate in source:
            yield certificate.fingerprint(SHA1()).hex()  # noqa: S303 - indicators name certificates by this digest
    except Exception:
        return


def _of_jar(archive: zipfile.ZipFile) -> Iterator[x509.Certificate]:
    for info in archive.infolist():
        if info.filename.startswith("META-INF/") and info.filename.upper().endswith(_JAR_SIGNATURES):
            with archive.open(info) as member:
                yield from pkcs7.load_der_pkcs7_certificates(member.read(_MAX_BLOCK))


def _block(data: Bytes, directory: int) -> bytes:
    """Return the signing block's pairs; nothing where there is none."""
    if directory < 32 or bytes(data[directory - 16 : directory]) != _MAGIC:
        return b""
    size = int.from_bytes(bytes(data[directory - 24 : directory - 16]), "little")
    return bytes(data[directory - size : directory - 24]) if 24 <= size <= min(_MAX_BLOCK, directory) else b""


def _of_block(pairs: bytes) -> Iterator[x509.Certificate]:
    at = 0
    while at + _PAIR.size <= len(pairs):
        length, scheme = _PAIR.unpack_from(pairs, at)
        if scheme in _SCHEMES:
            for signer in _parts(_parts(pairs[at + _PAIR.size : at + 8 + length])[0]):
                signed = _parts(signer)[0]
                yield x509.load_der_x509_certificate(_parts(_parts(signed)[1])[0])
        at += 8 + length


def _parts(data: bytes) -> list[bytes]:
    """Return what a sequence holds: parts, each behind its length; a tail that is none is left out."""
    found, at = [], 0
    while at + 4 <= len(data):
        end = at + 4 + _LENGTH.unpack_from(data, at)[0]
        if end > len(data):
            break
        found.append(data[at + 4 : end])
        at = end
    return found
