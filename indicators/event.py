"""Verdict events: what a gateway tells the collector, and their JSON, both ways.

The wire form is plain JSON objects with a version. Parsing is strict and names the field that is wrong; nothing else
of ours may build or read that JSON by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from indicators.indicator import Indicator
from indicators.observation import Device, Observation
from indicators.verdict import Match, Verdict
from indicators.words import Action, Category, Enforcement, IdentifiedBy, Severity, Stage

VERSION = 1
MAX_TEXT = 4096  # characters; longer strings from the network are cut, with an ellipsis


class EventKind(StrEnum):
    """Tell what an event speaks of."""

    VERDICT = "verdict"  # a first sighting, with its evidence
    REPEAT = "repeat"  # `count` further enforcements of the incident named
    DEVICE = "device"  # a device was seen; `count` allowed connections since the last time


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
    hidden: bool = False  # destination replaced by a keyed hash (`privacy.hide_urls`)

    @property
    def destination(self) -> str:
        """Return the name or address that an alert is about."""
        return self.host or (self.addresses[0] if self.addresses else "") or (self.hashes[0] if self.hashes else "")


def of_verdict(
    event_id: str, now: datetime, gateway: str, seen: Observation, verdict: Verdict, enforcement: Enforcement
) -> VerdictEvent:
    """Make the event of one enforced verdict. Texts from the network are cut to `MAX_TEXT` characters."""
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


def to_json(event: VerdictEvent) -> dict[str, Any]:
    """Turn an event into its JSON object; fields at their default are left out, but for those every reader needs."""
    body: dict[str, Any] = {
        "v": VERSION,
        "id": event.id,
        "kind": event.kind,
        "incident": event.incident,
        "time": event.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "gateway": event.gateway,
        "device": {name: getattr(event.device, name) for name in Device.__slots__ if getattr(event.device, name)},
        "count": event.count,
    }
    for name in _OPTIONAL:
        value = getattr(event, name)
        if value is not False and value not in (None, "", ()):
            body[name] = value if not isinstance(value, tuple) else list(value)
    body["matches"] = [
        {name: getattr(match, name) for name in Evidence.__slots__ if getattr(match, name) not in ("", 0)}
        for match in event.matches
    ]
    return body


_OPTIONAL = (
    "user_agent stage action would enforcement alert failed reason category severity title description "
    "recommended_actions host url addresses port hashes hidden"
).split()


def from_json(body: object) -> VerdictEvent:
    """Read an event from its JSON object.

    Raises ValueError naming the field and what was expected; an unknown field is ignored, so that a newer gateway
    can speak to an older collector, but another major version is refused.
    """
    read = _Reader(body, "")
    if read.number("v", VERSION) != VERSION:
        raise ValueError(f"v: expected {VERSION}, this collector knows no other version")
    device = _Reader(read.need("device", dict), "device.")
    matches = read.body.get("matches", [])
    if not isinstance(matches, list) or len(matches) > 64:
        raise ValueError("matches: expected a list of at most 64 objects")
    return VerdictEvent(
        id=read.text("id", required=True, limit=64),
        kind=EventKind(read.word("kind", EventKind, EventKind.VERDICT)),
        incident=read.text("incident", required=True, limit=64),
        time=read.time("time"),
        gateway=read.text("gateway", required=True, limit=128),
        device=Device(
            id=device.text("id", required=True, limit=128),
            name=device.text("name", limit=256),
            group=device.text("group", limit=128) or "default",
            identified_by=IdentifiedBy(device.word("identified_by", IdentifiedBy, IdentifiedBy.ADDRESS)),
            address=device.text("address", limit=64),
            listener=device.text("listener", limit=32),
        ),
        count=read.number("count", 1, least=0, most=10**9),
        user_agent=read.text("user_agent"),
        stage=Stage(read.word("stage", Stage, Stage.HTTP)),
        action=Action(read.word("action", Action, Action.ALLOW)),
        would=Action(read.word("would", Action, "")) if read.body.get("would") else None,
        enforcement=Enforcement(read.word("enforcement", Enforcement, Enforcement.PASSED)),
        alert=read.flag("alert"),
        failed=read.flag("failed"),
        reason=read.text("reason"),
        category=Category(read.word("category", Category, "")) if read.body.get("category") else None,
        severity=Severity(read.word("severity", Severity, Severity.INFORMATIONAL)),
        title=read.text("title"),
        description=read.text("description"),
        recommended_actions=read.text("recommended_actions"),
        host=read.text("host"),
        url=read.text("url"),
        addresses=read.texts("addresses"),
        port=read.number("port", 0, least=0, most=65535) if read.body.get("port") is not None else None,
        hashes=read.texts("hashes"),
        matches=tuple(_evidence_from(_Reader(match, f"matches[{i}].")) for i, match in enumerate(matches)),
        hidden=read.flag("hidden"),
    )


def _evidence_from(read: _Reader) -> Evidence:
    return Evidence(
        indicator=read.text("indicator", required=True),
        type=read.text("type", required=True, limit=32),
        action=Action(read.word("action", Action, Action.ALLOW)),
        source=read.text("source", limit=256),
        category=Category(read.word("category", Category, Category.CUSTOM)),
        observable=read.text("observable"),
        title=read.text("title"),
        line=read.number("line", 0, least=0, most=10**9),
        guard=read.text("guard"),
    )


class _Reader:
    """Take typed fields out of one JSON object; every error names the field."""

    __slots__ = ("at", "body")

    def __init__(self, body: object, at: str) -> None:
        if not isinstance(body, dict):
            raise ValueError(f"{at or 'event'}: expected an object, got {type(body).__name__}")
        self.body: dict[str, Any] = body
        self.at = at

    def need[T](self, name: str, kind: type[T]) -> T:
        value = self.body.get(name)
        if not isinstance(value, kind):
            raise ValueError(f"{self.at}{name}: expected {kind.__name__}, got {type(value).__name__}")
        return value

    def text(self, name: str, *, required: bool = False, limit: int = MAX_TEXT) -> str:
        value = self.body.get(name, "")
        if not isinstance(value, str) or (required and not value):
            raise ValueError(f"{self.at}{name}: expected {'a non-empty' if required else 'a'} string")
        if len(value) > limit:
            raise ValueError(f"{self.at}{name}: longer than {limit} characters")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.body.get(name, [])
        if not isinstance(value, list) or len(value) > 64 or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{self.at}{name}: expected a list of at most 64 strings")
        return tuple(item[:MAX_TEXT] for item in value)

    def word(self, name: str, words: type[StrEnum], default: str) -> str:
        value = self.body.get(name, default)
        if not isinstance(value, str) or value not in words._value2member_map_:
            raise ValueError(f"{self.at}{name}: expected one of {', '.join(words)}, got {value!r:.40}")
        return value

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{self.at}{name}: expected a whole number from {least} to {most}")
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise ValueError(f"{self.at}{name}: expected true or false")
        return value

    def time(self, name: str) -> datetime:
        value = self.text(name, required=True, limit=40)
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{self.at}{name}: expected an RFC 3339 time, got {value!r:.40}") from None
        if when.tzinfo is None:
            raise ValueError(f"{self.at}{name}: expected a time with its offset, such as …Z")
        try:
            return when.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"{self.at}{name}: expected a time between the years 1 and 9999 in UTC") from None
