"""Which devices are alive and how many connections of each were allowed, and when a note about one is due.

A note is due at once for a new device, for one that has another name or group now, and for a user agent not heard from
it lately, else once a minute. Time is handed in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from indicators.observation import Device

INTERVAL = timedelta(minutes=1)
_MAX_DEVICES = 8192
_MAX_AGENTS = 64  # user agents remembered of one device
_MAX_EXTRA = (
    16  # notes a minute for what is new; a client that keeps varying its user agent is then noted by the minute
)


@dataclass(slots=True)
class _Entry:
    device: Device
    user_agent: str = ""
    agents: OrderedDict[str, None] = field(default_factory=OrderedDict)
    extra: int = 0
    allowed: int = 0
    noted: datetime | None = None
    due_now: bool = True
    waiting: bool = True


class Presence:
    """Remember devices, the least recently heard of gives way."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._urgent: list[_Entry] = []
        self._next_round: datetime | None = None

    def seen(self, device: Device, user_agent: str = "") -> None:
        """Note a sign of life."""
        entry = self._entry(device)
        entry.waiting = True
        if not user_agent:
            return
        entry.user_agent = user_agent
        if user_agent in entry.agents:
            return
        entry.agents[user_agent] = None
        if len(entry.agents) > _MAX_AGENTS:
            entry.agents.popitem(last=False)
        self._news(entry)

    def allowed(self, device: Device, user_agent: str = "") -> None:
        """Count an allowed connection, which is a sign of life too."""
        self.seen(device, user_agent)
        self._entries[device.id].allowed += 1

    def expire(self) -> None:
        """Make all that waits due, because the process ends."""
        for entry in self._entries.values():
            if entry.waiting:
                self._hurry(entry)

    def due(self, now: datetime) -> Iterator[tuple[Device, str, int]]:
        """Give each device with a note due, its last user agent and its count of allowed connections since."""
        if self._next_round is None or now >= self._next_round:
            self._next_round = now + timedelta(seconds=1)
            self._urgent += [entry for entry in self._entries.values() if not entry.due_now and _is_old(entry, now)]
        urgent, self._urgent = self._urgent, []
        for entry in urgent:
            count, entry.allowed = entry.allowed, 0
            if entry.noted is None or now - entry.noted >= INTERVAL:
                entry.noted, entry.extra = now, 0
            entry.due_now = entry.waiting = False
            yield entry.device, entry.user_agent, count

    def _entry(self, device: Device) -> _Entry:
        entry = self._entries.get(device.id)
        if entry is None:
            entry = self._entries[device.id] = _Entry(device)
            self._urgent.append(entry)
            if len(self._entries) > _MAX_DEVICES:
                self._entries.popitem(last=False)
        elif (entry.device.name, entry.device.group) != (device.name, device.group):
            entry.device = device
            self._news(entry)
        self._entries.move_to_end(device.id)
        return entry

    def _news(self, entry: _Entry) -> None:
        if entry.extra < _MAX_EXTRA:
            entry.extra += 1
            self._hurry(entry)

    def _hurry(self, entry: _Entry) -> None:
        if not entry.due_now:
            entry.due_now = True
            self._urgent.append(entry)


def _is_old(entry: _Entry, now: datetime) -> bool:
    return entry.waiting and entry.noted is not None and now - entry.noted >= INTERVAL
