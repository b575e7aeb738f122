"""Verdict events as gateways make them, with every field that a test does not care about filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from indicators.event import EventKind, Evidence, VerdictEvent
from indicators.observation import Device
from indicators.words import Action, Category, Enforcement, IdentifiedBy, Severity, Stage

TIME = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
PHONE = Device("dev-phone", "Mira's phone", "default", IdentifiedBy.ADDRESS, "127.0.0.1", "http")


def verdict(event_id: str = "inc-1", **changes: Any) -> VerdictEvent:
    """A blocked phishing page, alerting."""
    event = VerdictEvent(
        id=event_id,
        kind=EventKind.VERDICT,
        incident=event_id,
        time=TIME,
        gateway="gw-1",
        device=PHONE,
        user_agent="Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
        stage=Stage.HTTP,
        action=Action.BLOCK,
        enforcement=Enforcement.PAGE,
        alert=True,
        reason="listed by test-feed",
        category=Category.PHISHING,
        severity=Severity.INFORMATIONAL,
        host="evil.example",
        url="https://evil.example/login",
        addresses=("192.0.2.7",),
        port=443,
        matches=(Evidence("evil.example", "domain", Action.BLOCK, "test-feed", Category.PHISHING, "evil.example"),),
    )
    return replace(event, **changes)


def repeat(event_id: str, incident: str = "inc-1", count: int = 1, **changes: Any) -> VerdictEvent:
    """Further enforcements of an incident."""
    event = VerdictEvent(event_id, EventKind.REPEAT, incident, TIME, "gw-1", PHONE, count=count)
    return replace(event, **changes)


def device_seen(event_id: str, count: int = 0, **changes: Any) -> VerdictEvent:
    """A device that was seen, with its allowed connections since the last time."""
    event = VerdictEvent(event_id, EventKind.DEVICE, event_id, TIME, "gw-1", PHONE, count=count)
    return replace(event, **changes)
