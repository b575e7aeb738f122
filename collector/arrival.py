"""What is settled about an event before it is kept: the time it is filed under, what must not be kept, its heading.

Pure; nothing is stored here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from indicators.event import VerdictEvent
from indicators.frozen import frozen
from indicators.words import Action, Enforcement

ALLOWED = "allowed"
MEASURES = ("blocked", "warned", "overridden", "recorded")
_KEYED_HASH = re.compile(r"[0-9a-f]{16}(\.[0-9a-f]{16})*")


@frozen
class Arrival:
    """Pair an event with the time it is filed under: its own, unless the gateway's clock is off."""

    event: VerdictEvent
    when: datetime


def plausible(time: datetime, now: datetime, retention: timedelta) -> datetime:
    """Return the event's time, held between the start of the retention and now, whatever the gateway's clock says."""
    return max(min(time, now), now - retention)


def conceal(event: VerdictEvent) -> VerdictEvent:
    """Drop whatever could still name a hidden destination, should a gateway have left it; keyed hashes stay."""
    if not event.hidden:
        return event
    matches = tuple(
        replace(match, indicator=_digest(match.indicator), observable=_digest(match.observable), title="", line=0)
        for match in event.matches
    )
    return replace(
        event,
        url="",
        addresses=tuple(map(_digest, event.addresses)),
        hashes=tuple(map(_digest, event.hashes)),
        port=None,
        reason="",
        description="",
        matches=matches,
    )


def _digest(text: str) -> str:
    return text if _KEYED_HASH.fullmatch(text) else ""


def measure_of(event: VerdictEvent) -> str:
    """Say under which heading a verdict is counted: blocked, warned, overridden or recorded."""
    if event.enforcement is Enforcement.WAIVED:
        return "overridden"
    if event.enforcement is Enforcement.PASSED:
        return "recorded"
    return "warned" if event.action is Action.WARN else "blocked"


def hour_of(when: datetime) -> datetime:
    """Return the start of the hour that a time falls into."""
    return when.replace(minute=0, second=0, microsecond=0)
