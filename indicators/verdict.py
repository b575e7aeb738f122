"""The answer to one observation: every match, the winner first, the action that follows and why.

A verdict stores the evidence; the decision is derived from it once, in `decide.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from indicators.frozen import frozen
from indicators.indicator import Indicator
from indicators.words import Action, Category, Severity, Visibility


class Scope(IntEnum):
    """Rank how closely an indicator describes what was met: a greater number is more specific (precedence rule 3)."""

    NETWORK = 1
    PARENT_DOMAIN = 2
    EXACT_HOST = 3
    URL = 4
    CERTIFICATE = 5
    MD5 = 6
    SHA1 = 7
    SHA256 = 8


@frozen
class Match:
    """Record that one indicator met one observable.

    `length` orders matches of one scope: characters of the URL path, labels of the domain, bits of the network.
    `guard` is empty, or says why a guard lowered this match's action to `action` (see `guards.py`). `rewrite` is
    empty, or the address that a feed which may rewrite asks to answer with in the place of blocking.
    """

    indicator: Indicator
    observable: str
    scope: Scope
    length: int
    action: Action
    guard: str = ""
    rewrite: str = ""

    @property
    def specificity(self) -> tuple[int, int]:
        """Return the sort key of precedence rule 3; greater is more specific."""
        return (self.scope, self.length)


class Evident:
    """Hold what evidence is built from when it is first read, in a slot of its own (see `Pending`)."""

    __slots__ = ("_source",)


@frozen
class Verdict(Evident):
    """Answer one observation.

    `action` is what is to be done now. `final` is false when a deeper look could change it and this device's
    connection will give that look; `needs` then names the sight (`URL` or `BODY` call for inspection). A verdict may be
    `final` and still have `needs`, when the host passes but one of its paths or bodies is listed. `would` differs from
    `action` only where policy records instead of enforcing. `failed` marks a verdict made by `policy.on_error`.
    `rewrite` holds the addresses that DNS answers a blocked name with, when a feed that may rewrite names them; a door
    that does not know of it blocks.
    """

    action: Action
    reason: str
    matches: tuple[Match, ...] = ()
    final: bool = True
    needs: Visibility | None = None
    would: Action | None = None
    alert: bool = False
    failed: bool = False
    always_inspect: bool = False
    rewrite: tuple[str, ...] = ()

    @property
    def winner(self) -> Indicator | None:
        """Return the indicator that decided, or nothing for a plain allow."""
        return self.matches[0].indicator if self.matches else None

    @property
    def category(self) -> Category | None:
        """Return the winner's category."""
        return self.winner.category if self.winner else None

    @property
    def severity(self) -> Severity:
        """Return the winner's severity, or Defender's default: what was prevented is informational."""
        return (self.winner.severity if self.winner else None) or Severity.INFORMATIONAL

    @property
    def is_plain_allow(self) -> bool:
        """Say whether nothing is to be told: allowed traffic, by a custom allow too, is counted and never logged."""
        return self.action is Action.ALLOW and self.would is None and not (self.alert or self.failed)

    @property
    def stops(self) -> bool:
        """Say whether the connection may not go on as it is: a final block or warn."""
        return self.final and self.action.strength >= Action.WARN.strength


CLEAN = Verdict(Action.ALLOW, "nothing known")


class Pending(Verdict):
    """A verdict whose reason and matches are built when one of them is read; from then on it is a plain `Verdict`.

    Most verdicts that stop something are acted on at once and told of later, or were told before. `build` gives the
    whole verdict, and must give the same whenever it is called.
    """

    __slots__ = ()

    # What such a verdict has in common with all others of its kind; while it waits, these stand before its own fields.
    final = True
    needs = None
    would = None
    failed = False
    always_inspect = False
    rewrite = ()

    def __init__(self, action: Action, build: Callable[[], Verdict], *, alert: bool) -> None:
        put = object.__setattr__
        put(self, "action", action)
        put(self, "alert", alert)
        put(self, "_source", build)

    def __getattr__(self, name: str) -> Any:
        if name not in ("reason", "matches"):
            raise AttributeError(name)
        built: Verdict = self._source()
        put = object.__setattr__
        put(self, "_source", None)
        put(self, "__class__", Verdict)
        for field in _WAITING:
            put(self, field, getattr(built, field))
        return getattr(built, name)

    def __eq__(self, other: object) -> bool:
        return self._whole() == other

    def __hash__(self) -> int:
        return hash(self._whole())

    def __repr__(self) -> str:
        return repr(self._whole())

    def __reduce__(self) -> Any:
        return self._whole().__reduce_ex__(4)

    def _whole(self) -> Verdict:
        """Build what is missing; `self` is then a plain verdict."""
        self.matches  # noqa: B018 - reading it builds it
        return self


_WAITING = tuple(name for name in Verdict.__slots__ if name not in ("action", "alert"))
