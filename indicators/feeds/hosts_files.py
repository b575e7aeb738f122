"""Hosts files: an address, then names (hosts(5)). Names sent to nowhere are blocked.

`0` is short for 0.0.0.0: it saves bytes. A name sent to a real address is a rewrite; it counts as a block, and is
marked, because a feed cannot redirect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.addresses import parse_address
from indicators.feeds.entry import Outcome, Why, skip
from indicators.feeds.lines import content, without_comment
from indicators.feeds.values import read_host


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each name gives; every line gives something."""
    for line, text, skipped in content(lines):
        if skipped:
            yield skipped
        else:
            yield from _names(line, without_comment(text))


def _names(line: int, text: str) -> Iterator[Outcome]:
    first, *names = text.split()
    try:
        address = parse_address("0.0.0.0" if first == "0" else first)
    except ValueError:
        yield skip(line, text, Why.NOT_AN_ADDRESS) if names else read_host(line, first)
        return
    rewrite = not (address.is_unspecified or address.is_loopback)
    yield from [read_host(line, name, rewrite, answer=first) for name in names] or [skip(line, text, Why.NO_TARGET)]
