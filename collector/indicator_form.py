"""Read an indicator as Defender's API writes it, by Defender's rules, into the entry that gateways understand. Pure.

What Defender documents is refused here too: networks in place of one address, internal addresses, actions that a type
does not have, an audit that alerts nobody. What an entry means is read by `indicators.rules`, as gateways read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from indicators.indicator import Indicator, Origin
from indicators.rules import RuleError, parse_indicator
from indicators.words import Action, Category, IndicatorType, Severity

TYPES = {
    "FileSha1": IndicatorType.SHA1,
    "FileSha256": IndicatorType.SHA256,
    "FileMd5": IndicatorType.MD5,
    "CertificateThumbprint": IndicatorType.CERTIFICATE,
    "IpAddress": IndicatorType.IP,
    "DomainName": IndicatorType.DOMAIN,
    "Url": IndicatorType.URL,
}
ACTIONS = {
    "Allowed": Action.ALLOW,
    "Audit": Action.AUDIT,
    "Warn": Action.WARN,
    "Block": Action.BLOCK,
    "BlockAndRemediate": Action.BLOCK,
}
_OLD_ACTIONS = {"alert": "Audit", "alertandblock": "BlockAndRemediate", "allow": "Allowed"}
_NETWORK = frozenset(("IpAddress", "DomainName", "Url"))
_CATEGORIES = {
    "malware": Category.MALWARE,
    "ransomware": Category.MALWARE,
    "commandandcontrol": Category.COMMAND_AND_CONTROL,
    "phishing": Category.PHISHING,
    "initialaccess": Category.PHISHING,
    "credentialaccess": Category.PHISHING,
    "suspiciousactivity": Category.SUSPICIOUS,
    "unwantedsoftware": Category.UNWANTED,
}
# our key -> Defender's, for errors
_KEYS = {
    "value": "indicatorValue",
    "type": "indicatorType",
    "expiration": "expirationTime",
    "recommended_actions": "recommendedActions",
    "educate_url": "educateUrl",
    "generate_alert": "generateAlert",
    "device_groups": "rbacGroupNames",
}
_ORIGIN = Origin("api", custom=True)
_MOST = 4096  # characters
_MOST_NAMES = 64  # of a list
_LONGEST_NAME = 256  # characters


class IndicatorFormError(ValueError):
    """Say which key is wrong and what was expected."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Hold one indicator that was read: in Defender's words, and as the gateways know it."""

    kind: str  # Defender's type
    shown: str  # as submitted
    action: str  # Defender's action
    indicator: Indicator
    category: str
    techniques: tuple[str, ...]
    application: str
    external_id: str

    @property
    def entry(self) -> dict[str, Any]:
        """Return the entry to push to gateways; `indicators.rules.parse_indicator` reads it again."""
        one = self.indicator
        entry: dict[str, Any] = {
            "value": self.shown,
            "type": str(one.type),
            "action": str(one.action),
            "category": str(one.category),
            "title": one.title,
            "description": one.description,
            "generate_alert": one.generate_alert,
            "recommended_actions": one.recommended_actions,
            "severity": one.severity and str(one.severity),
            "expiration": one.expiration and one.expiration.isoformat(),
            "educate_url": one.educate_url,
            "device_groups": sorted(one.device_groups),
        }
        return {key: value for key, value in entry.items() if value not in (None, "", [])}


def read_submission(body: object, now: datetime) -> Submission:
    """Read the body of a submission. Raises IndicatorFormError naming Defender's key."""
    if not isinstance(body, Mapping):
        raise IndicatorFormError("body: expected an object")
    shown, kind = _required(body, "indicatorValue"), _word(body, "indicatorType", tuple(TYPES))
    action, alerts = _action(body, kind)
    if kind == "IpAddress":
        _check_address(shown)
    entry: dict[str, Any] = {
        "value": shown,
        "type": TYPES[kind],
        "action": ACTIONS[action],
        "title": _required(body, "title"),
        "description": _required(body, "description"),
        "severity": _optional_word(body, "severity", tuple(word.capitalize() for word in Severity)),
        "expiration": _expiration(body, now),
        "generate_alert": alerts,
        "recommended_actions": _text(body, "recommendedActions"),
        "educate_url": _text(body, "educateUrl") or None,
        "device_groups": _names(body, "rbacGroupNames") or None,
        "category": _CATEGORIES.get(_text(body, "category").lower().replace(" ", ""), Category.CUSTOM),
    }
    return Submission(
        kind=kind,
        shown=shown,
        action=action,
        indicator=_parsed(entry),
        category=_text(body, "category", 64),
        techniques=tuple(_names(body, "mitreTechniques")),
        application=_text(body, "application"),
        external_id=_text(body, "externalId"),
    )


def _parsed(entry: Mapping[object, object] | dict[str, Any]) -> Indicator:
    try:
        (found,) = parse_indicator({key: value for key, value in entry.items() if value is not None}, _ORIGIN)
    except RuleError as error:
        raise IndicatorFormError(f"{_KEYS.get(error.key, error.key)}: {error.reason}") from None
    if found.type is not entry["type"] and entry["type"] is IndicatorType.DOMAIN:
        raise IndicatorFormError("indicatorValue: expected a domain, got an address: use indicatorType IpAddress")
    return found


def _action(body: Mapping[str, Any], kind: str) -> tuple[str, bool]:
    """Return Defender's action, and whether it alerts; older names stand for today's."""
    given = _required(body, "action")
    name = _OLD_ACTIONS.get(given.lower(), given)
    action = _word({"action": name}, "action", tuple(ACTIONS))
    alerts = body.get("generateAlert")
    if alerts is not None and not isinstance(alerts, bool):
        raise IndicatorFormError("generateAlert: expected true or false")
    if given.lower() == "alert" or alerts is None:
        alerts = action != "Allowed"
    if kind in _NETWORK and action == "BlockAndRemediate":
        raise IndicatorFormError(f"action: BlockAndRemediate is not for {kind}; expected Allowed, Audit, Warn or Block")
    if kind == "CertificateThumbprint" and action not in ("Allowed", "BlockAndRemediate"):
        raise IndicatorFormError("action: expected Allowed or BlockAndRemediate for a certificate")
    if action == "Audit" and not alerts:
        raise IndicatorFormError("generateAlert: expected true, because an audit does nothing but alert")
    return action, alerts


def _check_address(text: str) -> None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        raise IndicatorFormError(
            f"indicatorValue: expected one address, no network or range, got {text!r:.60}"
        ) from None
    if not address.is_global and not address.is_multicast and not _is_documentation(text):
        raise IndicatorFormError(f"indicatorValue: expected an external address, {text:.60} is internal")


def _is_documentation(text: str) -> bool:
    """Say whether an address is of the ranges for examples (RFC 5737, 3849): internal to nobody."""
    return text.strip().startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))


def _expiration(body: Mapping[str, Any], now: datetime) -> str | None:
    text = body.get("expirationTime")
    if text is None or text == "":
        return None
    try:
        when = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise IndicatorFormError(
            f"expirationTime: expected a time such as 2030-12-31T00:00:00Z, got {text!r:.40}"
        ) from None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    if when <= now:
        raise IndicatorFormError("expirationTime: expected a time that is yet to come")
    return when.isoformat()


def _required(body: Mapping[str, Any], key: str) -> str:
    value = _text(body, key)
    if not value.strip():
        raise IndicatorFormError(f"{key}: is required")
    return value.strip()


def _text(body: Mapping[str, Any], key: str, most: int = _MOST) -> str:
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise IndicatorFormError(f"{key}: expected text of at most {most} characters")
    return value


def _word(body: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str:
    value = _required(body, key)
    found = [word for word in words if word.lower() == value.lower()]
    if not found:
        raise IndicatorFormError(f"{key}: expected one of {', '.join(words)}, got {value!r:.40}")
    return found[0]


def _optional_word(body: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str | None:
    return _word(body, key, words) if body.get(key) not in (None, "") else None


def _names(body: Mapping[str, Any], key: str) -> list[str]:
    """Read a list of names; a text with commas, as in a CSV import, is one too."""
    value = body.get(key)
    if value is None:
        return []
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or len(items) > _MOST_NAMES or not all(isinstance(one, str) for one in items):
        raise IndicatorFormError(f"{key}: expected a list of at most {_MOST_NAMES} names")
    if any(len(one) > _LONGEST_NAME for one in items):
        raise IndicatorFormError(f"{key}: expected names of at most {_LONGEST_NAME} characters")
    return [one.strip() for one in items if one.strip()]
