"""One segment of a spool: a file of fixed size that its writer maps, so that an append is a copy in memory.

Layout: 16 bytes of magic, then records of `length` and `crc32` (32 bits each, little-endian) and `length` bytes of
payload. A length of zero means that nothing follows yet, `END` that the segment is full and closed. The writer holds
an exclusive `flock` on the file while it lives; a segment without one has no writer and gets no more records.
A page that was written survives SIGKILL of the writer, because the kernel owns it; it does not survive a power cut.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"seawall-spool-1\n"
END = 0xFFFFFFFF
_HEAD = struct.Struct("<II")  # length, crc32


def preallocate(path: Path, size: int) -> int:
    """Make a file of `size` bytes whose blocks exist, locked by us, and return its descriptor.

    It appears under its name only when it is locked, so nobody takes it for a dead process's. Raises OSError (disk
    full, quota) and leaves nothing behind then.
    """
    draft = path.with_name(f".{path.name}.draft")
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _allocate(handle, size)
        draft.rename(path)
    except OSError:
        os.close(handle)
        draft.unlink(missing_ok=True)
        raise
    return handle


def _allocate(handle: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    elif os.pwrite(handle, bytes(size), 0) != size:
        raise OSError("the disk is full")


def has_writer(handle: int) -> bool:
    """Say whether a living process holds the file's lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


class SegmentWriter:
    """Append records to a segment of our own."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._handle = preallocate(path, size)
        self._map = mmap.mmap(self._handle, size)
        self._size = size
        self._map[: len(MAGIC)] = MAGIC
        self._at = len(MAGIC)

    def append(self, payloads: Sequence[bytes]) -> int:
        """Copy records in; return for how many there was room, and for the end mark. One copy, no system call."""
        parts: list[bytes] = []
        after, count = self._at, 0
        for payload in payloads:
            size = len(payload)
            if after + size + 2 * _HEAD.size > self._size:
                break
            parts += (_HEAD.pack(size, zlib.crc32(payload)), payload)
            after += _HEAD.size + size
            count += 1
        self._map[self._at : after] = b"".join(parts)
        self._at = after
        return count

    def close(self, *, ended: bool = True) -> None:
        """Mark the end and let go of the file."""
        if ended:
            self._map[self._at : self._at + _HEAD.size] = _HEAD.pack(END, 0)
        self._map.close()
        os.close(self._handle)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Hold what a look into a segment gave: payloads, the offset after them, and whether nothing can follow."""

    payloads: tuple[bytes, ...]
    offset: int
    ended: bool


def read_chunk(handle: int, offset: int, limit: int) -> Chunk:
    """Read whole records from `offset` on, about `limit` bytes of them, at least one if there is one.

    A record whose checksum does not fit ends the chunk: its writer is at it right now, or died there.
    """
    at = max(offset, len(MAGIC))
    payloads: list[bytes] = []
    taken = 0
    while taken < limit:
        head = os.pread(handle, _HEAD.size, at)
        if len(head) < _HEAD.size:
            return Chunk(tuple(payloads), at, ended=True)
        length, checksum = _HEAD.unpack(head)
        if length in (0, END):
            return Chunk(tuple(payloads), at, ended=length == END)
        payload = os.pread(handle, length, at + _HEAD.size)
        if len(payload) != length or zlib.crc32(payload) != checksum:
            break
        payloads.append(payload)
        at += _HEAD.size + length
        taken += length
    return Chunk(tuple(payloads), at, ended=False)
