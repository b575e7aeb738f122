"""What unpacking comes to: bytes, or the trouble there was. One reader for whatever is read as a stream."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

import zstandard

from addons.scanning.limits import Budget
from addons.scanning.windows import Bytes

_CHUNK = 1 << 16
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zstandard.ZstdError, zlib.error, EOFError, OSError,
    ValueError, NotImplementedError, RuntimeError, IndexError, KeyError, OverflowError, UnicodeError, struct.error,
)  # fmt: skip


class Trouble(StrEnum):
    """Say why a part of a file was not looked into."""

    BOMB = "inflates beyond the limit"
    ENCRYPTED = "is encrypted"
    DAMAGED = "is damaged"
    TOO_DEEP = "is nested too deep"
    TOO_MANY = "has too many members"
    SEALED = "is of a kind that cannot be opened here"


type Found = Iterator[tuple[str, Bytes | Trouble]]
"""Names in an archive, each with bytes, or with why there are none or not all."""


class Readable(Protocol):
    """Read some bytes, as many as there are at once; none at the end."""

    def read1(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        ...


def inflate(name: str, stream: Readable, budget: Budget) -> Found:
    """Give a member as far as the budget goes; one that is longer is a bomb or as good as one.

    Of one that is damaged what comes before the damage is given: many programs unpack that all the same.
    """
    room = budget.room()
    parts: list[bytes] = []
    size, whole = 0, True
    try:
        while size <= room and (chunk := stream.read1(_CHUNK)):
            size += len(chunk)
            parts.append(chunk)
    except BROKEN:
        whole = False
    budget.took(size)
    if size > room:
        yield name, Trouble.BOMB
        return
    if whole or size:
        yield name, b"".join(parts)
    if not whole:
        yield name, Trouble.DAMAGED
