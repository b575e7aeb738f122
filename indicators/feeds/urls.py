"""URL lists: one a line, with a scheme or without. A host alone stands for its root."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.entry import Outcome
from indicators.feeds.lines import content
from indicators.feeds.values import read_url

_COMMENT = re.compile(r"\s#")  # a semicolon may stand in a URL


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives. A value in quotation marks or angle brackets is taken out of them."""
    for line, text, skipped in content(lines):
        yield skipped or read_url(line, _unquoted(_COMMENT.split(text, maxsplit=1)[0].strip()))


def _unquoted(text: str) -> str:
    return text[1:-1] if text[:1] + text[-1:] in ('""', "''", "<>") and len(text) > 2 else text
