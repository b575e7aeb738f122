"""How the feeds are, as numbers: for `/healthz`, `/metrics` and whoever watches. Pure: nothing is read here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from proxy.feeds.status import FeedState, FeedStatus


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one number of one feed, named as Prometheus names things: base units, seconds since a moment."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """Sum up all feeds that are in use. `unwell` names those that somebody should look at."""

    total: int
    entries: int
    unwell: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Say whether nobody needs to look."""
        return not self.unwell


def health(feeds: Iterable[FeedStatus]) -> FeedHealth:
    """Return how the feeds in use are."""
    used = [feed for feed in feeds if feed.state is not FeedState.DISABLED]
    return FeedHealth(
        len(used), sum(feed.entries for feed in used), tuple(feed.name for feed in used if not feed.is_healthy)
    )


def samples(feeds: Iterable[FeedStatus], now: datetime) -> Iterator[Sample]:
    """Yield the numbers of every feed in use.

    Ages are seconds, and missing where the moment is unknown: a feed that was never had has no age, and is unhealthy.
    """
    for feed in feeds:
        if feed.state is FeedState.DISABLED:
            continue
        label = {"feed": feed.name}
        yield Sample("seawall_feed_healthy", {**label, "state": feed.state.value}, float(feed.is_healthy))
        for name, count in (("entries", feed.entries), ("kept", feed.kept), ("demoted", feed.demoted)):
            yield Sample(f"seawall_feed_{name}", label, float(count))
        for name, moment in (("checked", feed.checked), ("changed", feed.changed)):
            if moment:
                yield Sample(f"seawall_feed_{name}_age_seconds", label, max(0.0, (now - moment).total_seconds()))
