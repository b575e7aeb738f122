"""Fixed-width byte rows in a mapped buffer, as a sequence that can be searched by bisection."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import overload


class Rows(Sequence[bytes]):
    """View a buffer as rows of one width, in ascending order."""

    __slots__ = ("_view", "_width")

    def __init__(self, view: memoryview, width: int) -> None:
        self._view = view
        self._width = width

    def __len__(self) -> int:
        return len(self._view) // self._width

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return bytes(self._view[at * self._width : (at + 1) * self._width])

    def find(self, row: bytes) -> int:
        """Return the place of a row, or -1."""
        at = bisect_left(self, row)
        return at if at < len(self) and self[at] == row else -1
