"""Counts of repeats, kept in a mapped table so that a count survives SIGKILL without being written one by one.

A slot is `total` and `flushed` (64 bits each), the length of a template (16 bits) and the template: a JSON event
without its count and time. A count not yet flushed is `total - flushed`; its event id is the template's id and
`flushed`, so that the writer, killed between appending the event and noting it, and whoever reads the table after it
make the same event twice, which is harmless.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxy.reporting.segment import preallocate

SUFFIX = ".tally"
_SLOT = 1024  # bytes
_COUNTS = struct.Struct("<QQ")  # total, flushed
_COUNT = struct.Struct("<Q")
_LENGTH = struct.Struct("<H")
_ROOM = _SLOT - _COUNTS.size - _LENGTH.size  # bytes for a template


class Tally:
    """Count repeats by incident; the oldest incident gives way when all slots hold undelivered counts."""

    def __init__(self, path: Path, slots: int = 1024) -> None:
        self.path = path
        self._handle = preallocate(path, slots * _SLOT)
        self._map = mmap.mmap(self._handle, slots * _SLOT)
        self._free = list(range(slots))
        self._slots: dict[str, int] = {}  # incident -> slot, oldest first
        self._pending: set[str] = set()

    def add(self, incident: str, count: int) -> bool:
        """Add to an incident's count; false when it has no slot. Copies 8 bytes."""
        slot = self._slots.get(incident)
        if slot is None:
            return False
        total, _ = _COUNTS.unpack_from(self._map, slot * _SLOT)
        self._put(slot * _SLOT, total + count)
        self._pending.add(incident)
        return True

    def open(self, incident: str, template: dict[str, Any]) -> int:
        """Give an incident a slot; return the count lost with the one that had to give way (0 as a rule).

        Raises ValueError when the template is longer than a slot.
        """
        text = json.dumps(template, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
        if len(text) > _ROOM:
            raise ValueError(f"template of {len(text)} bytes, a slot holds {_ROOM}")
        lost = 0 if self._free else self._give_way()
        slot = self._free.pop()
        at = slot * _SLOT
        self._put(at, 0)
        self._put(at + _COUNT.size, 0)
        self._map[at + _COUNTS.size : at + _COUNTS.size + _LENGTH.size + len(text)] = _LENGTH.pack(len(text)) + text
        self._slots[incident] = slot
        return lost

    def pending(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return each incident with a count to flush and the event to append for it, without its time."""
        for incident in list(self._pending):
            event = _event(self._map, self._slots[incident] * _SLOT)
            if event:
                yield incident, event

    def flushed(self, incident: str) -> None:
        """Note that the event of `pending` has been appended."""
        at = self._slots[incident] * _SLOT
        total, _ = _COUNTS.unpack_from(self._map, at)
        self._put(at + _COUNT.size, total)
        self._pending.discard(incident)

    def close(self) -> None:
        """Let go of the table; remove it when nothing is left to flush."""
        self._map.close()
        os.close(self._handle)
        if not self._pending:
            self.path.unlink(missing_ok=True)

    def _put(self, at: int, count: int) -> None:
        self._map[at : at + _COUNT.size] = _COUNT.pack(count)  # one copy of eight bytes: no kill finds half a number

    def _give_way(self) -> int:
        idle = next((incident for incident in self._slots if incident not in self._pending), None)
        oldest = idle or next(iter(self._slots))
        slot = self._slots.pop(oldest)
        self._pending.discard(oldest)
        total, flushed = _COUNTS.unpack_from(self._map, slot * _SLOT)
        self._free.append(slot)
        return int(total - flushed)


def leftovers(table: bytes) -> Iterator[dict[str, Any]]:
    """Read the events that a dead process had not flushed from its table; a torn slot holds none."""
    for at in range(0, len(table) - _SLOT + 1, _SLOT):
        event = _event(table, at)
        if event:
            yield event


def _event(table: bytes | mmap.mmap, at: int) -> dict[str, Any] | None:
    total, flushed = _COUNTS.unpack_from(table, at)
    (length,) = _LENGTH.unpack_from(table, at + _COUNTS.size)
    if total <= flushed or not 0 < length <= _ROOM:
        return None
    start = at + _COUNTS.size + _LENGTH.size
    try:
        event: dict[str, Any] = json.loads(bytes(table[start : start + length]))
    except ValueError:
        return None
    return {**event, "id": f"{event['id']}-{flushed}", "count": total - flushed}
