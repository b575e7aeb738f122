"""The lines of a zone file (RFC 1035, 5.1) as records: owner, type and data. Judges nothing; one line, one result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from indicators.feeds.entry import Why
from indicators.feeds.lines import MAX_LINE

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s;"]+|;').findall
_TTL = re.compile(r"(?:\d+[smhdwSMHDW]?)+").fullmatch
_CLASSES = ("IN", "CH", "HS")


class Record(NamedTuple):
    """Hold one record. `owner` is relative to the zone, without a dot at its end; a wildcard starts with `*.`."""

    owner: str
    kind: str  # upper case
    data: str


def read_records(lines: Iterable[str]) -> Iterator[Record | Why]:
    """Yield a record, or why there is none, for each line."""
    zone = _Zone()
    for raw in lines:
        yield Why.TOO_LONG if len(raw) > MAX_LINE else zone.read(raw.lstrip("\ufeff"))


class _Zone:
    """Remember what one line of a zone says for the next: the origin, the last owner, an open parenthesis."""

    def __init__(self) -> None:
        self._origin = ""
        self._owner = ""
        self._open = 0

    def read(self, raw: str) -> Record | Why:
        tokens = _TOKENS(raw)
        tokens = tokens[: tokens.index(";")] if ";" in tokens else tokens
        if not tokens:
            return Why.BLANK
        inside = self._open > 0
        plain = "".join(one for one in tokens if not one.startswith('"'))
        self._open = max(0, self._open + plain.count("(") - plain.count(")"))
        return Why.SETTING if inside else self._begin(tokens, raw[:1] in " \t")

    def _begin(self, tokens: list[str], inherits: bool) -> Record | Why:
        if tokens[0].startswith("$"):
            if tokens[0].upper() == "$ORIGIN" and len(tokens) > 1:
                self._origin = tokens[1].rstrip(".").lower()
            return Why.SETTING
        if not inherits:
            self._owner = self._relative(tokens.pop(0))
        while tokens and (_TTL(tokens[0]) or tokens[0].upper() in _CLASSES):
            tokens.pop(0)
        if len(tokens) < 2:
            return Why.MALFORMED
        kind = tokens[0].upper()
        if kind == "SOA":
            self._origin = self._origin or self._owner.lower()
        return Record(self._owner, kind, tokens[1].strip('"'))

    def _relative(self, owner: str) -> str:
        if not owner.endswith("."):
            return owner
        name = owner.rstrip(".")
        return name.removesuffix("." + self._origin) if self._origin and name.lower() != self._origin else name
