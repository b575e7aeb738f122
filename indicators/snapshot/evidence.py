"""Turn the words of a snapshot back into indicators, with feed, line and guard: done on hits alone, never on misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from indicators.guards import Guard, explain
from indicators.indicator import Indicator, Origin
from indicators.snapshot.cells import CellReader, Record
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.verdict import Match, Scope
from indicators.words import Action

_REWRITTEN = "The feed, which may rewrite, sends this name to {}."
_REWRITE = "The feed asks to send this name elsewhere; a feed cannot redirect, so it counts as a block."


class Found(NamedTuple):
    """Hold one record of a word with its profile."""

    profile: Profile
    record: Record


class Evidence:
    """Read words and build matches from them."""

    __slots__ = ("_cells", "_feeds", "_profiles", "_since", "records")

    def __init__(self, cells: CellReader, profiles: Sequence[Profile], feeds: Sequence[FeedNote]) -> None:
        self._cells = cells
        self.records = cells.records
        self._profiles = profiles
        self._feeds = [feed.name for feed in feeds]
        self._since = [datetime.fromisoformat(feed.since) if feed.since else None for feed in feeds]

    def found(self, word: int) -> Sequence[Found]:
        """Return what a word stands for, markers included."""
        return [Found(self._profiles[record[0]], record) for record in self._cells.records(word)]

    def has_marker(self, word: int) -> bool:
        """Say whether one of the records of a word is a marker."""
        for record in self._cells.records(word):  # noqa: SIM110 - a generator would cost more than the rest
            if self._profiles[record[0]].is_marker:
                return True
        return False

    def on_host(self, word: int, name: str, host: str) -> list[Match]:
        """Build the matches of a word that stands beside `name`, which is `host` or a parent of it."""
        matches = []
        scope = Scope.EXACT_HOST if name == host else Scope.PARENT_DOMAIN
        for record in self._cells.records(word):
            profile = self._profiles[record[0]]
            if profile.is_marker or (profile.exact and name != host):
                continue
            value = name + "/" if profile.type == "url" else name
            matches.append(self.match(profile, record, value, host, scope, name.count(".") + 1))
        return matches

    def glance(self, word: int, *, exact: bool) -> list[tuple[int, int]] | None:
        """Return a number for what a word says of a host, or of one below it, and the line, of each of its matches.

        None where no number can say it, because it ends at a time of its own.
        """
        found = []
        for number, line, expires in self._cells.records(word):
            profile = self._profiles[number]
            if expires:
                return None
            if not profile.is_marker and (exact or not profile.exact):
                found.append((number if exact else -1 - number, line))
        return found

    def on_pattern(self, word: int, host: str, is_public_suffix: bool) -> list[Match]:
        """Build the matches of an expression that `host` meets; they stand for that host alone."""
        matches = []
        for profile, record in self.found(word):
            match = self.match(profile, record, host, host, Scope.EXACT_HOST, host.count(".") + 1)
            if is_public_suffix and match.action.strength > Action.AUDIT.strength:
                match = replace(match, action=Action.AUDIT, guard=explain(Guard.PUBLIC_SUFFIX, host))
            matches.append(match)
        return matches

    def match(self, profile: Profile, record: Record, value: str, observable: str, scope: Scope, length: int) -> Match:
        """Build the match of one record; `value` is the indicator's, canonical."""
        _, line, expires = record
        feed = self._feeds[profile.feed]
        indicator = Indicator(
            value,
            profile.indicator_type,
            profile.asks,
            Origin(feed, False, feed, line),
            profile.category,
            "",
            _described(profile),
            None,
            datetime.fromtimestamp(expires, UTC) if expires else None,
            generate_alert=profile.alerts,
            exact=profile.exact,
            confidence=profile.confidence,
            since=self._since[profile.feed],
        )
        guard = explain(profile.guard, value) if profile.guard else ""
        return Match(indicator, observable, scope, length, profile.action, guard, profile.target)


def _described(profile: Profile) -> str:
    if not profile.rewrite:
        return ""
    return _REWRITTEN.format(profile.target) if profile.target else _REWRITE
