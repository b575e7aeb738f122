"""Which of several claims about one device stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.vulnerabilities.claims import Claim, ClaimSource

FRESH = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SeenClaim:
    """Hold a claim with the last time it was made."""

    claim: Claim
    seen: datetime


def chosen(claims: Iterable[SeenClaim]) -> SeenClaim | None:
    """Return the claim that stands, or nothing.

    Of what was said within a week of the newest claim, the best believed stands, then the newest: an
    update shows as soon as a client of the same rank tells of it. A posture report does not age; a claim without a
    version stands only where none has one.
    """
    known = list(claims)
    if not known:
        return None
    newest = max(seen.seen for seen in known)
    fresh = [seen for seen in known if newest - seen.seen <= FRESH or seen.claim.source is ClaimSource.POSTURE]
    told = [seen for seen in fresh if seen.claim.version] or fresh
    return max(told, key=lambda seen: (seen.claim.confidence, seen.seen, seen.claim.places, seen.claim.version))
