"""How each feed stands, for the panel, `/healthz`, the console and the command line, read from what runs left."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from proxy.config.model import Config
from proxy.config.sections.feeds import FeedConfig
from proxy.feeds import ledger
from proxy.feeds.compile import counts_path
from proxy.feeds.job import doubt_of, source_of
from proxy.feeds.ledger import Ledger
from proxy.feeds.publishers import interval_of
from proxy.state import StateDir

_STALE_AFTER = 2  # intervals without an answer


class FeedState(StrEnum):
    """Name how a feed stands."""

    FRESH = "fresh"
    STALE = "stale"
    EMPTY = "empty"
    HELD = "held"
    FAILING = "failing"
    WAITING = "waiting"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """Describe one feed. Times are aware; `reason` says in words what is wrong, empty when nothing is."""

    name: str
    state: FeedState
    reason: str
    source: str
    format: str
    category: str
    action: str
    entries: int
    kept: int
    demoted: int
    repeated: int
    checked: datetime | None
    changed: datetime | None
    licence: str = ""
    terms: str = ""
    commercial_use: str = "allowed"
    note: str = ""

    @property
    def is_healthy(self) -> bool:
        """Say whether the feed is as it should be."""
        return self.state in (FeedState.FRESH, FeedState.DISABLED)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = asdict(self)
        return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in plain.items()}


def all_status(config: Config, state: StateDir, now: datetime) -> list[FeedStatus]:
    """Return the status of every feed of a configuration, in its order."""
    return [status_of(feed, state, now) for feed in config.feeds]


def status_of(feed: FeedConfig, state: StateDir, now: datetime) -> FeedStatus:
    """Return the status of one feed."""
    known = ledger.read(state, feed.name)
    if known.source != source_of(feed):
        known = Ledger()
    found, reason = _judge(feed, known, now)
    counts = _counts(state, feed.name)
    return FeedStatus(
        feed.name,
        found,
        reason,
        source_of(feed),
        known.good.format if known.good else feed.format,
        feed.category.value,
        feed.action.value,
        known.good.entries if known.good else 0,
        counts.get("kept", 0),
        counts.get("demoted", 0),
        counts.get("repeated", 0),
        known.checked,
        known.good.arrived if known.good else None,
        feed.licence,
        feed.terms,
        feed.commercial_use,
        "; ".join(part for part in (known.note, doubt_of(feed)) if part),
    )


def _judge(feed: FeedConfig, known: Ledger, now: datetime) -> tuple[FeedState, str]:
    if not feed.enabled:
        return FeedState.DISABLED, ""
    if known.held and (known.good or known.held.entries):
        return FeedState.HELD, f"{known.held_why}; `seawall feeds accept {feed.name}` takes it"
    if known.held or (known.good and not known.good.entries):
        return FeedState.EMPTY, "it has no usable entry; `seawall feeds show` says what its lines are"
    if known.failures and not known.good:
        return FeedState.WAITING, f"not yet fetched: {known.error}"
    if known.failures:
        return FeedState.FAILING, known.error
    if not known.good or not known.checked:
        return FeedState.WAITING, "not yet fetched"
    if now - known.checked > _STALE_AFTER * interval_of(feed):
        return FeedState.STALE, f"not checked since {known.checked:%Y-%m-%d %H:%M} UTC"
    return FeedState.FRESH, ""


def _counts(state: StateDir, name: str) -> dict[str, int]:
    try:
        lines = counts_path(state, name).read_text("ascii").splitlines()
    except FileNotFoundError:
        return {}
    return {key: int(value) for key, _, value in (line.partition(" ") for line in lines)}
