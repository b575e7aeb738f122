"""A device's risk from its open alerts, and whether it may be trusted with corporate hosts. Pure.

What an alert weighs is its severity: a blocked phish is informational and weighs nothing, an overridden warning is low,
malware medium, a jailbreak high (see `alerting.py`). The worst open alert decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from indicators.words import Risk, Severity

INACTIVE_AFTER = timedelta(days=7)
MOST_REASONS = 5

_RISK = {Severity.LOW: Risk.LOW, Severity.MEDIUM: Risk.MEDIUM, Severity.HIGH: Risk.HIGH}
_RANK = {risk: rank for rank, risk in enumerate(Risk)}


class Threshold(StrEnum):
    """Name the highest risk with which a device still complies, in Defender's words, the strictest first."""

    SECURED = "secured"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    def admits(self, risk: Risk) -> bool:
        """Say whether a device of this risk complies: under `secured` only one without any risk does."""
        return _RANK[risk] <= tuple(Threshold).index(self)


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """Hold what an open alert says to a device's risk."""

    id: str
    title: str
    severity: Severity
    last_event: datetime


def risk_of(worst: Severity | None) -> Risk:
    """Return the risk that the worst open alert means; an informational one (a prevented threat) means none."""
    return _RISK.get(worst, Risk.NONE) if worst else Risk.NONE


def worse(one: Risk, other: Risk) -> Risk:
    """Return the greater risk."""
    return max(one, other, key=_RANK.__getitem__)


def reasons(alerts: Sequence[OpenAlert]) -> list[str]:
    """Say why in one line for each alert that weighs most; the destinations of alerts are not named."""
    level = risk_of(max((alert.severity for alert in alerts), key=list(Severity).index, default=None))
    if level is Risk.NONE:
        return []
    deciding = dict.fromkeys(alert.title for alert in alerts if risk_of(alert.severity) is level)
    return [f"{title} ({level})" for title in list(deciding)[:MOST_REASONS]]


def risk_score(worst: Severity | None) -> str:
    """Return the risk in Defender's words, which also tell informational alerts from none at all."""
    return worst.capitalize() if worst else "None"


def is_active(last_seen: datetime, now: datetime) -> bool:
    """Say whether a device was seen within a week, as Defender counts."""
    return now - last_seen < INACTIVE_AFTER
