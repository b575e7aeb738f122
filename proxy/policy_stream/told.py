"""One answer of the stream as a value, read strictly. Nothing is fetched or kept here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_KEY = 128  # characters


@dataclass(frozen=True, slots=True)
class Change:
    """Hold one change. A body of nothing takes back what was told of this kind and key."""

    kind: str
    key: str
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Told:
    """Hold one answer. `reset` says to forget everything told before; `last` is what to ask from next."""

    stream: str
    last: int
    changes: tuple[Change, ...] = ()
    reset: bool = False
    more: bool = False


def read_told(body: object) -> Told:
    """Read an answer. Raises ValueError saying what was expected; kinds that are not known yet are kept as they are."""
    if not isinstance(body, dict):
        raise ValueError("expected an object")
    stream, last, changes = body.get("stream"), body.get("last"), body.get("changes")
    if not isinstance(stream, str) or not 0 < len(stream) <= 64:
        raise ValueError("stream: expected a name")
    if isinstance(last, bool) or not isinstance(last, int) or last < 0:
        raise ValueError("last: expected a whole number")
    if not isinstance(changes, list):
        raise ValueError("changes: expected a list")
    read = tuple(_change(change) for change in changes)
    return Told(stream, last, read, reset=body.get("reset") is True, more=body.get("more") is True)


def _change(body: object) -> Change:
    if not isinstance(body, dict):
        raise ValueError("changes: expected objects")
    kind, key, told = body.get("kind"), body.get("key"), body.get("body")
    if not isinstance(kind, str) or not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY:
        raise ValueError("changes: expected `kind` and `key`")
    if not isinstance(told, dict | None):
        raise ValueError("changes: expected `body` to be an object or null")
    return Change(kind, key, told)
