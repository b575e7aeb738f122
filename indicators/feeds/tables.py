"""Comma-separated feeds: one row a line, columns told by a header that may be a comment. Knows no feed's columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from indicators.feeds.entry import Skipped, Why, skip
from indicators.feeds.lines import content

type Row = dict[str, str]

_NULLS = frozenset(("None", "n/a", "N/A"))  # how abuse.ch writes that there is no value


def read_rows(lines: Iterable[str], layouts: Sequence[str]) -> Iterator[tuple[int, str, Row | Skipped]]:
    """Yield (line, text, row or why there is none) for each line.

    `layouts` are headers as `a,b,c`. Before a header is met, the layout with as many columns as a row has is taken.
    A header is known by its first column and need not be a comment. Blanks after a comma are not part of a value.
    """
    known = [layout.split(",") for layout in layouts]
    by_width = {len(columns): columns for columns in reversed(known)}
    firsts = {columns[0] for columns in known}
    header: list[str] = []
    for line, text, skipped in content(lines):
        fields = _fields(text.lstrip("#! ")) if skipped is None or skipped.why is Why.COMMENT else []
        if fields and fields[0] in firsts and len(fields) > 1:
            header = fields
            yield line, text, skip(line, text, Why.COMMENT)
            continue
        columns = header if len(header) == len(fields) else by_width.get(len(fields))
        if skipped:
            yield line, text, skipped
        elif columns is None:
            yield line, text, skip(line, text, Why.MALFORMED)
        else:
            yield line, text, dict(zip(columns, map(_value, fields), strict=True))


def _value(field: str) -> str:
    text = field.strip()
    return "" if text in _NULLS else text


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:
        return []
