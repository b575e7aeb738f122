"""Spamhaus DROP as JSON lines: a network a line, a line of metadata at the end. Its text export is `ips`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from indicators.feeds.documents import word
from indicators.feeds.entry import Outcome, Why, skip
from indicators.feeds.lines import content
from indicators.feeds.values import read_network


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives. A count in the metadata that is not met tells of a list that was cut short."""
    records = 0
    for line, text, skipped in content(lines):
        if skipped:
            yield skipped
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            yield skip(line, text, Why.MALFORMED)
        elif record.get("type") == "metadata":
            yield skip(line, text, Why.SETTING if record.get("records") == records else Why.CUT_SHORT)
        else:
            records += 1
            cidr = word(record, "cidr")
            yield from read_network(line, cidr) if cidr else [skip(line, text, Why.UNSUPPORTED)]
