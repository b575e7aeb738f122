"""Hash a body as it was sent and as it is after decoding, without letting a small body unpack without end."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence

import brotli
import zstandard

_STEP = 1024 * 1024  # bytes
_MOST_CODINGS = 4
_BEYOND_US = frozenset("compress x-compress dcb dcz aes128gcm exi pack200-gzip".split())  # registered at IANA

_BROKEN = (ValueError, zlib.error, brotli.error, zstandard.ZstdError)

type Unpacked = Iterator[bytes]


def digests(body: bytes, encoding: str, limit: int) -> tuple[str, ...]:
    """Return SHA-256, SHA-1 and MD5 (hex) of a body, and of what it unpacks to when its Content-Encoding says so.

    What unpacks to more than `limit` bytes, or cannot be unpacked, is hashed as it was sent only.
    """
    found, decoded = _hash([body]), plain(body, encoding, limit)
    return found if decoded is None or decoded is body else tuple(dict.fromkeys((*_hash([decoded]), *found)))


def plain(body: bytes, encoding: str, limit: int) -> bytes | None:
    """Return a body after decoding; nothing where that cannot be done within `limit` bytes.

    Several codings are undone from the last to the first (RFC 9110, 8.4), as clients do. A name that is none (`utf-8`)
    leaves the body as it is, because clients then leave it, too.
    """
    codings = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if not _UNPACK.keys() | _BEYOND_US >= set(codings):
        return body
    if len(codings) > _MOST_CODINGS:
        return None
    for name in reversed(codings):
        unpack = _UNPACK.get(name)
        if unpack is None:
            return None
        try:
            body = b"".join(_capped(unpack(body), limit))
        except _BROKEN:
            return None
    return body


def strongest(body: bytes | memoryview) -> str:
    """Return the SHA-256 of a body: the first that `digests` gives."""
    return hashlib.sha256(body).hexdigest()


def weaker(body: bytes | memoryview) -> tuple[str, ...]:
    """Return the other digests of a body, in the order in which `digests` gives them."""
    return _hash([body], _KINDS[1:])


_KINDS = ("sha256", "sha1", "md5")


def _hash(parts: Sequence[bytes | memoryview], kinds: tuple[str, ...] = _KINDS) -> tuple[str, ...]:
    made = [hashlib.new(name, usedforsecurity=False) for name in kinds]
    for part in parts:
        for each in made:
            each.update(part)
    return tuple(each.hexdigest() for each in made)


def _capped(parts: Unpacked, limit: int) -> Unpacked:
    total = 0
    for part in parts:
        total += len(part)
        if total > limit:
            raise ValueError(f"unpacks to more than {limit} bytes")
        yield part


def _zlib(window: int) -> Callable[[bytes], Unpacked]:
    def unpack(body: bytes) -> Unpacked:
        machine = zlib.decompressobj(window)
        while body and not machine.eof:
            yield machine.decompress(body, _STEP)
            body = machine.unconsumed_tail
        yield machine.flush(_STEP)
        if not machine.eof:
            raise ValueError("is cut short")

    return unpack


def _deflate(body: bytes) -> Unpacked:
    """Unpack `deflate`, which servers send with and without the zlib header (RFC 9110, 8.4.1.2)."""
    wrapped = len(body) >= 2 and body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
    return _zlib(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)(body)


def _brotli(body: bytes) -> Unpacked:
    machine = brotli.Decompressor()
    yield machine.process(body, output_buffer_limit=_STEP)
    while not machine.is_finished():
        part = machine.process(b"", output_buffer_limit=_STEP)
        if not part:
            raise ValueError("is cut short")
        yield part


def _zstd(body: bytes) -> Unpacked:
    with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
        while part := reader.read(_STEP):
            yield part


_UNPACK: dict[str, Callable[[bytes], Unpacked]] = {
    "gzip": _zlib(zlib.MAX_WBITS | 16),
    "x-gzip": _zlib(zlib.MAX_WBITS | 16),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
