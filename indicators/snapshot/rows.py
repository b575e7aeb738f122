"""Fixed-width byte rows in a mapped buffer, as a sequence that can be searched by bisection."""

from __future__ import annotations

from bisect import bisect_left


class Rows:
    """View a buffer as rows of one width, in ascending order; has what `bisect` asks of a sequence."""

    __slots__ = ("_view", "_width")

    def __init__(self, view: memoryview, width: int) -> None:
        self._view = view
        self._width = width

    def __len__(self) -> int:
        return len(self._view) // self._width

    def __getitem__(self, at: int) -> bytes:
        return bytes(self._view[at * self._width : (at + 1) * self._width])

    def find(self, row: bytes) -> int:
        """Return the place of a row, or -1."""
        at = bisect_left(self, row)
        return at if at < len(self) and self[at] == row else -1
