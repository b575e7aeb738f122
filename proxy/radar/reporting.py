"""Tell the collector how well each device is covered: now and then, and at once when a device stops being protected.

The supervisor's part. It reads what the processes have counted and what the tunnel says, in turn, beside everything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from indicators.overlay import Pin
from proxy.devices.record import DeviceRecord
from proxy.radar.gathering import read_signs, told, with_pins, with_tunnel

LOOK_EVERY = 15.0  # seconds
_TELL_EVERY = 20  # looks, where nothing has changed
_AT_ONCE = 500  # devices in one report

type Traffic = Callable[[], Awaitable[Mapping[str, Mapping[str, Any]]]]

log = structlog.get_logger("radar")


class Radar:
    """Look at all devices, and tell of them.

    `traffic` gives what the tunnel knows of each peer by its key; `tell` posts reports and returns what went wrong. The
    last handshakes are kept in a file, since a tunnel that was started anew knows of none.
    """

    def __init__(
        self,
        folder: Path,
        records: Callable[[], Sequence[DeviceRecord]],
        pins: Callable[[], Sequence[Pin]],
        traffic: Traffic,
        tell: Callable[[Sequence[Mapping[str, Any]]], Awaitable[str]],
        clock: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._records = records
        self._pins = pins
        self._traffic = traffic
        self._tell = tell
        self._clock = clock
        self._kept = folder / "handshakes"
        self._handshakes = _read(self._kept)
        self._told: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        """Look and tell until cancelled."""
        looks = 0
        while True:
            await self.look(everything=looks % _TELL_EVERY == 0)
            looks += 1
            await asyncio.sleep(LOOK_EVERY)

    async def look(self, *, everything: bool = False) -> None:
        """Look once, and tell what matters of those that have changed, or of all."""
        found = {each["device"]: each for each in await self.coverage()}
        changed = [each for key, each in found.items() if everything or _matters(each) != _matters(self._told.get(key))]
        for at in range(0, len(changed), _AT_ONCE):
            part = changed[at : at + _AT_ONCE]
            trouble = await self._tell(part)
            if trouble:
                log.debug("coverage was not told", trouble=trouble)
                return
            self._told.update({each["device"]: each for each in part})
        self._told = {key: each for key, each in self._told.items() if key in found}

    async def coverage(self) -> list[dict[str, Any]]:
        """Return how each device is covered now."""
        now = self._clock()
        records = await asyncio.to_thread(self._records)
        await self._note_handshakes(records)
        found = await asyncio.to_thread(read_signs, self._folder, now)
        found = with_pins(with_tunnel(found, records, self._handshakes), self._pins(), now)
        return [told(device, known, now) for device, known in found.items()]

    async def _note_handshakes(self, records: Sequence[DeviceRecord]) -> None:
        traffic = await self._traffic() if any(record.peer_key for record in records) else {}
        before = dict(self._handshakes)
        ids = {record.id for record in records if record.peer_key}
        self._handshakes = {device: when for device, when in before.items() if device in ids}
        for record in records:
            text = traffic.get(record.peer_key, {}).get("handshake") if record.peer_key else None
            if text:
                self._handshakes[record.id] = datetime.fromisoformat(text)
        if self._handshakes != before:
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            draft = self._kept.with_suffix(".draft")
            draft.write_text(json.dumps({device: when.isoformat() for device, when in self._handshakes.items()}))
            draft.chmod(0o600)
            draft.replace(self._kept)
        except OSError as problem:
            log.warning("the last handshakes cannot be written", reason=str(problem))


def _read(path: Path) -> dict[str, datetime]:
    try:
        return {str(device): datetime.fromisoformat(when) for device, when in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _matters(report: Mapping[str, Any] | None) -> object:
    """Return what is told at once when it changes; times and counts wait for the next telling of all."""
    return (report["score"], report["protected"], len(report["reasons"])) if report else None
