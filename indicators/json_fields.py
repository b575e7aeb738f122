"""Take typed fields out of a JSON object that came from elsewhere: strict, with errors that name the field."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

MAX_TEXT = 4096  # characters of a text unless told otherwise
_MAX_ITEMS = 64  # of a list


class JsonFields:
    """Take typed fields out of one JSON object; every error names the field.

    >>> JsonFields({"device": {"port": "x"}}, "event").object("device").number("port", 0)
    Traceback (most recent call last):
    ValueError: device.port: expected a whole number from 0 to 2147483648
    """

    __slots__ = ("at", "body")

    def __init__(self, body: object, what: str, at: str = "") -> None:
        if not isinstance(body, dict):
            raise ValueError(f"{what}: expected an object, got {type(body).__name__}")
        self.body: dict[str, Any] = body
        self.at = at

    def has(self, name: str) -> bool:
        """Say whether a field is there and says something."""
        return self.body.get(name) not in (None, "")

    def object(self, name: str) -> JsonFields:
        """Return an object's fields. Raises ValueError."""
        return JsonFields(self.body.get(name), f"{self.at}{name}", f"{self.at}{name}.")

    def objects(self, name: str) -> tuple[JsonFields, ...]:
        """Return the objects of a list, none where there is no list. Raises ValueError."""
        value = self.body.get(name, [])
        if not isinstance(value, list) or len(value) > _MAX_ITEMS:
            raise ValueError(f"{self.at}{name}: expected a list of at most {_MAX_ITEMS} objects")
        places = (f"{self.at}{name}[{number}]" for number in range(len(value)))
        return tuple(JsonFields(item, place, f"{place}.") for item, place in zip(value, places, strict=True))

    def text(self, name: str, *, required: bool = False, limit: int = MAX_TEXT) -> str:
        """Return a text of at most `limit` characters; one that is missing is empty. Raises ValueError."""
        value = self.body.get(name, "")
        if not isinstance(value, str) or (required and not value):
            raise ValueError(f"{self.at}{name}: expected {'a non-empty' if required else 'a'} string")
        if len(value) > limit:
            raise ValueError(f"{self.at}{name}: longer than {limit} characters")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, each cut to `MAX_TEXT` characters. Raises ValueError."""
        value = self.body.get(name, [])
        if not isinstance(value, list) or len(value) > _MAX_ITEMS or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{self.at}{name}: expected a list of at most {_MAX_ITEMS} strings")
        return tuple(item[:MAX_TEXT] for item in value)

    def word[W: StrEnum](self, name: str, words: type[W], default: W | None = None) -> W:
        """Return one of an enum's words. Raises ValueError, where there is no default also when it is missing."""
        value = self.body.get(name, default)
        found = words._value2member_map_.get(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"{self.at}{name}: expected one of {', '.join(words)}, got {value!r:.40}")
        return cast("W", found)

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        """Return a whole number within bounds. Raises ValueError."""
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{self.at}{name}: expected a whole number from {least} to {most}")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false, false where it is missing. Raises ValueError."""
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise ValueError(f"{self.at}{name}: expected true or false")
        return value

    def time(self, name: str) -> datetime:
        """Return a time, aware and in UTC (RFC 3339). Raises ValueError."""
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
