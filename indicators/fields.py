"""The fields of an indicator beside its value and action: how each is written, checked and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import TypedDict

from indicators.urls import canonical
from indicators.words import Action, Category, Severity

MAX_TITLE = 256  # characters
MAX_TEXT = 4096  # characters
MAX_GROUPS = 64
_YEARS = range(2000, 2201)

type Entry = Mapping[object, object]


class RuleError(ValueError):
    """Say what is wrong with an entry; `key` is the key to look at, empty for the entry as a whole.

    `block.2` is the third item of the list below `block`.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}" if key else reason)
        self.key = key
        self.reason = reason


class Fields(TypedDict, total=False):
    """Hold what `Indicator` takes beside value, type, action and origin."""

    category: Category
    title: str
    description: str
    severity: Severity | None
    since: datetime | None
    expiration: datetime | None
    generate_alert: bool
    recommended_actions: str
    educate_url: str
    device_groups: frozenset[str]
    exact: bool
    always_inspect: bool


KEYS = tuple(Fields.__annotations__)


def read_fields(entry: Entry) -> Fields:
    """Read the fields that an entry has; those it leaves out are left out. Raises RuleError."""
    fields = Fields(
        category=word(entry, "category", Category, Category.CUSTOM),
        title=text(entry, "title", MAX_TITLE),
        description=text(entry, "description"),
        severity=word(entry, "severity", Severity, None),
        since=_time(entry, "since", day_ends=False),
        expiration=_time(entry, "expiration", day_ends=True),
        generate_alert=_flag(entry, "generate_alert", True),
        recommended_actions=text(entry, "recommended_actions"),
        educate_url=_link(entry),
        exact=_flag(entry, "exact", False),
        always_inspect=_flag(entry, "always_inspect", False),
    )
    if entry.get("device_groups") is not None:
        fields["device_groups"] = _groups(entry["device_groups"])
    return fields


def check_fields(fields: Fields, action: Action, is_name: bool) -> None:
    """Refuse fields that would silently do nothing with this action, or where no domain or URL is meant."""
    if action is Action.AUDIT and not fields["generate_alert"]:
        raise RuleError("generate_alert", "expected true: an audit does nothing but alert")
    if fields["educate_url"] and action not in (Action.BLOCK, Action.WARN):
        raise RuleError("educate_url", "expected only with block or warn: no page is shown otherwise")
    if fields["exact"] and not is_name:
        raise RuleError("exact", "expected only for a domain or URL")
    if fields["always_inspect"] and not is_name:
        raise RuleError("always_inspect", "expected only for a domain or URL")


def unknown_key(key: object, known: Iterable[str]) -> RuleError:
    """Return the error for a key that there is not, with the one that may be meant."""
    close = get_close_matches(str(key), list(known), n=1)
    meant = f"did you mean `{close[0]}`?" if close else f"expected one of {', '.join(known)}"
    return RuleError(str(key), f"there is no such key; {meant}")


def word[W: StrEnum, D](entry: Entry, key: str, words: type[W], default: D) -> W | D:
    """Read one of the words of an enum, in any case, with dashes or spaces for underscores."""
    value = entry.get(key)
    if value is None:
        return default
    plain = str(value).strip().lower().replace("-", "_").replace(" ", "_")
    if plain in words._value2member_map_:
        return words(plain)
    close = get_close_matches(plain, list(words), n=1)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    raise RuleError(key, f"expected one of {', '.join(words)}, got {value!r:.40}{hint}")


def text(entry: Entry, key: str, limit: int = MAX_TEXT) -> str:
    """Read a text of at most `limit` characters without control characters but for line ends and tabs."""
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RuleError(key, f"expected text (in quotes), got {value!r:.40}")
    if len(value) > limit:
        raise RuleError(key, f"expected at most {limit} characters, got {len(value)}")
    if any(not (char.isprintable() or char in "\n\r\t\u00a0\u200d") for char in value):
        raise RuleError(key, "expected text without control characters")
    return value.strip()


def _flag(entry: Entry, key: str, default: bool) -> bool:
    value = entry.get(key, default)
    if not isinstance(value, bool):
        raise RuleError(key, f"expected true or false, got {value!r:.40}")
    return value


def _time(entry: Entry, key: str, day_ends: bool) -> datetime | None:
    """Read a date or a time; a date is its first moment, or its last where it `day_ends`. Without a zone it is UTC."""
    value = entry.get(key)
    if value is None:
        return None
    when = _moment(value, timedelta(days=1) if day_ends else timedelta())
    if when is None:
        expected = "expected a date such as 2026-12-31 or a time such as 2026-12-31T18:00:00Z"
        raise RuleError(key, f"{expected}, got {value!r:.40}")
    if when.year not in _YEARS:
        raise RuleError(key, f"expected a year from {_YEARS[0]} to {_YEARS[-1]}, got {when.year}")
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _moment(value: object, into_day: timedelta) -> datetime | None:
    try:
        if isinstance(value, str):
            value = date.fromisoformat(value) if len(value) == len("2026-12-31") else datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value
        return datetime(value.year, value.month, value.day) + into_day if isinstance(value, date) else None
    except (ValueError, OverflowError):
        return None


def _link(entry: Entry) -> str:
    link = text(entry, "educate_url", 2048)
    if not link:
        return ""
    try:
        if link.lower().startswith(("http://", "https://")):
            return canonical(link).href
    except ValueError:
        pass
    raise RuleError("educate_url", f"expected an http:// or https:// address, got {link!r:.60}")


def _groups(value: object) -> frozenset[str]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not 0 < len(items) <= MAX_GROUPS:
        raise RuleError("device_groups", f"expected the name of a device group, or a list of 1 to {MAX_GROUPS}")
    for at, item in enumerate(items):
        if not isinstance(item, str) or not item.strip() or len(item) > 128:
            raise RuleError(f"device_groups.{at}", f"expected the name of a device group, got {item!r:.40}")
    return frozenset(item.strip() for item in items)
