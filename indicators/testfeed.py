"""The built-in test feed: hosts, paths and hashes made for testing, so that protection can be tried without harm."""

from __future__ import annotations

from indicators.memory_index import MemoryIndex

SOURCE = "test-feed"


def load() -> MemoryIndex:
    """Return the test feed as an index. Its indicators count as a feed's (`origin.custom` is false)."""
    raise NotImplementedError
