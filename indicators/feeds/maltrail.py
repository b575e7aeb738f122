"""maltrail's trails: a name, address, network, or host and path a line; a regular expression or a bare path is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.domains import parse as parse_domains
from indicators.feeds.entry import Outcome, Why, skip
from indicators.feeds.lines import content, without_comment

_EXPRESSION = re.compile(r"[\\^$|*+]|\(|\[[^\]]*-").search


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives."""
    for line, text, skipped in content(lines):
        if skipped:
            yield skipped
            continue
        value = without_comment(text)
        if value.startswith("/") or _EXPRESSION(value.partition("/")[0].removeprefix("*.")):
            yield skip(line, text, Why.PATTERN)
        else:
            yield from (one._replace(line=line) for one in parse_domains([value]))
