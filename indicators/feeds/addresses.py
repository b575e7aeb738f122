"""Address lists: one IP address or network (CIDR) a line, a count or note behind it or none; ipset and netset files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.entry import Outcome
from indicators.feeds.lines import content
from indicators.feeds.values import read_network

_FIRST = re.compile(r"[^\s,;#]+").match


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives: several entries for a network with special-purpose ranges inside."""
    for line, text, skipped in content(lines):
        if skipped:
            yield skipped
            continue
        found = _FIRST(text)
        yield from read_network(line, found[0] if found else text)
