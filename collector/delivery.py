"""Read a delivered batch, as JSON or NDJSON: events that can be kept, and for each other one the reason. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from collector.store.gateways import Delivery
from indicators.event import EventKind, VerdictEvent
from indicators.event_wire import from_json

# NUL and lone surrogates can come only as escapes; no database keeps them, so they become U+FFFD.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Say why one event of a batch was not kept. `index` counts from 0 (NDJSON: lines that hold something)."""

    index: int
    id: str
    error: str
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Hold what could be read of a delivery, and what could not."""

    events: tuple[VerdictEvent, ...]
    rejected: tuple[Rejection, ...]

    def refused(self) -> dict[str, Delivery]:
        """Count the rejections by the gateway they name, with the last reason."""
        counts = Counter(rejection.gateway for rejection in self.rejected)
        reasons = {rejection.gateway: rejection.error for rejection in self.rejected}
        return {name: Delivery(rejected=counts[name], last_rejection=reasons[name]) for name in counts if name}


class TooManyEventsError(ValueError):
    """Say that a batch holds more events than are taken at once."""


def read_batch(body: bytes, *, lines: bool, most: int) -> Batch:
    """Read a delivery; `lines` for NDJSON.

    Raises ValueError where the body as a whole is not what was announced, TooManyEventsError beyond `most` events.
    A single event that is wrong, or a single line that is not JSON, is rejected alone.
    """
    items = _lines(body) if lines else _list(body)
    if len(items) > most:
        raise TooManyEventsError(f"events: {len(items)} in one batch, at most {most} are taken")
    events: list[VerdictEvent] = []
    rejected: list[Rejection] = []
    for index, item in enumerate(items):
        try:
            if isinstance(item, ValueError):
                raise item
            events.append(_event(item))
        except (ValueError, OverflowError) as error:
            rejected.append(Rejection(index, _word(item, "id"), str(error), _word(item, "gateway")))
    return Batch(tuple(events), tuple(rejected))


def _list(body: bytes) -> list[Any]:
    found = _parse(body)
    items = found.get("events") if isinstance(found, dict) else None
    if not isinstance(items, list):
        raise ValueError('body: expected {"events": […]}')
    return items


def _lines(body: bytes) -> list[Any]:
    items: list[Any] = []
    for line in body.splitlines():
        if line.strip():
            try:
                items.append(_parse(line))
            except ValueError as error:
                items.append(error)
    return items


def _parse(text: bytes) -> Any:
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("body: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"body: not JSON: {error}") from None
    return storable(found) if b"\\u" in text else found


def storable(value: Any) -> Any:
    """Replace what no database can keep, in keys and values at any depth (bounded by the parser's own limit)."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def _event(item: object) -> VerdictEvent:
    event = from_json(item)
    if event.kind is EventKind.VERDICT and event.incident != event.id:
        raise ValueError("incident: expected the event's own id for kind verdict")
    return event


def _word(item: object, key: str) -> str:
    found = item.get(key) if isinstance(item, dict) else None
    return found[:128] if isinstance(found, str) else ""
