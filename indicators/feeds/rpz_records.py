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
    """Remember what one line of a zone says for the next: apex, origin, the last owner, an open parenthesis.

    `apex` is the zone's own name: the owner of its SOA record, or what `$ORIGIN` first names. Servers that write zones
    go below it (`$ORIGIN com.rpz.local.`) or above (`$ORIGIN .`), for shorter lines.
    """

    def __init__(self) -> None:
        self._apex = ""
        self._knows_apex = False
        self._origin: str | None = None  # "" for the root; nothing where the file does not say: the apex
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
                self._go_to(tokens[1].lower())
            return Why.SETTING
        written = "" if inherits else tokens.pop(0)
        if written:
            self._owner = self._relative(written)
        while tokens and (_TTL(tokens[0]) or tokens[0].upper() in _CLASSES):
            tokens.pop(0)
        if len(tokens) < 2:
            return Why.MALFORMED
        kind = tokens[0].upper()
        if kind == "SOA" and not self._knows_apex:
            self._apex, self._knows_apex = self._whole(written.lower()), True
        return Record(self._owner, kind, tokens[1].strip('"'))

    def _go_to(self, origin: str) -> None:
        self._origin = self._whole(origin)
        self._apex = self._apex or self._origin

    def _whole(self, name: str) -> str:
        if name in ("", "@"):
            return self._origin or ""
        return name.rstrip(".") if name.endswith(".") or not self._origin else f"{name}.{self._origin}"

    def _relative(self, owner: str) -> str:
        """Return an owner without the zone's name behind it; one that lies elsewhere as it is."""
        if not owner.endswith(".") and self._origin != "":
            below = _without(self._origin or "", self._apex) if self._origin != self._apex else ""
            if not below or below == self._origin:
                return owner
            return below if owner == "@" else f"{owner}.{below}"
        name = owner.rstrip(".")
        found = _without(name, self._apex)
        return found if found != name else _without(name, self._origin or "")


def _without(name: str, zone: str) -> str:
    """Take a zone's name off, in whatever letter case it stands there."""
    return name[: -len(zone) - 1] if zone and name.lower().endswith(f".{zone}") else name
