"""Feeds that come as an archive (zip, tar): their members, one after the other, as one text. No name in it is used.

What an archive says of its sizes is not believed: every byte is counted as it is unpacked.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from proxy.feeds.inflate import FeedError, Meter

_ZIP = b"PK\x03\x04"
_PACKED = (_ZIP, b"\x1f\x8b")
_TAR_MAGIC = (257, b"ustar")
_CHUNK = 64 * 1024


def members_of(path: Path, meter: Meter) -> Iterator[bytes] | None:
    """Return the chunks of an archive's text files, in the order of their names; nothing when it is no archive.

    Raises FeedError, then or on the way: too many members, an archive inside, encrypted or damaged data.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(_ZIP):
        return _guarded(_zip_members, path, meter)
    at, magic = _TAR_MAGIC
    return _guarded(_tar_members, path, meter) if head[at : at + len(magic)] == magic else None


def _guarded(read: Callable[[Path, Meter], Iterator[bytes]], path: Path, meter: Meter) -> Iterator[bytes]:
    try:
        yield from read(path, meter)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FeedError(f"its archive cannot be read: {str(error)[:200]}") from None


def _zip_members(path: Path, meter: Meter) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        _check_number(len(infos), meter)
        for info in sorted(infos, key=lambda info: info.filename):
            with archive.open(info) as member:
                yield from _text(member, meter)


def _tar_members(path: Path, meter: Meter) -> Iterator[bytes]:
    with tarfile.open(path, "r:") as archive:
        infos = []
        for info in archive:
            infos += [info] if info.isfile() else []
            _check_number(len(infos), meter)
        for info in sorted(infos, key=lambda info: info.name):
            member = archive.extractfile(info)
            if member:
                yield from _text(member, meter)


def _check_number(number: int, meter: Meter) -> None:
    if number > meter.limits.members:
        raise FeedError(f"its archive has more than {meter.limits.members} members")


def _text(member: IO[bytes], meter: Meter) -> Iterator[bytes]:
    last = b"\n"
    first = True
    while chunk := member.read(_CHUNK):
        if first and chunk.startswith(_PACKED):
            raise FeedError("its archive holds another archive")
        first, last = False, chunk[-1:]
        meter.given(len(chunk))
        yield chunk
    if last != b"\n":
        yield b"\n"  # so that the next member begins on a line of its own
