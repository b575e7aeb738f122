"""A small table that says at once that nothing stands on a host or its parents: true of nearly all traffic.

For each listed name its tails from two labels on leave a mark in a cell chosen by their CRC-32: the name itself as the
end of one, the shorter tails as leading to one. Cells are shared by chance, so the table may say *perhaps* in vain; it
never says no to a name that is listed. A walk of the trie costs three times as much.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from zlib import crc32

_CELLS_EACH = 6  # cells for one listed name, rounded up to a power of two: about one clean host in ten is let through
_SMALLEST = 1 << 10
_LISTED, _LEADS_ON = 2, 1
_FOUR = 2  # bits to shift: four cells in a byte


class NameFilter:
    """Look into the table. `cells` are two bits each, a power of two in number."""

    __slots__ = ("_cells", "_mask")

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells
        self._mask = len(cells) * 4 - 1
        if not len(cells) or self._mask & (self._mask + 1):
            raise ValueError(f"{len(cells)} bytes of cells are no power of two")

    def asking(self, confirm: Callable[[str], object]) -> Callable[[str], bool]:
        """Return a function that says whether something stands on a canonical host or a parent of it.

        It asks `confirm` where the table says *perhaps*. Made once and called for every name that anybody asks for.
        """
        cells, mask = self._cells, self._mask

        def stands(host: str) -> bool:
            at = host.rfind(".", 0, host.rfind("."))  # of a single label: -1 twice
            while True:
                cell = crc32(host[at + 1 :].encode()) & mask
                mark = cells[cell >> 2] >> ((cell & 3) << 1) & 3
                if mark != _LEADS_ON or at < 0:
                    return mark > 1 and bool(confirm(host))
                at = host.rfind(".", 0, at)

        return stands


class CellMaker:
    """Take listed hosts one by one, then make the cells, sized for their number."""

    def __init__(self) -> None:
        self._listed = array("I")
        self._leading = array("I")
        self._covers_all = False

    def add(self, host: str) -> None:
        """Note a listed host (canonical)."""
        second = host.rfind(".", 0, host.rfind("."))
        if "." not in host and ":" not in host:
            self._covers_all = True  # a top-level domain: no host can be told from two labels
        while second >= 0:
            self._leading.append(crc32(host[second + 1 :].encode()))
            second = host.rfind(".", 0, second)
        self._listed.append(crc32(host.encode()))

    def cells(self) -> bytes:
        """Return the cells; all say *perhaps* where a name of one label is listed."""
        total = max(_SMALLEST, 1 << (len(self._listed) * _CELLS_EACH - 1).bit_length())
        if self._covers_all:
            return b"\xaa" * (_SMALLEST >> _FOUR)
        cells, mask = bytearray(total >> _FOUR), total - 1
        for mark, hashes in ((_LEADS_ON, self._leading), (_LISTED, self._listed)):
            for one in hashes:
                cell = one & mask
                cells[cell >> 2] |= mark << ((cell & 3) << 1)
        return bytes(cells)
