"""Count signs of devices in one process: a few additions in bounded memory, written to a file of its own now and then.

Nothing waits for it, and nothing is judged: what the signs say of a device is decided in `indicators.coverage`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from indicators.coverage import Sign
from indicators.observation import Device

MAX_DEVICES = 4096
_EXAMPLES = 4  # hosts kept for each sign
_LONGEST = 255  # characters of one
_HOURS = 2  # the hour under way and the one before
_SECOND = timedelta(seconds=1)
WRITE_EVERY = 5.0  # seconds

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    name: str
    dns: str = ""  # when last, as text
    connection: str = ""
    hours: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)


class Watch:
    """Keep what was seen of each device. `run` keeps the file current; the device longest unseen gives way."""

    def __init__(self, folder: Path, process: str, clock: Callable[[], datetime]) -> None:
        self._file = folder / f"{process}.json"
        self._clock = clock
        self._devices: OrderedDict[str, _Kept] = OrderedDict()
        self._changed = False
        self._second = datetime.min.replace(tzinfo=UTC)  # the last that was written as text
        self._text = ""

    def dns(self, device: Device) -> None:
        """Note that a device asks for names."""
        self._of(device).dns = self._now()

    def connection(self, device: Device) -> None:
        """Note a connection."""
        kept = self._of(device)
        kept.connection = self._now()
        self._count(kept, Sign.CONNECTION, kept.connection)

    def sign(self, device: Device, sign: Sign, host: str = "") -> None:
        """Count a sign, with a host as an example."""
        kept = self._of(device)
        self._count(kept, sign, self._now())
        examples = kept.examples.setdefault(sign, [])
        if host and host[:_LONGEST] not in examples:
            examples.append(host[:_LONGEST])
            del examples[:-_EXAMPLES]

    async def run(self) -> None:
        """Write what changed, until cancelled; then write the rest."""
        try:
            while True:
                await asyncio.sleep(WRITE_EVERY)
                await asyncio.to_thread(self._put, self._taken())
        finally:
            self._put(self._taken())

    def _taken(self) -> str:
        """Return what is to be written; empty when nothing has changed. The loop's thread alone changes the counts."""
        if not self._changed:
            return ""
        self._changed = False
        return json.dumps({"devices": {key: _to_json(kept) for key, kept in self._devices.items()}})

    def _put(self, text: str) -> None:
        if not text:
            return
        try:
            draft = self._file.with_suffix(".draft")
            draft.parent.mkdir(mode=0o700, exist_ok=True)
            draft.write_text(text)
            draft.chmod(0o600)
            draft.replace(self._file)
        except OSError as problem:
            log.warning("signs of devices cannot be written: %s", problem)

    def _count(self, kept: _Kept, sign: Sign, now: str) -> None:
        hour = now[:13]
        counts = kept.hours.get(hour)
        if counts is None:
            counts = kept.hours[hour] = {}
            while len(kept.hours) > _HOURS:
                del kept.hours[min(kept.hours)]
        counts[sign] = counts.get(sign, 0) + 1

    def _of(self, device: Device) -> _Kept:
        self._changed = True
        kept = self._devices.get(device.id)
        if kept is None:
            kept = self._devices[device.id] = _Kept(device.name)
            if len(self._devices) > MAX_DEVICES:
                self._devices.popitem(last=False)
        else:
            self._devices.move_to_end(device.id)
        return kept

    def _now(self) -> str:
        """Return the time to the second, as text: written once a second, for each connection asks."""
        now = self._clock()
        if not timedelta() <= now - self._second < _SECOND:
            self._second = now.replace(microsecond=0)
            self._text = self._second.isoformat()
        return self._text


def _to_json(kept: _Kept) -> dict[str, Any]:
    return {
        "name": kept.name,
        "dns": kept.dns,
        "connection": kept.connection,
        "hours": kept.hours,
        "examples": kept.examples,
    }
