"""Bytes as they arrive, inflated where they are compressed, and counted on both sides: a small bomb stays small."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

MAX_ARRIVED = 128 * 2**20  # bytes, as sent
MAX_INFLATED = 512 * 2**20  # bytes, as text
_STEP = 256 * 1024
_GZIP = b"\x1f\x8b"
_GZIP_FORMAT = 31  # zlib window bits: gzip with the greatest window


class FeedError(OSError):
    """Say why a feed could not be had, in words for its user."""


class Inflater:
    """Take chunks and give the plain ones; gzip is told by its first bytes, whatever the file is named.

    Raises FeedError beyond a limit or when the data is broken.
    """

    def __init__(self, max_arrived: int = MAX_ARRIVED, max_inflated: int = MAX_INFLATED) -> None:
        self._max_arrived = max_arrived
        self._max_inflated = max_inflated
        self._arrived = self._given = 0
        self._head = b""
        self._engine: zlib._Decompress | None = None
        self._begun = self._inside = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk gives."""
        self._arrived += len(chunk)
        if self._arrived > self._max_arrived:
            raise FeedError(f"it is larger than {self._max_arrived >> 20} MB as sent")
        if not self._begun:
            chunk = self._head = self._head + chunk
            if len(chunk) < 2:
                return
            self._begun, self._head = True, b""
            self._engine = zlib.decompressobj(_GZIP_FORMAT) if chunk[:2] == _GZIP else None
        yield from self._counted(self._inflate(chunk) if self._engine else iter((chunk,)))

    def _inflate(self, chunk: bytes) -> Iterator[bytes]:
        full = False
        while (chunk or full) and self._engine:
            try:
                given = self._engine.decompress(chunk, _STEP)
            except zlib.error as error:
                raise FeedError(f"its compressed data is damaged: {error}") from None
            yield given
            self._inside, full, chunk = not self._engine.eof, len(given) == _STEP, self._engine.unconsumed_tail
            if self._engine.eof:  # a gzip file may have several members, and zeros behind them
                chunk, full = self._engine.unused_data.lstrip(b"\0"), False
                self._engine = zlib.decompressobj(_GZIP_FORMAT)

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._given += len(chunk)
            if self._given > self._max_inflated:
                raise FeedError(f"it is larger than {self._max_inflated >> 20} MB when it is unpacked")
            yield chunk

    def close(self) -> bytes:
        """Return the rest. Raises FeedError when compressed data stopped in the middle."""
        if self._inside:
            raise FeedError("its compressed data ends in the middle")
        return self._head
