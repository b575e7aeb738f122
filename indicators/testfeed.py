"""The built-in test feed: hosts, paths and hashes made for testing, so that protection can be tried without harm.

What it holds is data (`data/testfeed.json`, entries as in a custom file of indicators); only reading it is here.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.rules import parse_indicator

SOURCE = "test-feed"
PHISHING_TEST = "smartscreentestratings2.net"
"""The host by which people and the pilot try whether phishing is stopped."""


@cache
def indicators() -> tuple[Indicator, ...]:
    """Return the indicators of the test feed. They count as a feed's (`origin.custom` is false)."""
    entries = json.loads(files(__package__).joinpath("data/testfeed.json").read_text(encoding="utf-8"))
    origin = Origin(SOURCE, custom=False, place=SOURCE)
    return tuple(indicator for entry in entries for indicator in parse_indicator(entry, origin))


def load() -> MemoryIndex:
    """Return the test feed as an index."""
    return MemoryIndex(indicators())
