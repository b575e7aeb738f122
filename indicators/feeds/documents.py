"""Feeds that are one JSON document: the records in it, numbered from 1, because lines say nothing there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from indicators.feeds.entry import Skipped, Why, skip

type Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
type Fields = dict[str, Json]


def read_document(lines: Iterable[str]) -> Json | Skipped:
    """Return a document, or why there is none. All of it is held in memory; nesting has Python's own bound."""
    text = "".join(lines).strip("\ufeff\x00 \t\r\n")
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        return skip(1, text, Why.MALFORMED if text else Why.BLANK)
    return found


def read_records(lines: Iterable[str]) -> Iterator[tuple[int, Fields | Skipped]]:
    """Yield (number, record or why it is none) of `[{…}]`, and of abuse.ch's `{"id": [{…}]}`."""
    document = read_document(lines)
    if isinstance(document, Skipped):
        yield 1, document
        return
    for number, one in enumerate(_members(document), 1):
        yield number, one if isinstance(one, dict) else skip(number, f"a JSON {type(one).__name__}", Why.MALFORMED)


def _members(document: Json) -> Iterator[Json]:
    if isinstance(document, list):
        yield from document
    elif isinstance(document, dict) and any(isinstance(one, list) for one in document.values()):
        for value in document.values():
            yield from value if isinstance(value, list) else [value]
    else:
        yield document


def word(fields: Fields, name: str) -> str:
    """Return a text field; an empty text where it is missing or anything else."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def words(fields: Fields, name: str) -> list[str]:
    """Return the texts of a list field."""
    value = fields.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def whole(value: Json) -> int | None:
    """Return a whole number, written as one or as text; nothing for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:  # 64 bits
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
