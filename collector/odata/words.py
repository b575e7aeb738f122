"""Cut a `$filter` into words: names, literals, operators, each with its position. Pure.

Literals are those of OData 4.01 that we compare with: 'text' ('' for a quote), whole numbers, times, true, false, null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

type Literal = str | int | bool | datetime | None

LONGEST = 4000  # characters
_FORMS = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<time>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?)
    | (?P<number>-?\d{1,18})
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<mark>[(),:])
    )""",
    re.VERBOSE | re.ASCII,
)
_WORDS: dict[str, Literal] = {"true": True, "false": False, "null": None}


class Form(StrEnum):
    """Say what a word is."""

    NAME = "name"
    LITERAL = "literal"
    MARK = "mark"
    END = "end"


@dataclass(frozen=True, slots=True)
class Word:
    """Hold one word. `text` is as written; `at` counts characters from 1."""

    form: Form
    text: str
    at: int
    value: Literal = None


class ODataError(ValueError):
    """Say what was expected, and at which character."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(f"at character {at}: {reason}")


def words(text: str) -> Iterator[Word]:
    """Give every word and then the end. Raises ODataError."""
    if len(text) > LONGEST:
        raise ODataError(LONGEST, f"longer than {LONGEST} characters")
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _FORMS.match(text, at)
        if not found:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise ODataError(start + 1, f"this cannot be read: {text[start : start + 20]!r}")
        yield _word(found)
        at = found.end()
    yield Word(Form.END, "the end", end + 1)


def _word(found: re.Match[str]) -> Word:
    kind = found.lastgroup or ""
    text, at = found[kind], found.start(kind) + 1
    if kind == "mark":
        return Word(Form.MARK, text, at)
    if kind == "text":
        return Word(Form.LITERAL, text, at, text[1:-1].replace("''", "'"))
    if kind == "number":
        return Word(Form.LITERAL, text, at, int(text))
    if kind == "time":
        return Word(Form.LITERAL, text, at, _time(text, at))
    return Word(Form.LITERAL, text, at, _WORDS[text]) if text in _WORDS else Word(Form.NAME, text, at)


def _time(text: str, at: int) -> datetime:
    """Read a time; without an offset it is UTC, and digits beyond microseconds are dropped."""
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        when = datetime.fromisoformat(cut)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ODataError(at, f"expected a time such as 2026-11-23T12:00:00Z, got {text}") from None
