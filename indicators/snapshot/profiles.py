"""What the entries of one feed have in common, stored once: the profiles and feeds of a snapshot, to JSON and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from indicators.guards import Guard
from indicators.words import Action, Category, IndicatorType

PATTERN, URL_HASH = "pattern", "url_hash"  # see `feeds.entry.FeedOnly`
BELOW = "below"  # the type of a marker: URL indicators with a path stand below this host


_TOLD_AS = {BELOW: IndicatorType.URL, URL_HASH: IndicatorType.URL, PATTERN: IndicatorType.DOMAIN}


@dataclass(frozen=True, slots=True)
class FeedNote:
    """Name one feed of a snapshot, its publisher, and when this version of it arrived (ISO 8601, or nothing)."""

    name: str
    publisher: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """Describe entries of one feed that differ in value and line only.

    `asks` is the action that the feed asks for, `action` what a guard left of it and `guard` that guard's word (see
    `guards.py`). `bits` is the prefix length of networks. A marker (`below`) stands for no entry: it says that URL
    indicators of this feed and `action` stand below the host, and its line how many.
    """

    feed: int
    type: str  # an IndicatorType's value, or BELOW
    asks: Action
    action: Action
    category: Category = Category.MALICIOUS
    exact: bool = False
    confidence: int = 100
    rewrite: bool = False
    guard: str = ""
    bits: int = 0
    target: str = ""  # the address that an allowed rewrite answers with
    is_marker: bool = field(init=False, compare=False)  # and no entry's profile
    alerts: bool = field(init=False, compare=False)  # not for the user's own rewrites, nor for what chance may meet
    indicator_type: IndicatorType = field(init=False, compare=False)  # of the indicators; of a marker's too

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_marker", self.type == BELOW)
        object.__setattr__(self, "alerts", not self.target and self.guard != Guard.HASH_PREFIX)
        object.__setattr__(self, "indicator_type", _TOLD_AS.get(self.type) or IndicatorType(self.type))


_DERIVED = ("alerts", "indicator_type", "is_marker")


def marker(feed: int, action: Action) -> Profile:
    """Return the profile that marks a host with URL indicators of this feed and action below it."""
    return Profile(feed, BELOW, action, action)


def to_json(profile: Profile) -> dict[str, Any]:
    """Return a profile as plain JSON values."""
    return {name: value for name, value in asdict(profile).items() if name not in _DERIVED}


def from_json(fields: dict[str, Any]) -> Profile:
    """Read a profile back. Raises ValueError or TypeError when a field is wrong."""
    words = {
        "asks": Action(fields["asks"]),
        "action": Action(fields["action"]),
        "category": Category(fields["category"]),
    }
    return Profile(**{**fields, **words})
