"""Walk what a file contains: the file itself, then the members of archives in archives, within limits.

What could not be opened becomes an `Obstacle` (a bomb, encryption, damage, too deep), which is a finding of its own:
policy decides what it means. No member is written to disk, and no name in an archive is ever used as a path.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol

import zstandard

from addons.scanning.kinds import ARCHIVES, COMPRESSED, SEALED, Kind, kind_of
from addons.scanning.limits import Budget, Limits
from addons.scanning.windows import Bytes, opened

_CHUNK = 1 << 16
_ZSTD_STEP = 512  # bytes
_ENCRYPTED = 0x1  # ZIP general purpose flag, APPNOTE 4.4.4
_LOCAL, _LOCAL_AT = struct.Struct("<HH"), 26  # lengths of name and extra field in a local header, APPNOTE 4.3.7
_BROKEN = (
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
    members = _OPENERS.get(kind, _zip)(data, budget, kind)
    while True:
        try:
            found = next(members, None)
        except _BROKEN:
            yield Obstacle(path, Trouble.DAMAGED)
            return
        if found is None:
            return
        inner = f"{path}/{found[0]}" if found[0] else path
        if isinstance(found[1], Trouble):
            yield Obstacle(inner, found[1])
        else:
            yield from _walk(inner, found[1], depth + 1, budget)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


type _Found = Iterator[tuple[str, Bytes | Trouble]]


def _zip(data: Bytes, budget: Budget, kind: Kind) -> _Found:
    """Give the members of a ZIP. Android ignores the encryption flag of an APK's members, so that is ignored there.

    A packed member whose checksum is wrong is given and said to be damaged: many programs unpack it all the same. That
    of a stored member is not asked for: its bytes are what they are.
    """
    with zipfile.ZipFile(opened(data)) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if not budget.entry():
                yield "", Trouble.TOO_MANY
                return
            if info.flag_bits & _ENCRYPTED and kind is Kind.APK:
                info.flag_bits &= ~_ENCRYPTED
            found = _zip_member(archive, info, data, budget)
            yield info.filename, found
            if not isinstance(found, Trouble) and _is_wrong(found, info):
                yield info.filename, Trouble.DAMAGED


def _is_wrong(found: Bytes, info: zipfile.ZipInfo) -> bool:
    return info.compress_type == zipfile.ZIP_DEFLATED and zlib.crc32(found) != info.CRC


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: Bytes, budget: Budget) -> Bytes | Trouble:
    if info.flag_bits & _ENCRYPTED:
        return Trouble.ENCRYPTED
    try:
        with archive.open(info) as member:  # checks the member's own header
            if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return _at_once(data, info, budget)
            return _inflate(member, budget)
    except _BROKEN:
        return Trouble.DAMAGED


def _at_once(data: Bytes, info: zipfile.ZipInfo, budget: Budget) -> Bytes | Trouble:
    """Read a member in one piece; `zipfile` copies each chunk four times. Raises an error of `_BROKEN`."""
    name, extra = _LOCAL.unpack_from(data, info.header_offset + _LOCAL_AT)
    start = info.header_offset + _LOCAL_AT + _LOCAL.size + name + extra
    packed = memoryview(data)[start : start + info.compress_size]
    room = budget.room()
    found: Bytes
    if info.compress_type == zipfile.ZIP_STORED:
        size = len(packed)
        if size != info.file_size:
            raise ValueError("a stored member has two lengths")
        found = packed
    else:
        found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, max(1, min(info.file_size, room + 1)))
        found = found[: info.file_size]
        size = len(found)
    budget.took(size)
    if size > room:
        return Trouble.BOMB
    return found


def _tar(data: Bytes, budget: Budget, _: Kind) -> _Found:
    with tarfile.open(fileobj=opened(data), mode="r:") as archive:
        for info in archive:
            member = archive.extractfile(info) if info.isfile() else None
            if member is None:
                continue
            if not budget.entry():
                yield "", Trouble.TOO_MANY
                return
            yield info.name, _inflate(member, budget)


def _compressed(
    unpack: Callable[[BinaryIO], AbstractContextManager[_Readable]],
) -> Callable[[Bytes, Budget, Kind], _Found]:
    def give(data: Bytes, budget: Budget, _: Kind) -> _Found:
        with unpack(opened(data)) as stream:
            yield "", _inflate(stream, budget)

    return give


def _zstd(data: Bytes, budget: Budget, _: Kind) -> _Found:
    """Inflate in small steps: a few bytes can stand for megabytes, and the reader for streams tells no cut end."""
    machine = zstandard.ZstdDecompressor().decompressobj()
    room, inflated = budget.room(), bytearray()
    for start in range(0, len(data), _ZSTD_STEP):
        inflated += machine.decompress(data[start : start + _ZSTD_STEP])
        if machine.eof or len(inflated) > room:
            break
    budget.took(len(inflated))
    if len(inflated) > room:
        yield "", Trouble.BOMB
        return
    if not machine.eof:
        raise EOFError("the frame is cut short")
    yield "", bytes(inflated)


def _inflate(stream: _Readable, budget: Budget) -> bytes | Trouble:
    """Read a member as far as the budget goes; a member that is longer is a bomb or as good as one."""
    room = budget.room()
    parts: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > room:
            budget.took(size)
            return Trouble.BOMB
        parts.append(chunk)
    budget.took(size)
    return b"".join(parts)


_OPENERS: dict[Kind, Callable[[Bytes, Budget, Kind], _Found]] = {
    Kind.TAR: _tar,
    Kind.GZIP: _compressed(gzip.open),
    Kind.BZIP2: _compressed(bz2.open),
    Kind.XZ: _compressed(lzma.open),
    Kind.ZSTD: _zstd,
}
