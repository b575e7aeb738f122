"""The reporter of one process: turns verdicts into events in its spool, counts repeats and notes devices.

Nothing here waits or raises: a connection is never held up by reporting. What is kept when the disk is full is
decided here: first sightings before device notes, repeats folded into their counts; a loss is counted and said.
One thread uses a reporter.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from indicators.event import EventKind, Evidence, VerdictEvent, of_verdict, to_json
from indicators.observation import Device, Observation
from indicators.verdict import Verdict
from indicators.words import Enforcement
from proxy.reporting.ids import IdSource
from proxy.reporting.presence import Presence
from proxy.reporting.spool import Spool
from proxy.reporting.tally import SUFFIX as TALLY_SUFFIX
from proxy.reporting.tally import Tally

FLUSH_INTERVAL = 0.5  # seconds; a repeat is delivered within a second
_MAX_RECORD = 128 * 1024  # bytes; a longer event loses its matches but for the winner's
_MAX_HELD = 4096  # events kept in memory while the disk is full
_REMEMBERED = 16_384  # incidents that can be repeated

log = structlog.get_logger("reporter")


@dataclass(slots=True)
class Losses:
    """Count what could not be kept."""

    sightings: int = 0
    repeats: int = 0
    notes: int = 0  # device notes

    @property
    def total(self) -> int:
        """Return the number of events and counts lost."""
        return self.sightings + self.repeats + self.notes


class SpoolReporter:
    """Implement `indicators.ports.Reporter` on a spool. `run` must be running for counts to be flushed."""

    def __init__(
        self,
        folder: Path,
        role: str,
        gateway: str,
        clock: Callable[[], datetime],
        hide: Callable[[VerdictEvent], VerdictEvent] | None = None,
        spool: Spool | None = None,
    ) -> None:
        self.losses = Losses()
        self._gateway = gateway
        self._clock = clock
        self._hide = hide or (lambda event: event)
        self._ids = IdSource(clock)
        self._spool = spool or Spool(folder, role)
        self._tally = Tally(folder / f"{self._spool.name}{TALLY_SUFFIX}")
        self._presence = Presence()
        self._devices: OrderedDict[str, Device] = OrderedDict()  # incident -> device
        self._held: deque[bytes] = deque()

    @property
    def is_short_of_room(self) -> bool:
        """Say whether the spool cannot grow."""
        return self._spool.scarce

    def report(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> str:
        """Append a verdict event and return its incident id; a plain allow is counted and gives an empty string."""
        try:
            if verdict.is_plain_allow:
                self._presence.allowed(seen.device, seen.user_agent)
                self._note_devices()
                return ""
            incident = self._ids.next()
            event = of_verdict(incident, self._clock(), self._gateway, seen, verdict, enforcement)
            self._keep(_encode(self._hide(event)))
        except Exception:
            self.losses.sightings += 1
            log.exception("an event could not be made")
            return ""
        self._devices[incident] = seen.device
        if len(self._devices) > _REMEMBERED:
            self._devices.popitem(last=False)
        return incident

    def repeat(self, incident: str, count: int = 1) -> None:
        """Count further enforcements of an incident reported by this process."""
        if not incident or count < 1 or self._tally.add(incident, count):
            return
        device = self._devices.get(incident)
        if device is None:
            self.losses.repeats += count
            return
        try:
            self.losses.repeats += self._tally.open(incident, self._template(incident, device))
        except ValueError as error:
            log.warning("a repeat cannot be counted", reason=str(error))
        if not self._tally.add(incident, count):
            self.losses.repeats += count

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        """Note that a device is alive: at once when the device or its user agent is new, else once a minute."""
        self._presence.seen(device, user_agent)
        self._note_devices()

    async def run(self) -> None:
        """Flush counts and device notes, and keep a spare segment, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            self.flush()
            if self._spool.needs_spare:
                await asyncio.to_thread(self._spool.prepare)

    def flush(self) -> None:
        """Append what is due: events held back, counts of repeats, device notes."""
        while self._held and self._spool.append(self._held[0], first_sighting=True):
            self._held.popleft()
        now = self._clock()
        for incident, event in list(self._tally.pending()):
            payload = json.dumps({**event, "time": _stamp(now)}, separators=(",", ":")).encode()
            if not self._spool.append(payload, first_sighting=False):
                break
            self._tally.flushed(incident)
        self._note_devices()

    def close(self) -> None:
        """Flush all and close the files."""
        self._presence.expire()
        self.flush()
        self._tally.close()
        self._spool.close()

    def _keep(self, payload: bytes) -> None:
        """Append a first sighting; hold it in memory while there is no room. The oldest held gives way."""
        if not self._held and self._spool.append(payload, first_sighting=True):
            return
        self._held.append(payload)
        if len(self._held) > _MAX_HELD:
            self._held.popleft()
            self.losses.sightings += 1

    def _note_devices(self) -> None:
        for device, user_agent, count in self._presence.due(self._clock()):
            event = replace(self._bare(self._ids.next(), device), count=count, user_agent=user_agent[:512])
            if not self._spool.append(_encode(event), first_sighting=False):
                self.losses.notes += 1

    def _template(self, incident: str, device: Device) -> dict[str, Any]:
        short = replace(device, name=device.name[:64], group=device.group[:64])
        event = replace(self._bare(self._ids.next(), short), kind=EventKind.REPEAT, incident=incident)
        body = to_json(event)
        for name in ("time", "count", "matches"):
            del body[name]
        return body

    def _bare(self, event_id: str, device: Device) -> VerdictEvent:
        return VerdictEvent(event_id, EventKind.DEVICE, event_id, self._clock(), self._gateway, device)


def _encode(event: VerdictEvent) -> bytes:
    """Return the event as UTF-8 JSON; what is not Unicode becomes `?`, and a giant loses evidence, not itself."""
    payload = json.dumps(to_json(event), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    if len(payload) <= _MAX_RECORD:
        return payload
    winner: tuple[Evidence, ...] = event.matches[:1]
    slim = replace(event, matches=winner, addresses=event.addresses[:16], hashes=event.hashes[:16])
    return json.dumps(to_json(slim), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
