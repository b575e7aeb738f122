"""The piece of memory by which files go to one scan process: written by us, mapped by it, never copied on its side.

It is kept between files, because pages that are asked for and given back each time cost more than the scan. Only we
make it shorter, and only while nothing is being scanned: a file cut short under a mapping kills who reads it.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path

from addons.scanning.limits import MIB

_KEPT = 32 * MIB  # bytes; what a longer file needed beyond that is given back


class Slot:
    """Hold a nameless file. `folder` is where it lies on systems that have none in memory. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = _nameless(folder)
        self._length = 0

    def write(self, body: bytes) -> None:
        """Put a file in place of the one before. Raises OSError where there is no room; blocks."""
        if self._length > max(_KEPT, len(body)):
            os.ftruncate(self.descriptor, _KEPT)
            self._length = _KEPT
        done = 0
        while done < len(body):
            done += os.pwrite(self.descriptor, memoryview(body)[done:], done)
        self._length = max(self._length, len(body))

    def close(self) -> None:
        """Give it back."""
        os.close(self.descriptor)


class Window:
    """Look at a slot from the scan process, by the descriptor that it was given."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._mapped: mmap.mmap | None = None

    def show(self, size: int) -> memoryview:
        """Return the first `size` bytes. Raises ValueError where there are fewer, MemoryError."""
        if size > os.fstat(self._descriptor).st_size:
            raise ValueError("the file is shorter than was said")
        if size == 0:
            return memoryview(b"")
        if self._mapped is None or len(self._mapped) < size:
            self._mapped = self._map(size)
        return memoryview(self._mapped)[:size]

    def _map(self, size: int) -> mmap.mmap:
        try:
            return mmap.mmap(self._descriptor, size, prot=mmap.PROT_READ)
        except OSError as error:  # beyond the address space that a scan may have
            raise MemoryError from error


def _nameless(folder: Path) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("seawall-scan")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())
