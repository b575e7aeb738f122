"""Put the parsed feeds together into one snapshot: profiles, guards that need several feeds, counts, publication."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from indicators.guards import INDEPENDENT_FEEDS, Guard, popular_name
from indicators.snapshot.keys import host_of
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.snapshot.tables import Row
from indicators.snapshot.writer import Built, build
from indicators.words import Action, Category
from proxy.feeds.intake import Parsed, Report


@dataclass(frozen=True, slots=True)
class Source:
    """Hold one feed on its way into a snapshot.

    `publisher` tells which feeds are independent of each other; `digest` names its version and settings; `doubt` is
    why all of it is audited only, in words.
    """

    name: str
    publisher: str
    category: Category
    action: Action
    parsed: Parsed
    report: Report
    digest: str
    since: datetime | None = None
    allow_rewrite: bool = False
    confidence: int = 100
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class FeedCounts:
    """Say what became of a feed's items: `kept + demoted + repeated` are its entries."""

    kept: int
    demoted: int
    repeated: int


def inputs_digest(sources: Sequence[Source]) -> str:
    """Return a name for what a snapshot of these sources would hold: equal names, equal snapshots."""
    parts = [
        (
            *(one.name, one.publisher, one.category, one.action, one.digest, one.parsed.rows.name),
            *(one.allow_rewrite, one.confidence, one.doubt),
        )
        for one in sources
    ]
    return hashlib.sha256("\n".join("\0".join(map(str, part)) for part in parts).encode()).hexdigest()


def assemble(sources: Sequence[Source], built_at: datetime) -> tuple[Built, dict[str, FeedCounts]]:
    """Compile a snapshot, and count for each feed what it keeps."""
    plan = _Plan(sources)
    notes = [FeedNote(one.name, one.publisher, one.since.isoformat() if one.since else "") for one in sources]
    built = build(plan.rows, notes, plan.profiles, built_at, inputs_digest(sources))
    return built, plan.counts(built.repeated)


class _Plan:
    """Number the profiles of all feeds, each variant twice: as its guard leaves it, and as it is without."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.profiles: list[Profile] = []
        self._lifted = _named_by_several(sources)
        self._numbers = [self._number(at, source) for at, source in enumerate(sources)]
        self._seen: Counter[int] = Counter()

    def _number(self, feed: int, source: Source) -> list[tuple[int, int]]:
        numbers = []
        for variant in source.report.variants:
            asks = Action(variant.action) if variant.action else source.action
            guard = source.doubt or variant.guard
            target = variant.target if source.allow_rewrite and not source.doubt and asks is Action.BLOCK else ""
            lifted = target and variant.guard != Guard.PUBLIC_SUFFIX  # the user's wish, which blocks nothing
            holds = guard and asks.strength > Action.AUDIT.strength and not lifted
            open_ = Profile(
                feed,
                variant.type,
                asks,
                asks,
                Category(variant.category) if variant.category else source.category,
                variant.exact,
                min(variant.confidence, source.confidence),
                variant.rewrite,
                bits=variant.bits,
                target="" if holds else target,
            )
            number = self._add(open_)
            guarded = number if not holds else self._add(_lower(open_, guard))
            numbers.append((guarded, number if guard == Guard.SINGLE_FEED else guarded))
        return numbers

    def _add(self, profile: Profile) -> int:
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def rows(self) -> Iterator[Row]:
        """Yield the rows of all feeds, guards applied."""
        self._seen.clear()
        for source, numbers in zip(self._sources, self._numbers, strict=True):
            with source.parsed.rows.open(encoding="ascii") as lines:
                for line in lines:
                    table, key, variant, number, expires = line.rstrip("\n").split("\t")
                    guarded, free = numbers[int(variant)]
                    profile = guarded
                    if free != guarded and popular_name(host_of(key)) in self._lifted:
                        profile = free
                    self._seen[profile] += 1
                    yield Row(table, key, profile, int(number), int(expires))

    def counts(self, repeated: Counter[int]) -> dict[str, FeedCounts]:
        """Return what became of each feed's entries in the last pass."""
        return {source.name: self._counts(at, repeated) for at, source in enumerate(self._sources)}

    def _counts(self, feed: int, repeated: Counter[int]) -> FeedCounts:
        mine = [at for at, profile in enumerate(self.profiles) if profile.feed == feed]
        demoted = sum(self._seen[at] - repeated[at] for at in mine if self.profiles[at].guard)
        twice = sum(repeated[at] for at in mine)
        return FeedCounts(sum(self._seen[at] for at in mine) - demoted - twice, demoted, twice)


def _lower(profile: Profile, guard: str) -> Profile:
    return Profile(
        profile.feed,
        profile.type,
        profile.asks,
        Action.AUDIT,
        profile.category,
        profile.exact,
        profile.confidence,
        profile.rewrite,
        guard,
        profile.bits,
    )


def _named_by_several(sources: Sequence[Source]) -> frozenset[str]:
    """Return the popular hosts that enough independent publishers name as domains, and ask to stop."""
    naming: dict[str, set[str]] = {}
    for source in sources:
        if source.action.strength > Action.AUDIT.strength and not source.doubt:
            for host in source.report.popular:
                naming.setdefault(host, set()).add(source.publisher)
    return frozenset(host for host, publishers in naming.items() if len(publishers) >= INDEPENDENT_FEEDS)
