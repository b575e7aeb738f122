"""Write tables as CSV that no spreadsheet takes for formulas. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """Return a value as text; what could begin a formula (also after spaces or a BOM) gets an apostrophe before it.

    >>> cell("=1+1"), cell("  @x"), cell("evil.example"), cell(-5)
    ("'=1+1", "'  @x", 'evil.example', '-5')
    """
    if isinstance(value, (int, float)):
        return str(value)
    text = "" if value is None else str(value).replace("\x00", "\ufffd")
    if text[:1].isalnum():
        return text
    return f"'{text}" if text.startswith(_STARTS) or text.lstrip(" \u00a0\ufeff\u200b").startswith(_STARTS) else text


def to_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, RFC 4180, every field quoted; without a head the next piece of one."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([head] if head else [])
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()
