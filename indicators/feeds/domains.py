"""Plain domain lists: one name a line, covering its subdomains. `*.name` and `.name` mean the same.

Such lists hold addresses, networks and `host/path` lines too; each is read as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.entry import Outcome
from indicators.feeds.lines import content, without_comment
from indicators.feeds.values import read_host, read_network, read_url

_NETWORK = re.compile(r"[0-9A-Fa-f.:]+/\d{1,3}").fullmatch


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives."""
    for line, text, skipped in content(lines):
        if skipped:
            yield skipped
            continue
        value = without_comment(text)
        if "/" not in value:
            yield read_host(line, value)
        elif _NETWORK(value):
            yield from read_network(line, value)
        else:
            yield read_url(line, value)
