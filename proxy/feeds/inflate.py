"""Bytes as they arrive, inflated where they are compressed, and counted on both sides: a small bomb stays small.

The limits of one update stand here. A `Meter` counts everything that one update fetches, over all its pages.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

_MEGABYTE = 2**20
_STEP = 256 * 1024
_GZIP = b"\x1f\x8b"
_GZIP_FORMAT = 31  # zlib window bits: gzip with the greatest window
_RATIO_FROM = 8 * _MEGABYTE  # below it, a good ratio is no bomb


class FeedError(OSError):
    """Say why a feed could not be had, in words for its user."""


class AnswerError(FeedError):
    """Say that the publisher answered with an error. `wait` is how long it asks to be left alone."""

    def __init__(self, text: str, status: int, wait: timedelta = timedelta()) -> None:
        super().__init__(text)
        self.status = status
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound one update of one feed. `ratio` is unpacked to sent bytes; lists come to 12, JSON to 40."""

    arrived: int = 128 * _MEGABYTE
    inflated: int = 512 * _MEGABYTE
    ratio: int = 200
    members: int = 64  # of an archive
    pages: int = 1000
    depth: int = 64  # of JSON
    seconds: float = 300.0  # all hops, pages and bytes


DEFAULT_LIMITS = Limits()


class Meter:
    """Count what one update takes. Every count raises FeedError beyond its limit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._arrived = self._given = self._pages = 0

    def arrived(self, size: int) -> None:
        """Count bytes as sent."""
        self._arrived += size
        if self._arrived > self.limits.arrived:
            raise FeedError(f"it is larger than {_size(self.limits.arrived)} as sent (`max_megabytes`)")

    def given(self, size: int) -> None:
        """Count bytes as unpacked."""
        self._given += size
        if self._given > self.limits.inflated:
            raise FeedError(f"it is larger than {_size(self.limits.inflated)} unpacked (`max_unpacked_megabytes`)")
        if self._given > max(_RATIO_FROM, self._arrived * self.limits.ratio):
            raise FeedError(f"it unpacks to more than {self.limits.ratio} times what was sent, as only a bomb does")

    def page(self) -> None:
        """Count a page of a collection or an event."""
        self._pages += 1
        if self._pages > self.limits.pages:
            raise FeedError(f"it has more than {self.limits.pages:,} pages (`max_pages`; `history` makes it shorter)")


def _size(size: int) -> str:
    return f"{size // _MEGABYTE} MB"


class Inflater:
    """Take chunks and give the plain ones; gzip is told by its first bytes, whatever the file is named.

    Raises FeedError beyond a limit or when the data is broken.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._head = b""
        self._engine: zlib._Decompress | None = None
        self._begun = self._inside = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk gives."""
        self._meter.arrived(len(chunk))
        if not self._begun:
            chunk = self._head = self._head + chunk
            if len(chunk) < 2:
                return
            self._begun, self._head = True, b""
            self._engine = zlib.decompressobj(_GZIP_FORMAT) if chunk[:2] == _GZIP else None
        for plain in self._inflate(chunk) if self._engine else (chunk,):
            self._meter.given(len(plain))
            yield plain

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

    def close(self) -> bytes:
        """Return the rest. Raises FeedError when compressed data stopped in the middle."""
        if self._inside:
            raise FeedError("its compressed data ends in the middle")
        return self._head
