"""STIX patterns of the shapes that are published: equalities, ISSUBSET and IN, joined by OR. A pure function.

AND, NOT, FOLLOWEDBY, qualifiers and other comparisons need more than one value, or no exact one: they are none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<path>[a-z0-9-]+:(?:[A-Za-z0-9_.\[\]*-]|'[^']*')+)"
    r"|(?P<mark>[\[\]()=,])|(?P<word>[A-Z]+))"
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Comparison(NamedTuple):
    """Hold one comparison: an object path such as `domain-name:value`, and the value that it must have."""

    path: str
    value: str


def read_pattern(text: str) -> list[Comparison] | None:
    """Return the comparisons any of which matches; nothing for a pattern of any other shape."""
    tokens = _tokens(text)
    if not tokens:
        return None
    found: list[Comparison] = []
    inside = tokens.pop(0) == "["
    while inside:
        if not _comparison(tokens, found):
            return None
        end = tokens.pop(0)
        if end == "OR":
            continue
        if end != "]":
            return None
        inside = bool(tokens)
        if inside and tokens[:2] != ["OR", "["]:
            return None
        del tokens[:2]
    return found or None


def _tokens(text: str) -> list[str]:
    """Return the tokens of a pattern; none for what is no pattern."""
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if not match or match.end() == at:
            return []
        tokens.append(match[match.lastgroup or 0])
        at = match.end()
    return tokens


def _comparison(tokens: list[str], found: list[Comparison]) -> bool:
    """Take one comparison from the tokens; false where there is none, or nothing behind it."""
    if len(tokens) < 4 or ":" not in tokens[0] or tokens[0].startswith("'"):
        return False
    path, operator = tokens.pop(0), tokens.pop(0)
    if operator == "IN" and tokens[0] == "(":
        return _set(path, tokens, found)
    if operator not in ("=", "ISSUBSET") or not tokens[0].startswith("'"):
        return False
    found.append(Comparison(path, _plain(tokens.pop(0))))
    return bool(tokens)


def _set(path: str, tokens: list[str], found: list[Comparison]) -> bool:
    while len(tokens) > 2 and tokens[0] in ("(", ",") and tokens[1].startswith("'"):
        found.append(Comparison(path, _plain(tokens[1])))
        del tokens[:2]
    return len(tokens) > 1 and tokens.pop(0) == ")"


def _plain(quoted: str) -> str:
    return _ESCAPE.sub(r"\1", quoted[1:-1])
