"""Which alert a verdict event belongs to, what that alert says, and how two sightings of one alert become one.

Pure. Merging is associative and independent of order, so late, repeated and shuffled delivery give the same alert.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from operator import attrgetter

from indicators.event import VerdictEvent
from indicators.frozen import frozen
from indicators.words import Action, Category, Enforcement, Severity, Stage

_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_CUSTOM_SOURCES = ("custom", "api")


@frozen
class Sighting:
    """Hold what the network side of an alert says; a person's triage is kept beside it and never overwritten.

    `lead_time` and `lead_event` name the event whose words the alert bears: the most severe, then the earliest.
    """

    id: str
    device_id: str
    destination: str
    day: str  # UTC, YYYY-MM-DD
    hidden: bool
    count: int
    first_event: datetime
    last_event: datetime
    title: str
    description: str
    recommended_actions: str
    category: str
    threat_category: str
    threat_name: str
    severity: Severity
    detection_source: str
    lead_time: datetime
    lead_event: str

    @property
    def order(self) -> LeadOrder:
        """Tell by what, of two sightings of one alert, the lower leads."""
        return lead_order(self.severity, self.lead_time, self.lead_event)


type LeadOrder = tuple[int, datetime, str]


def lead_order(severity: Severity, time: datetime, event: str) -> LeadOrder:
    """Put events in the order in which an alert bears their words: the most severe, then the earliest."""
    return (-_RANK[severity], time, event)


def sighting_of(event: VerdictEvent, when: datetime) -> Sighting | None:
    """Return the alert that an event raises, or nothing where policy asked for none.

    One alert stands for one device, destination and UTC day; its id follows from these three.
    """
    if not event.alert:
        return None
    day = when.date().isoformat()
    return Sighting(
        id=alert_id(event.device.id, event.destination, day),
        device_id=event.device.id,
        destination=event.destination,
        day=day,
        hidden=event.hidden,
        count=event.count,
        first_event=when,
        last_event=when,
        title=event.title or _title(event),
        description=event.description or _description(event),
        recommended_actions=event.recommended_actions or _advice(event),
        category=DEFENDER_CATEGORY.get(event.category, "General") if event.category else "General",
        threat_category=event.category or "",
        threat_name=event.matches[0].indicator if event.matches and not event.hidden else "",
        severity=severity_of(event),
        detection_source="CustomerTI" if is_custom(event) else "ThirdPartySensors",
        lead_time=when,
        lead_event=event.id,
    )


@lru_cache(maxsize=1 << 14)  # asked for twice for each event, and again for each that meets the same alert
def alert_id(device_id: str, destination: str, day: str) -> str:
    """Derive an alert's id from what makes it one alert.

    Ids of one day begin alike, so that indexes by them grow at one place and not all over.
    """
    key = "\n".join((device_id, destination, day))
    return f"al{day[:10].replace('-', '')}{hashlib.sha256(key.encode()).hexdigest()[:30]}"


def merge(one: Sighting, other: Sighting) -> Sighting:
    """Fold two sightings of one alert: counts add up, the span widens, the lead's words stay."""
    lead = min(one, other, key=attrgetter("order"))
    return replace(
        lead,
        count=one.count + other.count,
        first_event=min(one.first_event, other.first_event),
        last_event=max(one.last_event, other.last_event),
    )


def is_custom(event: VerdictEvent) -> bool:
    """Say whether the organisation's own indicator decided."""
    return bool(event.matches) and event.matches[0].source in _CUSTOM_SOURCES


def severity_of(event: VerdictEvent) -> Severity:
    """Rank an alert as Defender does: what was prevented is informational, an overridden warning low, malware medium.

    A malware file is medium at the least whether it was blocked, recorded in audit mode or taken past a warning.

    A custom indicator's own severity is honoured as it is; it can only be raised by a person who went past a warning.
    A feed's severity says how bad a site is, not what happened: it counts where nothing was prevented, and for command
    and control, which tells of something that is on the device already.
    """
    waived = event.enforcement is Enforcement.WAIVED
    if is_custom(event):
        return max(event.severity, Severity.LOW, key=_RANK.__getitem__) if waived else event.severity
    if event.category is Category.MALWARE and event.stage is Stage.DOWNLOAD:  # worse still where it was let pass
        return max(event.severity, Severity.MEDIUM, key=_RANK.__getitem__)
    if waived or event.enforcement is Enforcement.PASSED:
        return Severity.LOW if waived else event.severity
    return event.severity if event.category is Category.COMMAND_AND_CONTROL else Severity.INFORMATIONAL


DEFENDER_CATEGORY = {
    Category.PHISHING: "InitialAccess",
    Category.MALWARE: "Malware",
    Category.COMMAND_AND_CONTROL: "CommandAndControl",
    Category.MALICIOUS: "SuspiciousActivity",
    Category.SUSPICIOUS: "SuspiciousActivity",
    Category.UNWANTED: "General",
    Category.CUSTOM: "SuspiciousActivity",
}
_WHAT = {
    Category.PHISHING: "Phishing site",
    Category.MALWARE: "Malware site",
    Category.COMMAND_AND_CONTROL: "Command and control connection",
    Category.MALICIOUS: "Malicious site",
    Category.SUSPICIOUS: "Suspicious site",
    Category.UNWANTED: "Unwanted site",
    Category.CUSTOM: "Destination on your own list",
}
_ADVICE = {
    Category.PHISHING: "Ask whether anything was typed in; if so, change that password and end its sessions.",
    Category.MALWARE: "Find out where the link came from, and look for other devices that met it.",
    Category.COMMAND_AND_CONTROL: "An app on the device made this connection: find it and examine the device.",
}


def _title(event: VerdictEvent) -> str:
    what = _WHAT[event.category] if event.category else "Destination"
    if event.category is Category.MALWARE and event.stage is Stage.DOWNLOAD:
        what = "Malware file"
    if event.enforcement is Enforcement.WAIVED:
        return f"Warning overridden: {what.lower()}"
    if event.enforcement is Enforcement.PASSED:
        return f"{what} met, not blocked"
    return f"{what}: warning shown" if event.action is Action.WARN else f"{what} blocked"


_DONE = {
    Enforcement.PASSED: "let pass and recorded",
    Enforcement.SINKHOLED: "answered with a harmless address",
    Enforcement.RESET: "cut off",
    Enforcement.PAGE: "answered with a page that explains it",
    Enforcement.WAIVED: "let pass, because a person chose to continue past the warning",
}


def _description(event: VerdictEvent) -> str:
    where = "a hidden destination" if event.hidden else event.destination or "a destination without a name"
    who = event.device.name or event.device.id
    told = f"A connection from {who} to {where} was {_DONE[event.enforcement]}."
    return f"{told} Reason: {event.reason}." if event.reason else told


def _advice(event: VerdictEvent) -> str:
    return _ADVICE.get(event.category, "") if event.category else ""
