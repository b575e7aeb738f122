"""Turn the words of a snapshot back into indicators, with feed, line and guard: done on hits alone, never on misses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from indicators.guards import explain
from indicators.indicator import Indicator, Origin
from indicators.snapshot.cells import CellReader, Record
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.verdict import Match, Scope

_REWRITE = "The feed asks to send this name elsewhere; a feed cannot redirect, so it counts as a block."


class Found(NamedTuple):
    """Hold one record of a word with its profile."""

    profile: Profile
    record: Record


class Evidence:
    """Read words and build matches from them."""

    __slots__ = ("_cells", "_feeds", "_profiles")

    def __init__(self, cells: CellReader, profiles: Sequence[Profile], feeds: Sequence[FeedNote]) -> None:
        self._cells = cells
        self._profiles = profiles
        self._feeds = feeds

    def found(self, word: int) -> Iterator[Found]:
        """Yield what a word stands for, markers included."""
        for record in self._cells.records(word):
            yield Found(self._profiles[record.profile], record)

    def match(self, found: Found, value: str, observable: str, scope: Scope, length: int) -> Match:
        """Build the match of one record; `value` is the indicator's, canonical."""
        profile, record = found
        guard = explain(profile.guard, value) if profile.guard else ""
        return Match(self._indicator(profile, record, value), observable, scope, length, profile.action, guard)

    def _indicator(self, profile: Profile, record: Record, value: str) -> Indicator:
        feed, since = self._feeds[profile.feed].name, self._feeds[profile.feed].since
        return Indicator(
            value=value,
            type=profile.indicator_type,
            action=profile.asks,
            origin=Origin(feed, custom=False, place=feed, line=record.line),
            category=profile.category,
            description=_REWRITE if profile.rewrite else "",
            expiration=datetime.fromtimestamp(record.expires, UTC) if record.expires else None,
            exact=profile.exact,
            confidence=profile.confidence,
            since=datetime.fromisoformat(since) if since else None,
        )
