"""Of several claims the best believed of the last week stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from collector.vulnerabilities.choosing import FRESH, SeenClaim, chosen
from collector.vulnerabilities.claims import Claim, ClaimSource, Confidence

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def seen(version: str, confidence: Confidence, ago: timedelta, source: ClaimSource = ClaimSource.APP) -> SeenClaim:
    return SeenClaim(Claim("iOS", version, 3, source, confidence), NOW - ago)


@pytest.mark.parametrize(
    ("claims", "version"),
    [
        ([], None),
        ([seen("18.6", Confidence.LOW, DAY), seen("18.7", Confidence.HIGH, DAY)], "18.7"),
        ([seen("18.6", Confidence.HIGH, DAY), seen("18.7", Confidence.HIGH, timedelta())], "18.7"),
        ([seen("18.6", Confidence.HIGH, 2 * FRESH), seen("18.7", Confidence.LOW, timedelta())], "18.7"),
        ([seen("", Confidence.HIGH, timedelta()), seen("18.7", Confidence.LOW, DAY)], "18.7"),
        ([seen("", Confidence.LOW, timedelta())], ""),
        (
            [
                seen("18.6", Confidence.REPORTED, 9 * FRESH, ClaimSource.POSTURE),
                seen("18.7", Confidence.HIGH, timedelta()),
            ],
            "18.6",
        ),
    ],
    ids=["none", "better believed", "newer", "too old", "a version", "no version", "a report"],
)
def test_which_claim_stands(claims: list[SeenClaim], version: str | None) -> None:
    for order in (claims, claims[::-1]):
        found = chosen(order)
        assert (found.claim.version if found else None) == version
