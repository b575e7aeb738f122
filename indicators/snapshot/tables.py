"""The tables of a snapshot while it is being made: names in a trie, networks, digests. Words are made in `cells.py`."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

import marisa_trie

from indicators.snapshot.cells import CellWriter, same_profile
from indicators.snapshot.keys import host_of, host_part
from indicators.snapshot.name_filter import CellMaker
from indicators.snapshot.networks import Span, stretches


class Table(StrEnum):
    """Name the table that a row belongs to; the value is its letter in a parsed feed."""

    NAME = "n"
    V4 = "4"
    V6 = "6"
    MD5 = "m"
    SHA1 = "1"
    SHA256 = "2"
    CERTIFICATE = "c"
    PATTERN = "p"
    URL_HASH = "h"


class Row(NamedTuple):
    """Hold one entry on its way into a snapshot.

    The key of a name is `hosts.reverse_key` of its host, with path and query behind it for a URL; of a network its
    first address as a decimal number; of a digest its lower-case hex; of an expression its text as JSON.
    """

    table: str  # a Table's value
    key: str
    profile: int
    line: int
    expires: int = 0  # Unix seconds


class NameTable:
    """Map name keys to words. Two passes: the trie is made from all keys before a word can be placed."""

    def __init__(self, keys: Iterable[str], cells: CellWriter) -> None:
        self.filter = CellMaker()
        self.trie = marisa_trie.Trie(_with_hosts(keys, self.filter))
        self._cells = cells
        self._words = array("I", bytes(4 * len(self.trie)))
        self._more: dict[int, list[int]] = {}

    def place(self, key: str, word: int) -> bool:
        """Put a word beside a key; say no, and put nothing, where one of the same profile is there already."""
        at = self.trie[key]
        first = self._words[at]
        if not first:
            self._words[at] = word
            return True
        more = self._more.get(at, [])
        if same_profile(first, word) or any(same_profile(known, word) for known in more):
            return False
        self._more[at] = [*more, word]
        return True

    def words(self) -> array[int]:
        """Return the word of each key, by the trie's number of it."""
        for at, more in self._more.items():
            self._words[at] = self._cells.group((self._words[at], *more))
        self._more.clear()
        return self._words


def _with_hosts(keys: Iterable[str], marks: CellMaker) -> Iterator[str]:
    for key in keys:
        yield key
        host = key
        if "/" in key:
            host = host_part(key)
            yield host
        marks.add(host_of(host))


class NetworkTable:
    """Map networks of one IP version to words."""

    def __init__(self, width: int, cells: CellWriter) -> None:
        self._width = width  # bits of an address
        self._cells = cells
        self._spans: dict[tuple[int, int], list[int]] = {}

    def place(self, first: int, bits: int, word: int) -> bool:
        """Put a word beside a network; say no where one of the same profile is there already."""
        return _place(self._spans, (first, first | ((1 << (self._width - bits)) - 1)), word)

    def columns(self) -> tuple[bytes, array[int]]:
        """Return the first address of each stretch (machine order for 32 bits, network order for 128) and its word."""
        firsts, words = bytearray(), array("I")
        order = "little" if self._width == 32 else "big"
        spans = (Span(first, last, tuple(found)) for (first, last), found in self._spans.items())
        known: dict[tuple[int, ...], int] = {}
        for first, found in stretches(spans, (1 << self._width) - 1):
            firsts += first.to_bytes(self._width // 8, order)  # type: ignore[arg-type]
            if found not in known:
                known[found] = self._cells.group(found)
            words.append(known[found])
        return bytes(firsts), words


class PatternTable:
    """Map expressions over host names to words."""

    def __init__(self, cells: CellWriter) -> None:
        self._cells = cells
        self._found: dict[str, list[int]] = {}

    def place(self, text: str, word: int) -> bool:
        """Put a word beside an expression; say no where one of the same profile is there already."""
        return _place(self._found, text, word)

    def columns(self) -> tuple[bytes, array[int]]:
        """Return the expressions as a JSON list, and their words."""
        words = array("I", (self._cells.group(words) for words in self._found.values()))
        return json.dumps(list(self._found)).encode(), words


class DigestTable:
    """Map digests of one length to words."""

    def __init__(self, cells: CellWriter) -> None:
        self._cells = cells
        self._found: dict[bytes, list[int]] = {}

    def place(self, digest: str, word: int) -> bool:
        """Put a word beside a digest (hex); say no where one of the same profile is there already."""
        return _place(self._found, bytes.fromhex(digest), word)

    def columns(self) -> tuple[bytes, array[int]]:
        """Return the digests in order, joined, and their words."""
        digests = sorted(self._found)
        return b"".join(digests), array("I", (self._cells.group(self._found[digest]) for digest in digests))


def _place[K](found: dict[K, list[int]], key: K, word: int) -> bool:
    words = found.setdefault(key, [])
    if any(same_profile(known, word) for known in words):
        return False
    words.append(word)
    return True
