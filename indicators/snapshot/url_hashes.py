"""The hash lists of a snapshot: which prefixes of an expression's SHA-256 are listed. Only there when a feed has such.

An expression is `host/path` in Safe Browsing form (see `indicators.expressions`). Each look costs one SHA-256 and one
search for each length of prefix that is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from indicators.snapshot.rows import Rows

LENGTHS = (32, 16, 8, 4)  # bytes; the longest says most


def section(length: int) -> str:
    """Return the name of the section with the prefixes of this many bytes; their words are in `<name>.words`."""
    return f"url_hash{length}"


class UrlHashes:
    """Look expressions up."""

    __slots__ = ("_tables",)

    def __init__(self, sections: Mapping[str, memoryview]) -> None:
        self._tables = [
            (length, Rows(sections[section(length)], length), sections[section(length) + ".words"].cast("I"))
            for length in LENGTHS
            if len(sections.get(section(length), b""))
        ]

    def __bool__(self) -> bool:
        return bool(self._tables)

    def words(self, expression: str) -> list[int]:
        """Return the words beside the listed prefixes of an expression's hash, the longest prefix first."""
        digest = sha256(expression.encode()).digest()
        found = []
        for length, rows, words in self._tables:
            at = rows.find(digest[:length])
            if at >= 0:
                found.append(words[at])
        return found
