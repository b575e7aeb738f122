"""Tell whoever watches that something changed. No content passes here: watchers look for themselves.

A slow watcher misses nothing but the number of changes; it can hold up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

MOST_WATCHERS = 100


class Live:
    """Wake watchers after each committed change."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Event] = set()
        self._programs: set[asyncio.Event] = set()
        self.closed = False

    @property
    def is_full(self) -> bool:
        """Say whether no further watcher is taken; programs take nobody's place."""
        return len(self._watchers) >= MOST_WATCHERS

    @property
    def watchers(self) -> int:
        """Count those who watch."""
        return len(self._watchers)

    def changed(self) -> None:
        """Wake every watcher."""
        for watcher in (*self._watchers, *self._programs):
            watcher.set()

    def close(self) -> None:
        """Wake everybody for the last time, so that open streams end."""
        self.closed = True
        self.changed()

    @contextmanager
    def watching(self, *, program: bool = False) -> Iterator[asyncio.Event]:
        """Give an event that each change sets; the watcher clears it before it looks."""
        watcher = asyncio.Event()
        watchers = self._programs if program else self._watchers
        watchers.add(watcher)
        try:
            yield watcher
        finally:
            watchers.discard(watcher)
