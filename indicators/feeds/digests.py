"""Hashes of files and certificates, and lists that hold one hash a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.entry import Entry, Outcome, Why, skip
from indicators.feeds.lines import content, without_comment
from indicators.words import IndicatorType

_HEX = re.compile(r"[0-9a-f]+").fullmatch
_BY_LENGTH = {32: IndicatorType.MD5, 40: IndicatorType.SHA1, 64: IndicatorType.SHA256}


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives; the kind of a hash follows from its length."""
    for line, text, skipped in content(lines):
        yield skipped or read_digest(line, without_comment(text))


def read_digest(line: int, text: str, kind: IndicatorType | None = None) -> Outcome:
    """Read a hash in hex. `kind` is what it must be; a certificate's thumbprint is a SHA-1."""
    value = text.strip().lower()
    found = _BY_LENGTH.get(len(value)) if _HEX(value) else None
    if kind is IndicatorType.CERTIFICATE:
        value = value.replace(":", "")
        found = kind if len(value) == 40 and _HEX(value) else None
    if found is None or (kind and found is not kind):
        return skip(line, text, Why.NOT_A_HASH)
    return Entry(line, found, value)
