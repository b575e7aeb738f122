"""One custom indicator as `seawall indicators list` shows it: a row for people, an object for scripts."""

from __future__ import annotations

from indicators.indicator import Indicator
from indicators.reasons import place

HEADINGS = ("action", "indicator", "type", "expires", "title", "stands at")


def row(one: Indicator) -> tuple[str, ...]:
    """Return the cells below `HEADINGS`; times are UTC."""
    expires = f"{one.expiration:%Y-%m-%d %H:%M}" if one.expiration else ""
    return one.action, one.value, one.type, expires, one.title, place(one.origin)


def fields(one: Indicator) -> dict[str, object]:
    """Return every field; times as RFC 3339."""
    return {
        "value": one.value,
        "type": one.type,
        "action": one.action,
        "category": one.category,
        "title": one.title,
        "description": one.description,
        "severity": one.severity,
        "since": one.since.isoformat() if one.since else None,
        "expiration": one.expiration.isoformat() if one.expiration else None,
        "generate_alert": one.generate_alert,
        "recommended_actions": one.recommended_actions,
        "educate_url": one.educate_url,
        "device_groups": sorted(one.device_groups),
        "exact": one.exact,
        "always_inspect": one.always_inspect,
        "file": one.origin.place,
        "line": one.origin.line,
    }
