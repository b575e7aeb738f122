"""One thing that outputs are told: an alert was raised, a device's risk changed, somebody changed something. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collector.outputs.settings import Send

_CONTROLS = (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0xD800, 0xE000))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_REPLACED = dict.fromkeys((*_CONTROLS, *_DIRECTIONS), 0xFFFD)


@dataclass(frozen=True, slots=True)
class Notice:
    """Hold one notice. `seq` is its row's number in the table that `kind` names; `body` holds JSON values.

    For an alert, `body` is the alert resource; for a change of risk `machineId`, `before`, `after`, `reasons` and `set`
    (the signed CAEP event, or nothing); for an audit entry `who`, `what`, `target` and `detail`.
    """

    kind: Send
    seq: int
    time: datetime
    body: Mapping[str, Any]


def plain(value: object, most: int = 512) -> str:
    r"""Return text for one line of a log: controls and direction marks replaced, at most so many characters.

    >>> plain("a\r\nb") == "a\ufffd\ufffdb"
    True
    """
    text = "" if value is None else str(value)
    text = text.translate(_REPLACED)
    return text if len(text) <= most else text[: most - 1] + "…"


def place_of(alert: Mapping[str, Any]) -> str:
    """Return where an alert's newest evidence leads; empty for a hidden destination."""
    evidence = alert.get("evidence") or [{}]
    found = evidence[0].get("url") or evidence[0].get("ipAddress") or evidence[0].get("sha256") or ""
    return str(found)
