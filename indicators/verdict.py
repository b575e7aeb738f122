"""The answer to one observation: every match, the winner first, the action that follows and why.

A verdict stores the evidence; the decision is derived from it once, in `decide.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

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


@dataclass(frozen=True, slots=True)
class Match:
    """Record that one indicator met one observable.

    `length` orders matches of one scope: characters of the URL path, labels of the domain, bits of the network.
    `guard` is empty, or says why a guard lowered this match's action to `action` (see `guards.py`).
    """

    indicator: Indicator
    observable: str
    scope: Scope
    length: int
    action: Action
    guard: str = ""

    @property
    def specificity(self) -> tuple[int, int]:
        """Return the sort key of precedence rule 3; greater is more specific."""
        return (self.scope, self.length)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Answer one observation.

    `action` is what is to be done now. `final` is false when a deeper look could change it and this device's
    connection will give that look; `needs` then names the sight (`URL` or `BODY` call for inspection). A verdict may be
    `final` and still have `needs`, when the host passes but one of its paths or bodies is listed. `would` differs from
    `action` only where policy records instead of enforcing. `failed` marks a verdict made by `policy.on_error`.
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
