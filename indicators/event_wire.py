"""The JSON of events, both ways: plain objects with a version. Nothing else of ours builds or reads it by hand.

Parsing is strict and names the field that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC
from functools import lru_cache
from typing import Any

from indicators.device_signs import MAX_VALUE, Sign, SignKind
from indicators.event import EventKind, Evidence, VerdictEvent
from indicators.json_fields import MAX_TEXT, JsonFields
from indicators.observation import Device
from indicators.words import Action, Category, Enforcement, IdentifiedBy, Severity, Stage

VERSION = 1


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
    if event.signs:
        body["signs"] = [{"kind": sign.kind, "value": sign.value, "count": sign.count} for sign in event.signs]
    body["matches"] = [
        {name: getattr(match, name) for name in _EVIDENCE if getattr(match, name) not in ("", 0)}
        for match in event.matches
    ]
    return body


_EVIDENCE = tuple(part.name for part in fields(Evidence))
_PARTS, _BRIEF = 16, 256  # of a device that is remembered: how many fields it has, and characters of each
_OPTIONAL = (
    "user_agent stage action would enforcement alert failed reason category severity title description "
    "recommended_actions host url addresses port hashes hidden"
).split()


def from_json(body: object) -> VerdictEvent:
    """Read an event from its JSON object.

    Raises ValueError naming the field and what was expected; an unknown field is ignored, so that a newer gateway
    can speak to an older collector, but another major version is refused.
    """
    read = JsonFields(body, "event")
    if read.number("v", VERSION) != VERSION:
        raise ValueError(f"v: expected {VERSION}, this collector knows no other version")
    return VerdictEvent(
        id=read.text("id", required=True, limit=64),
        kind=read.word("kind", EventKind, EventKind.VERDICT),
        incident=read.text("incident", required=True, limit=64),
        time=read.time("time"),
        gateway=read.text("gateway", required=True, limit=128),
        device=_device(read),
        **_taken(read),
    )


def _taken(read: JsonFields) -> dict[str, Any]:
    """Take what an event need not say. Texts, which most of it is, are looked at here unless one is wrong."""
    body, taken = read.body, dict[str, Any]()
    for name, take in _TAKERS:
        if name in body:
            value = body[name]
            plain = take is JsonFields.text and type(value) is str and len(value) <= MAX_TEXT
            taken[name] = value if plain else take(read, name)
    return taken


def _device(read: JsonFields) -> Device:
    """Return an event's device, the same object for those that say the same: a batch tells of few, many times."""
    told = read.body.get("device")
    if type(told) is dict and len(told) <= _PARTS and all(map(_is_brief, told.values())) and all(map(_is_brief, told)):
        return _device_told(tuple(told.items()))
    return _device_from(read.object("device"))


def _is_brief(told: object) -> bool:
    return type(told) is str and len(told) <= _BRIEF


@lru_cache(maxsize=4096)  # of brief ones: what a gateway makes up fills no memory
def _device_told(told: tuple[tuple[str, str], ...]) -> Device:
    return _device_from(JsonFields(dict(told), "device", "device."))


def _device_from(read: JsonFields) -> Device:
    return Device(
        id=read.text("id", required=True, limit=128),
        name=read.text("name", limit=256),
        group=read.text("group", limit=128) or "default",
        identified_by=read.word("identified_by", IdentifiedBy, IdentifiedBy.ADDRESS),
        address=read.text("address", limit=64),
        listener=read.text("listener", limit=32),
    )


def _sign_from(read: JsonFields) -> Sign:
    kind = read.word("kind", SignKind)
    return Sign(kind, read.text("value", limit=MAX_VALUE), read.number("count", 1, least=1, most=10**9))


def _evidence_from(read: JsonFields) -> Evidence:
    return Evidence(
        indicator=read.text("indicator", required=True),
        type=read.text("type", required=True, limit=32),
        action=read.word("action", Action, Action.ALLOW),
        source=read.text("source", limit=256),
        category=read.word("category", Category, Category.CUSTOM),
        observable=read.text("observable"),
        title=read.text("title"),
        line=read.number("line", 0, least=0, most=10**9),
        guard=read.text("guard"),
    )


# What an event need not say, in the order in which a mistake is named. What is missing is as `VerdictEvent` says:
# asking for it all the same took half of the time in which a batch was read.
_TAKERS: tuple[tuple[str, Callable[[JsonFields, str], Any]], ...] = (
    ("count", lambda read, name: read.number(name, 1, most=10**9)),
    ("user_agent", JsonFields.text),
    ("stage", lambda read, name: read.word(name, Stage)),
    ("action", lambda read, name: read.word(name, Action)),
    ("would", lambda read, name: read.word(name, Action) if read.has(name) else None),
    ("enforcement", lambda read, name: read.word(name, Enforcement)),
    ("alert", JsonFields.flag),
    ("failed", JsonFields.flag),
    ("reason", JsonFields.text),
    ("category", lambda read, name: read.word(name, Category) if read.has(name) else None),
    ("severity", lambda read, name: read.word(name, Severity)),
    ("title", JsonFields.text),
    ("description", JsonFields.text),
    ("recommended_actions", JsonFields.text),
    ("host", JsonFields.text),
    ("url", JsonFields.text),
    ("addresses", JsonFields.texts),
    ("port", lambda read, name: read.number(name, 0, most=65535) if read.has(name) else None),
    ("hashes", JsonFields.texts),
    ("matches", lambda read, name: tuple(map(_evidence_from, read.objects(name)))),
    ("signs", lambda read, name: tuple(map(_sign_from, read.objects(name)))),
    ("hidden", JsonFields.flag),
)
