"""Where each entry came from, in four bytes for nearly all of them: the cells of a snapshot, both ways.

A *word* is what stands beside a key. Its top ten bits choose what the other 22 mean:
0 nothing (with all bits zero); 1 to 1021 a profile number plus one, with the line; 1022 a row of the wide table;
1023 a group of several words. A *profile* (see `profiles.py`) is what entries of one feed have in common.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

LINE_BITS = 22  # bits
MAX_LINE = (1 << LINE_BITS) - 1  # the last line that a word of its own can name
_WIDE = 1022
_GROUP = 1023
_WIDE_FIELDS = 3  # profile, line, expires
_U32 = 0xFFFFFFFF


type Record = tuple[int, int, int]
"""Which profile an entry has, its line in the feed, and until when it holds (Unix seconds, 0 for ever)."""


class CellWriter:
    """Collect the tables that words point into."""

    def __init__(self) -> None:
        self.wide = array("I")
        self.groups = array("I", [0])
        self.members = array("I")

    def word(self, profile: int, line: int, expires: int = 0) -> int:
        """Return the word of one record."""
        if profile + 1 < _WIDE and line <= MAX_LINE and not expires:
            return (profile + 1) << LINE_BITS | line
        at = len(self.wide) // _WIDE_FIELDS
        self.wide.extend((profile, min(line, _U32), min(expires, _U32)))
        return _pointer(_WIDE, at)

    def group(self, words: Sequence[int]) -> int:
        """Return the word that stands for several: nothing for none, itself for one."""
        if len(words) < 2:
            return words[0] if words else 0
        self.members.extend(words)
        self.groups.append(len(self.members))
        return _pointer(_GROUP, len(self.groups) - 2)


def same_profile(one: int, other: int) -> bool:
    """Say whether two words have one profile; no for words that do not hold theirs."""
    return one >> LINE_BITS == other >> LINE_BITS < _WIDE


def _pointer(kind: int, at: int) -> int:
    if at > MAX_LINE:
        raise OverflowError(f"a snapshot holds at most {MAX_LINE + 1} entries that several feeds name or that expire")
    return kind << LINE_BITS | at


class CellReader:
    """Turn words back into records. The tables are views of unsigned 32-bit numbers."""

    __slots__ = ("_groups", "_members", "_wide")

    def __init__(self, wide: Sequence[int], groups: Sequence[int], members: Sequence[int]) -> None:
        self._wide = wide
        self._groups = groups
        self._members = members

    def records(self, word: int) -> Sequence[Record]:
        """Return the records of a word."""
        kind = word >> LINE_BITS
        if 0 < kind < _WIDE:  # nearly all
            return ((kind - 1, word & MAX_LINE, 0),)
        return [self._wide_record(one) for one in self._singles(word) if one]

    def _wide_record(self, word: int) -> Record:
        kind, low = word >> LINE_BITS, word & MAX_LINE
        if kind != _WIDE:
            return kind - 1, low, 0
        profile, line, expires = self._wide[low * _WIDE_FIELDS : (low + 1) * _WIDE_FIELDS]
        return profile, line, expires

    def _singles(self, word: int) -> Iterable[int]:
        if word >> LINE_BITS != _GROUP:
            return (word,)
        low = word & MAX_LINE
        return self._members[self._groups[low] : self._groups[low + 1]]
