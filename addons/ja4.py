"""The JA4 fingerprint of a ClientHello: which TLS stack an app speaks with, whatever host it speaks to.

Method and test vectors: FoxIO's technical description of JA4 (the TLS client part is under the BSD licence). Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from mitmproxy.tls import ClientHello

_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}
_SERVER_NAME, _ALPN, _SIGNATURES, _SUPPORTED = 0x0000, 0x0010, 0x000D, 0x002B


def ja4(hello: ClientHello) -> str:
    """Return the fingerprint of a ClientHello over TCP."""
    return of_fields(
        tuple(hello.cipher_suites), tuple(hello.extensions), hello.alpn_protocols[0] if hello.alpn_protocols else b""
    )


def of_fields(ciphers: tuple[int, ...], extensions: tuple[tuple[int, bytes], ...], alpn: bytes) -> str:
    """Return the fingerprint from what a hello holds, in its order."""
    suites = [number for number in ciphers if not _is_grease(number)]
    found = {kind: body for kind, body in extensions if not _is_grease(kind)}
    version = max(_numbers(found.get(_SUPPORTED, b"")[1:]), default=0x0303)
    named = "d" if _SERVER_NAME in found else "i"
    head = f"t{_VERSIONS.get(version, '00')}{named}{min(len(suites), 99):02}{min(len(found), 99):02}{_ends(alpn)}"
    kinds = sorted(kind for kind in found if kind not in (_SERVER_NAME, _ALPN))
    signatures = _numbers(found.get(_SIGNATURES, b"")[2:])
    rest = _words(kinds) + (f"_{_words(signatures)}" if signatures else "")
    return f"{head}_{_hash(_words(sorted(suites)))}_{_hash(rest)}"


def _is_grease(number: int) -> bool:
    """Say whether a number is one of RFC 8701, which mean nothing and differ each time."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def _numbers(data: bytes) -> list[int]:
    pairs = (int.from_bytes(data[at : at + 2]) for at in range(0, len(data) - 1, 2))
    return [number for number in pairs if not _is_grease(number)]


def _words(numbers: Iterable[int]) -> str:
    return ",".join(f"{number:04x}" for number in numbers)


def _ends(alpn: bytes) -> str:
    """Return first and last letter of the first protocol offered; those of its hexadecimal form where they are none."""
    if not alpn:
        return "00"
    ends = bytes((alpn[0], alpn[-1]))
    return ends.decode("ascii") if ends.isalnum() else f"{alpn.hex()[0]}{alpn.hex()[-1]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
