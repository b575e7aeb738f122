"""Verdict events: what a gateway tells the collector. Their JSON is `event_wire`'s."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from indicators.device_signs import Sign
from indicators.frozen import frozen
from indicators.indicator import Indicator
from indicators.json_fields import MAX_TEXT
from indicators.observation import Device, Observation
from indicators.verdict import Match, Verdict
from indicators.words import Action, Category, Enforcement, Severity, Stage


class EventKind(StrEnum):
    """Tell what an event speaks of."""

    VERDICT = "verdict"  # a first sighting, with its evidence
    REPEAT = "repeat"  # `count` further enforcements of the incident named
    DEVICE = "device"  # a device was seen; `count` allowed connections since the last time
    SIGHTING = "sighting"  # a device was let through to a host `count` times; `host` holds keyed hashes alone


@frozen
class Evidence:
    """Keep what one match said, without the objects behind it."""

    indicator: str
    type: str
    action: Action
    source: str
    category: Category
    observable: str
    title: str = ""
    line: int = 0
    guard: str = ""


@frozen
class VerdictEvent:
    """Hold one event. `id` makes a repeated delivery harmless; `incident` is what a person was shown.

    For kind `verdict` the two are equal. `time` is aware, UTC.
    """

    id: str
    kind: EventKind
    incident: str
    time: datetime
    gateway: str
    device: Device
    count: int = 1
    user_agent: str = ""
    stage: Stage = Stage.HTTP
    action: Action = Action.ALLOW
    would: Action | None = None
    enforcement: Enforcement = Enforcement.PASSED
    alert: bool = False
    failed: bool = False
    reason: str = ""
    category: Category | None = None
    severity: Severity = Severity.INFORMATIONAL
    title: str = ""
    description: str = ""
    recommended_actions: str = ""
    host: str = ""
    url: str = ""
    addresses: tuple[str, ...] = ()
    port: int | None = None
    hashes: tuple[str, ...] = ()
    matches: tuple[Evidence, ...] = field(default=())
    signs: tuple[Sign, ...] = ()
    hidden: bool = False  # destination replaced by a keyed hash (`privacy.hide_urls`)

    @property
    def destination(self) -> str:
        """Return the name or address that an alert is about."""
        return self.host or (self.addresses[0] if self.addresses else "") or (self.hashes[0] if self.hashes else "")


def of_verdict(
    event_id: str, now: datetime, gateway: str, seen: Observation, verdict: Verdict, enforcement: Enforcement
) -> VerdictEvent:
    """Make the event of one enforced verdict. Texts from the network are cut to `MAX_TEXT` characters, the last `…`."""
    winner = verdict.winner
    return VerdictEvent(
        id=event_id,
        kind=EventKind.VERDICT,
        incident=event_id,
        time=now,
        gateway=gateway,
        device=seen.device,
        user_agent=_cut(seen.user_agent),
        stage=seen.stage,
        action=verdict.action,
        would=verdict.would,
        enforcement=enforcement,
        alert=verdict.alert,
        failed=verdict.failed,
        reason=_cut(verdict.reason),
        category=verdict.category,
        severity=verdict.severity,
        title=winner.title if winner else "",
        description=winner.description if winner else "",
        recommended_actions=winner.recommended_actions if winner else "",
        host=_cut(seen.host),
        url=_cut(seen.url or ""),
        addresses=tuple(str(address) for address in seen.addresses),
        port=seen.port,
        hashes=seen.hashes,
        matches=tuple(_evidence(match) for match in verdict.matches[:16]),
    )


def _evidence(match: Match) -> Evidence:
    indicator: Indicator = match.indicator
    return Evidence(
        indicator=_cut(indicator.value),
        type=indicator.type,
        action=match.action,
        source=indicator.origin.source,
        category=indicator.category,
        observable=_cut(match.observable),
        title=_cut(indicator.title),
        line=indicator.origin.line,
        guard=match.guard,
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
