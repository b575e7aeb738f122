"""Walk what a file contains: the file itself, then the members of archives in archives, within limits.

What could not be opened becomes an `Obstacle` (a bomb, encryption, damage, too deep), which is a finding of its own:
policy decides what it means. No member is written to disk, and no name in an archive is ever used as a path.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, cast

import zstandard

from addons.scanning.kinds import ARCHIVES, COMPRESSED, SEALED, Kind, kind_of
from addons.scanning.limits import Budget, Limits
from addons.scanning.unpacking import BROKEN, Found, Readable, Trouble, inflate
from addons.scanning.windows import Bytes, opened
from addons.scanning.zip_members import zip_members

_ZSTD_STEP = 512  # bytes
_AR_HEADER, _AR_NAME, _AR_SIZE = 60, 16, slice(48, 58)  # octets


@dataclass(frozen=True, slots=True)
class Member:
    """Hold one file: its path through the archives (`outer.zip/inner.apk`), its kind and its bytes.

    The bytes of a stored member are a window on the archive: they are there as long as the archive is.
    """

    path: str
    kind: Kind
    data: Bytes


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Tell what was not looked into, and why."""

    path: str
    trouble: Trouble


def walk(name: str, data: Bytes, limits: Limits) -> Iterator[Member | Obstacle]:
    """Give the file, then what it contains, outer before inner."""
    yield from _walk(name, data, 0, Budget(limits, max(1, len(data))))


def _walk(path: str, data: Bytes, depth: int, budget: Budget) -> Iterator[Member | Obstacle]:
    kind = kind_of(data)
    yield Member(path, kind, data)
    if kind in SEALED:
        yield Obstacle(path, Trouble.SEALED)
    if kind not in ARCHIVES | COMPRESSED:
        return
    if depth >= budget.limits.nesting:
        yield Obstacle(path, Trouble.TOO_DEEP)
        return
    members = _OPENERS.get(kind, zip_members)(data, budget, kind)
    while True:
        try:
            found = next(members, None)
        except BROKEN:
            yield Obstacle(path, Trouble.DAMAGED)
            return
        if found is None:
            return
        inner = f"{path}/{found[0]}" if found[0] else path
        if isinstance(found[1], Trouble):
            yield Obstacle(inner, found[1])
        else:
            yield from _walk(inner, found[1], depth + 1, budget)


def _tar(data: Bytes, budget: Budget, _: Kind) -> Found:
    with tarfile.open(fileobj=opened(data), mode="r:") as archive:
        for info in archive:
            member = archive.extractfile(info) if info.isfile() else None
            if member is None:
                continue
            if not budget.entry():
                yield "", Trouble.TOO_MANY
                return
            yield from inflate(info.name, cast(Readable, member), budget)


def _ar(data: Bytes, budget: Budget, _: Kind) -> Found:
    """Give what a Debian package is made of (ar(5)); members begin at even places."""
    at = 8
    while at + _AR_HEADER <= len(data):
        header = bytes(data[at : at + _AR_HEADER])
        size, start = int(header[_AR_SIZE]), at + _AR_HEADER
        if size < 0 or start + size > len(data):
            raise EOFError("a member is cut short")
        if not budget.entry():
            yield "", Trouble.TOO_MANY
            return
        budget.took(size)
        yield header[:_AR_NAME].decode("latin-1").rstrip(" /"), memoryview(data)[start : start + size]
        at = start + size + size % 2


def _compressed(
    unpack: Callable[[BinaryIO], AbstractContextManager[Readable]],
) -> Callable[[Bytes, Budget, Kind], Found]:
    def give(data: Bytes, budget: Budget, _: Kind) -> Found:
        with unpack(opened(data)) as stream:
            yield from inflate("", stream, budget)

    return give


def _zstd(data: Bytes, budget: Budget, _: Kind) -> Found:
    """Inflate frame by frame in small steps: a few bytes can stand for megabytes; a reader tells no cut end."""
    room, inflated, whole = budget.room(), bytearray(), True
    machine = zstandard.ZstdDecompressor().decompressobj()
    try:
        for start in range(0, len(data), _ZSTD_STEP):
            step = bytes(data[start : start + _ZSTD_STEP])
            while step and len(inflated) <= room:
                if machine.eof:
                    machine = zstandard.ZstdDecompressor().decompressobj()
                inflated += machine.decompress(step)
                step = machine.unused_data if machine.eof else b""
    except BROKEN:
        whole = False
    budget.took(len(inflated))
    if len(inflated) > room:
        yield "", Trouble.BOMB
        return
    if inflated:
        yield "", bytes(inflated)
    if not (whole and machine.eof):
        yield "", Trouble.DAMAGED


_OPENERS: dict[Kind, Callable[[Bytes, Budget, Kind], Found]] = {
    Kind.TAR: _tar,
    Kind.DEB: _ar,
    Kind.GZIP: _compressed(gzip.open),
    Kind.BZIP2: _compressed(bz2.open),
    Kind.XZ: _compressed(lzma.open),
    Kind.ZSTD: _zstd,
}
