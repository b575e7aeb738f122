"""Counts of repeats, kept in a mapped table so that a count survives SIGKILL without being written one by one.

Two parts of the file: rows (`total` and `flushed`, 64 bits each; an incident of 26 characters; how often rows had been
opened, 32 bits; the number of a template), and templates (a length, and a JSON event without what a row holds: one for
each device). A count not yet flushed is `total - flushed`; the id of its event is made of what the row holds, so that
the writer, killed between appending the event and noting it, and whoever reads the table after it make the same event
twice, which is harmless.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from proxy.reporting.segment import preallocate

SUFFIX = ".tally"
_MAGIC = b"seawall-tally-2\n"
_HEAD = struct.Struct("<16sII24x")  # magic, rows, templates
_ROW = struct.Struct("<QQ26sIH")  # total, flushed, incident, opening, template
_COUNT = struct.Struct("<Q")
_SIZE = 48  # bytes of a row
_TEMPLATE = 1024  # bytes of a template
_LENGTH = struct.Struct("<H")
_LOOKS = 64  # rows looked at for one whose count is flushed


class Waiting(NamedTuple):
    """Hold a count that is to be flushed, and what its event says beside it."""

    incident: str
    id: str
    more: int
    template: bytes


class Tally:
    """Count repeats by incident; an old incident gives way when all rows are taken, one with nothing to tell first."""

    def __init__(self, path: Path, rows: int = 4096, templates: int = 256) -> None:
        self.path = path
        size = _HEAD.size + rows * _SIZE + templates * _TEMPLATE
        self._handle = preallocate(path, size)
        self._map = mmap.mmap(self._handle, size)
        _HEAD.pack_into(self._map, 0, _MAGIC, rows, templates)
        self._owners = [""] * rows
        self._next = 0  # the row that has been longest in use
        self._rows: dict[str, int] = {}
        self._openings = 0
        self._templates: dict[bytes, int] = {}
        self._room = templates
        self._templates_at = _HEAD.size + rows * _SIZE
        self._pending: dict[str, None] = {}  # in the order in which they began to wait

    def add(self, incident: str, count: int) -> bool:
        """Add to an incident's count; false when it has no row. Copies 8 bytes."""
        row = self._rows.get(incident)
        if row is None:
            return False
        at = _HEAD.size + row * _SIZE
        self._put(at, _COUNT.unpack_from(self._map, at)[0] + count)
        self._pending[incident] = None
        return True

    def open(self, incident: str, template: bytes) -> int:
        """Give an incident a row; return the count lost with those that had to give way (0 as a rule).

        Raises ValueError when the template or the incident is longer than there is room for.
        """
        if len(template) > _TEMPLATE - _LENGTH.size or len(incident) > 26:
            raise ValueError(f"{len(template)} bytes, where there is room for {_TEMPLATE - _LENGTH.size}")
        lost = 0
        if template not in self._templates:
            lost = self._start_again() if len(self._templates) == self._room else 0
            self._keep(template)
        row = self._oldest()
        lost += self._drop(row)
        self._openings += 1
        at = _HEAD.size + row * _SIZE
        self._map[at : at + _ROW.size] = _ROW.pack(0, 0, incident.encode(), self._openings, self._templates[template])
        self._rows[incident], self._owners[row] = row, incident
        return lost

    def pending(self, limit: int) -> list[Waiting]:
        """Return counts to flush, those that have waited longest first."""
        chosen = islice(self._pending, limit)
        found = (_read(self._map, _HEAD.size + self._rows[each] * _SIZE, self._templates_at) for each in chosen)
        return [waiting for waiting in found if waiting]

    def flushed(self, incident: str) -> None:
        """Note that the event of `pending` has been appended."""
        at = _HEAD.size + self._rows[incident] * _SIZE
        self._put(at + 8, _COUNT.unpack_from(self._map, at)[0])
        del self._pending[incident]

    def close(self) -> None:
        """Let go of the table; remove it when nothing is left to flush."""
        self._map.close()
        os.close(self._handle)
        if not self._pending:
            self.path.unlink(missing_ok=True)

    def _put(self, at: int, count: int) -> None:
        self._map[at : at + _COUNT.size] = _COUNT.pack(count)  # one copy of eight bytes: no kill finds half a number

    def _keep(self, template: bytes) -> None:
        number = self._templates[template] = len(self._templates)
        at = self._templates_at + number * _TEMPLATE
        self._map[at : at + _LENGTH.size + len(template)] = _LENGTH.pack(len(template)) + template

    def _oldest(self) -> int:
        """Return a row that may be used: free, or flushed, or else the oldest."""
        first, size = self._next, len(self._owners)
        row = next(
            (at % size for at in range(first, first + _LOOKS) if self._owners[at % size] not in self._pending), first
        )
        self._next = (row + 1) % size
        return row

    def _start_again(self) -> int:
        """Forget every incident, so that other devices have room: those that are seen again get a row again."""
        lost = sum(self._drop(row) for row in list(self._rows.values()))
        self._templates.clear()
        return lost

    def _drop(self, row: int) -> int:
        """Take a row from its incident; return the count that is lost with it."""
        at = _HEAD.size + row * _SIZE
        total, flushed, *_ = _ROW.unpack_from(self._map, at)
        self._put(at, 0)  # first, so that nothing waits in a row half written
        incident, self._owners[row] = self._owners[row], ""
        self._rows.pop(incident, None)
        self._pending.pop(incident, None)
        return int(total - flushed) if incident else 0


def leftovers(table: bytes) -> Iterator[dict[str, Any]]:
    """Read the repeats that a dead process had not flushed, as events but for their time. A torn row holds none."""
    if len(table) < _HEAD.size:
        return
    magic, rows, templates = _HEAD.unpack_from(table)
    templates_at = _HEAD.size + rows * _SIZE
    if magic != _MAGIC or len(table) < templates_at + templates * _TEMPLATE:
        return
    for row in range(rows):
        found = _read(table, _HEAD.size + row * _SIZE, templates_at)
        template = _parsed(found.template) if found else {}
        if found and template:
            yield {**template, "id": found.id, "incident": found.incident, "count": found.more}


def _parsed(template: bytes) -> dict[str, Any]:
    try:
        found = json.loads(template)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(table: bytes | mmap.mmap, at: int, templates_at: int) -> Waiting | None:
    total, flushed, incident, opening, template = _ROW.unpack_from(table, at)
    place = templates_at + template * _TEMPLATE
    if total <= flushed or place + _TEMPLATE > len(table):
        return None
    (length,) = _LENGTH.unpack_from(table, place)
    name = incident.rstrip(b"\0").decode("ascii", "replace")
    start = place + _LENGTH.size
    return Waiting(name, f"{name}-{opening}-{flushed}", total - flushed, bytes(table[start : start + length]))
