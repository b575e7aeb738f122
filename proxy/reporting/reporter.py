"""The reporter of one process: turns verdicts into events in its spool, counts repeats and notes devices.

Nothing here waits or raises: a connection is never held up by reporting. What is kept when the disk is full is
decided here: first sightings before device notes, repeats folded into their counts; a loss is counted and said.
One thread uses a reporter.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import structlog

from indicators.device_signs import Sign
from indicators.event import EventKind, Evidence, VerdictEvent, of_verdict
from indicators.event_wire import to_json
from indicators.observation import Device, Observation
from indicators.verdict import Verdict
from indicators.words import Enforcement, Stage
from proxy.reporting.form import Alike, Form, form_of
from proxy.reporting.ids import IdSource
from proxy.reporting.known import KnownIncidents
from proxy.reporting.noticed import Noticed
from proxy.reporting.presence import Presence
from proxy.reporting.spool import Spool
from proxy.reporting.tally import SUFFIX as TALLY_SUFFIX
from proxy.reporting.tally import Tally

FLUSH_INTERVAL = 0.5  # seconds; a repeat is delivered within a second
_MAX_FLUSHED = 2048  # counts told in one go; when more wait, each is told less often and says more
_MAX_RECORD = 128 * 1024  # bytes; a longer event loses its matches but for the winner's
_MAX_HELD = 16_384  # events kept in memory while the disk is full or slow
_AT_ONCE = 256  # of them appended in one go
_REMEMBERED = 65_536  # incidents that can be repeated, at the least; never more than twice as many

log = structlog.get_logger("reporter")


@dataclass(slots=True)
class Losses:
    """Count what could not be kept."""

    sightings: int = 0
    repeats: int = 0
    notes: int = 0  # of devices and allowed hosts

    @property
    def total(self) -> int:
        """Return the number of events and counts lost."""
        return self.sightings + self.repeats + self.notes


class SpoolReporter:
    """Implement `proxy.reporting.port.ManyReporter` on a spool. `run` must be running for counts to be flushed.

    `group_of` tells a device's group by the rules of the moment: a connection may have begun when they were others.
    """

    def __init__(
        self,
        folder: Path,
        role: str,
        gateway: str,
        clock: Callable[[], datetime],
        hide: Callable[[VerdictEvent], VerdictEvent] | None = None,
        spool: Spool | None = None,
        *,
        host_hashes: Callable[[str], str] | None = None,
        group_of: Callable[[Device], str] = lambda device: device.group,
    ) -> None:
        self._group_of = group_of
        self.losses = Losses()
        self._gateway = gateway
        self._clock = clock
        self._hide = hide
        self._ids = IdSource(clock)
        self._spool = spool or Spool(folder, role)
        self._tally = Tally(folder / f"{self._spool.name}{TALLY_SUFFIX}", 2 * _REMEMBERED)
        self._presence = Presence()
        self._noticed = Noticed(host_hashes, hides=hide is not None)
        self._known = KnownIncidents(_REMEMBERED)
        self._templates: dict[Device, bytes] = {}
        self._held: deque[bytes] = deque()

    @property
    def is_short_of_room(self) -> bool:
        """Say whether the spool cannot grow."""
        return self._spool.scarce

    def report(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> str:
        """Append a verdict event and return its incident id; a plain allow is counted and gives an empty string."""
        try:
            seen = self._as_grouped_now(seen)
            if verdict.is_plain_allow:
                self._presence.allowed(seen.device, seen.user_agent)
                self._note_devices()
                self._note_hosts(seen.device, seen.hosts or (seen.destination,), connected=seen.stage is not Stage.DNS)
                return ""
            incident = self._ids.next()
            event = of_verdict(incident, self._clock(), self._gateway, seen, verdict, enforcement)
            self._keep([_encode(self._hide(event) if self._hide else event)])
        except Exception:
            self.losses.sightings += 1
            log.exception("an event could not be made")
            return ""
        self._known.add([incident], [seen.device])
        return incident

    def form(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> Form | None:
        """Return what writes the events of enforcements like this one; nothing where each must be reported whole."""
        if self._hide:
            return None
        return form_of(of_verdict("", self._clock(), self._gateway, self._as_grouped_now(seen), verdict, enforcement))

    def report_alike(self, batch: Sequence[Alike]) -> list[str]:
        """Append many verdict events in one go; return their incident ids."""
        now = self._clock()
        stamp = _stamp(now)
        incidents = self._ids.many(now, len(batch))
        self._keep(
            [form.write(each, stamp, host, found) for each, (form, host, found) in zip(incidents, batch, strict=True)]
        )
        self._known.add(incidents, [alike.form.device for alike in batch])
        return incidents

    def repeat(self, incident: str, count: int = 1) -> None:
        """Count further enforcements of an incident reported by this process."""
        if not incident or count < 1 or self._tally.add(incident, count):
            return
        device = self._known.device(incident)
        if device is None:
            self.losses.repeats += count
            return
        try:
            self.losses.repeats += self._tally.open(incident, self._template(device))
        except ValueError as error:
            log.warning("a repeat cannot be counted", reason=str(error))
        if not self._tally.add(incident, count):
            self.losses.repeats += count

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        """Note that a device is alive: at once when the device or its user agent is new, else once a minute."""
        self._presence.seen(self._grouped_now(device), user_agent)
        self._note_devices()

    def let_through(self, device: Device, hosts: Sequence[str]) -> None:
        """Note hosts whose addresses a device was told: as signs, and as hashed sightings where they are kept."""
        self._note_hosts(device, hosts, connected=False)

    def sign_seen(self, device: Device, sign: Sign) -> None:
        """Note a sign of what a device is; where destinations are hidden, not by which jailbreak's store."""
        self._noticed.sign(device, sign, self._clock())

    async def run(self) -> None:
        """Flush counts and device notes, and keep spare segments, until cancelled. The disk is met in a thread."""
        wanted = self._spool.attend()
        while True:
            try:
                async with asyncio.timeout(FLUSH_INTERVAL):
                    await wanted.wait()
            except TimeoutError:
                self.flush()
            wanted.clear()
            if self._spool.needs_spare:
                await asyncio.to_thread(self._spool.prepare)
            self._append_held()

    def flush(self) -> None:
        """Append what is due: events held back, counts of repeats, device notes."""
        self._append_held()
        stamp = _stamp(self._clock())
        waiting = self._tally.pending(_MAX_FLUSHED)
        head = b'{"id":"%b","incident":"%b","time":"%b","count":%d,%b'
        payloads = [
            head % (each.id.encode(), each.incident.encode(), stamp.encode(), each.more, each.template[1:])
            for each in waiting
        ]
        for each in waiting[: self._spool.append(payloads, first_sightings=False)]:
            self._tally.flushed(each.incident)
        self._note_devices()
        self._tell_noticed()

    def close(self) -> None:
        """Flush all and close the files."""
        self._spool.attend(False)
        self._presence.expire()
        self._noticed.expire()
        self.flush()
        while self._spool.takes_counts and self._tally.pending(1):
            self.flush()
        self.losses.sightings += len(self._held)
        self._tally.close()
        self._spool.close()

    def _as_grouped_now(self, seen: Observation) -> Observation:
        device = self._grouped_now(seen.device)
        return seen if device is seen.device else replace(seen, device=device)

    def _grouped_now(self, device: Device) -> Device:
        group = self._group_of(device)
        return device if group == device.group else replace(device, group=group)

    def _keep(self, payloads: list[bytes]) -> None:
        """Append first sightings; hold them in memory while there is no room. The oldest held give way."""
        if self._held:
            self._append_held()
        kept = 0 if self._held else self._spool.append(payloads, first_sightings=True)
        self._held.extend(payloads[kept:])
        while len(self._held) > _MAX_HELD:
            self._held.popleft()
            self.losses.sightings += 1

    def _append_held(self) -> None:
        kept = _AT_ONCE
        while self._held and kept == _AT_ONCE:
            kept = self._spool.append(list(islice(self._held, _AT_ONCE)), first_sightings=True)
            for _ in range(kept):
                self._held.popleft()

    def _note_devices(self) -> None:
        for device, user_agent, count in self._presence.due(self._clock()):
            event = replace(self._bare(self._ids.next(), device), count=count, user_agent=user_agent[:512])
            if not self._spool.append([_encode(event)], first_sightings=False):
                self.losses.notes += 1

    def _note_hosts(self, device: Device, hosts: Sequence[str], *, connected: bool) -> None:
        self._noticed.hosts(device, hosts, self._clock(), connected=connected)

    def _tell_noticed(self) -> None:
        """Append what is to be told of hosts and signs; without room it is lost: a later one says the same."""
        found = self._noticed.due(self._clock())
        payloads = [_encode(replace(self._bare(self._ids.next(), device), **fields)) for device, fields in found]
        kept = self._spool.append(payloads, first_sightings=False)
        self.losses.notes += len(payloads) - kept + self._noticed.taken_losses()

    def _template(self, device: Device) -> bytes:
        """Return the repeat event of a device as JSON, without what differs from one to the next."""
        if device not in self._templates:
            short = replace(device, name=device.name[:64], group=device.group[:64])
            body = to_json(replace(self._bare("", short), kind=EventKind.REPEAT))
            for name in ("id", "incident", "time", "count", "matches"):
                del body[name]
            if len(self._templates) >= _MAX_HELD:
                self._templates.clear()
            text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
            self._templates[device] = text.encode("utf-8", "replace")
        return self._templates[device]

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
