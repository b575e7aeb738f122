"""A device's risk from its open alerts. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from indicators.words import Risk, Severity

INACTIVE_AFTER = timedelta(days=7)

_RISK = {Severity.LOW: Risk.LOW, Severity.MEDIUM: Risk.MEDIUM, Severity.HIGH: Risk.HIGH}


def risk_of(worst: Severity | None) -> Risk:
    """Return the risk that the worst open alert means; an informational one (a prevented threat) means none."""
    return _RISK.get(worst, Risk.NONE) if worst else Risk.NONE


def risk_score(worst: Severity | None) -> str:
    """Return the risk in Defender's words, which also tell informational alerts from none at all."""
    return worst.capitalize() if worst else "None"


def is_active(last_seen: datetime, now: datetime) -> bool:
    """Say whether a device was seen within a week, as Defender counts."""
    return now - last_seen < INACTIVE_AFTER
