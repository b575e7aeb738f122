"""Wildcard lists: `*.name` covers a name and its subdomains, a bare name stands for that host alone.

Lists that mean subdomains by a bare name are domain lists (`domains.py`): the file itself cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.entry import Outcome, Why, skip
from indicators.feeds.lines import content, without_comment
from indicators.feeds.values import read_host


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives. An asterisk anywhere else makes a pattern, which is skipped."""
    for line, text, skipped in content(lines):
        if skipped:
            yield skipped
            continue
        value = without_comment(text)
        below = value.startswith("*.")
        if "*" in value.removeprefix("*."):
            yield skip(line, text, Why.PATTERN)
        else:
            yield read_host(line, value, exact=not below)
