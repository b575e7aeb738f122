"""Bytes that are looked at where they lie: a stored member of an archive is a window on the archive, not a copy of it.

Memory that is asked for and given back for each file costs more than looking into it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

type Bytes = bytes | memoryview


def opened(data: Bytes) -> BinaryIO:
    """Return a file for reading `data`, which is not copied."""
    if isinstance(data, bytes):
        return io.BytesIO(data)  # shares them until somebody writes
    return cast("BinaryIO", io.BufferedReader(_Window(data)))


class _Window(io.RawIOBase):
    """Read a window as a file."""

    def __init__(self, data: memoryview) -> None:
        super().__init__()
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, which may lie beyond the end; as `BytesIO` does, which stops at the start on the way back."""
        if whence == io.SEEK_SET and offset < 0:
            raise ValueError(f"negative seek value {offset}")
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence])
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer as far as there are bytes."""
        into = memoryview(buffer).cast("B")
        found = self._data[self._at : self._at + len(into)]
        into[: len(found)] = found
        self._at += len(found)
        return len(found)
