"""The container of a snapshot: a versioned header, a table of named sections, checksums. Knows no indicator.

Little-endian. Header (`_HEADER`), then one `_ROW` for each section, then the sections, each on a 64-byte boundary.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Mapping

type Buffer = bytes | bytearray | memoryview

MAGIC = b"SEAWALL\x1a"
VERSION = 2
_HEADER = struct.Struct("<8sIIQII")  # magic, version, sections, length of the file, CRC-32 of the rest, of this head
_ROW = struct.Struct("<24sQQ")  # name, offset, length
_ALIGN = 64  # bytes; a mapped trie wants 8
_MAX_SECTIONS = 64


class SnapshotError(ValueError):
    """Say why a file is not a snapshot that this version can use."""


def pack(sections: Mapping[str, Buffer]) -> bytes:
    """Lay named sections out as one file."""
    at = _aligned(_HEADER.size + _ROW.size * len(sections))
    rows = bytearray()
    body = bytearray()
    start = at
    for name, content in sections.items():
        rows += _ROW.pack(name.encode("ascii"), at, len(content))
        body += content
        at = _aligned(start + len(body))
        body += bytes(at - start - len(body))
    gap = bytes(start - _HEADER.size - len(rows))
    rest = zlib.crc32(body, zlib.crc32(gap))
    head = _HEADER.pack(MAGIC, VERSION, len(sections), start + len(body), rest, 0)
    head = _HEADER.pack(MAGIC, VERSION, len(sections), start + len(body), rest, zlib.crc32(rows, zlib.crc32(head)))
    return b"".join((head, rows, gap, body))


def unpack(buffer: Buffer) -> dict[str, memoryview]:
    """Return the sections by name, as views into the buffer.

    Checks the head in full (magic, version, length, its checksum, every section's bounds); `verify` checks the rest.
    Raises SnapshotError.
    """
    view = memoryview(buffer).cast("B")
    count, table_end = _read_head(view)
    sections: dict[str, memoryview] = {}
    for row in range(count):
        name, offset, length = _ROW.unpack_from(view, _HEADER.size + row * _ROW.size)
        if offset < table_end or offset + length > len(view):
            raise SnapshotError("the snapshot is damaged: a section lies outside the file")
        sections[name.rstrip(b"\0").decode("ascii", "replace")] = view[offset : offset + length]
    return sections


def _read_head(view: memoryview) -> tuple[int, int]:
    if len(view) < _HEADER.size:
        raise SnapshotError(f"the snapshot is cut short: {len(view)} bytes")
    magic, version, count, length, rest, check = _HEADER.unpack_from(view)
    if magic != MAGIC:
        raise SnapshotError("this is not a snapshot of Seawall")
    if version != VERSION or sys.byteorder != "little":
        raise SnapshotError(f"the snapshot has layout {version}; this version reads layout {VERSION} (little-endian)")
    if length != len(view):
        raise SnapshotError(f"the snapshot is damaged: {len(view)} bytes instead of {length}")
    end = _HEADER.size + _ROW.size * count
    head = _HEADER.pack(magic, version, count, length, rest, 0)
    if count > _MAX_SECTIONS or end > length or zlib.crc32(view[_HEADER.size : end], zlib.crc32(head)) != check:
        raise SnapshotError("the snapshot is damaged: its header's checksum is wrong")
    return count, end


def verify(buffer: Buffer) -> None:
    """Check every byte (about 0.5 ms a megabyte). Raises SnapshotError."""
    view = memoryview(buffer).cast("B")
    _, end = _read_head(view)
    rest = _HEADER.unpack_from(view)[4]
    if zlib.crc32(view[end:]) != rest:
        raise SnapshotError("the snapshot is damaged: its checksum is wrong")


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGN) * _ALIGN
