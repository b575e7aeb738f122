"""What was noted of each device today, to be told seldom: hosts it was let through to, signs of what it is.

A text is told at once when it is first noted of a device on a UTC day, then with its count at most every quarter of an
hour. Noting one copies nothing, and everything is bounded: beyond `MOST` waiting texts further ones are lost and
counted. Time is handed in; what may leave the process is the caller's affair.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from indicators.observation import Device

INTERVAL = timedelta(minutes=15)
MOST = 8192  # texts that wait to be told
_REMEMBERED = 32_768  # texts told today; one that is forgotten is told at once again, which is harmless

type _Key[T] = tuple[str, T]


@dataclass(slots=True)
class Noted[T]:
    """Hold what is to be told: a device, what was noted of it, and how often."""

    device: Device
    what: T
    due: datetime
    count: int = 0


class DailyCounts[T]:
    """Count what is noted of devices."""

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: dict[_Key[T], Noted[T]] = {}
        self._told: OrderedDict[_Key[T], datetime] = OrderedDict()
        self._day = date.min

    def note(self, device: Device, noted: Sequence[T], now: datetime) -> None:
        """Count something once more."""
        if now.date() != self._day:
            self._day = now.date()
            self._told.clear()
        for what in noted:
            waiting = self._waiting.get((device.id, what)) or self._wait(device, what, now)
            if waiting is None:
                self.lost += 1
            else:
                waiting.count += 1

    def due(self, now: datetime, limit: int) -> Iterator[Noted[T]]:
        """Give what is to be told by now, `limit` at most; the others wait for the next time."""
        found = [key for key, waiting in self._waiting.items() if waiting.due <= now]
        for key in found[:limit]:
            self._told[key] = now
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            yield self._waiting.pop(key)

    def expire(self) -> None:
        """Make all that waits due, because the process ends."""
        for waiting in self._waiting.values():
            waiting.due = datetime.min.replace(tzinfo=waiting.due.tzinfo)

    def _wait(self, device: Device, what: T, now: datetime) -> Noted[T] | None:
        """Let something wait; nothing where too much does."""
        if len(self._waiting) >= MOST:
            return None
        told = self._told.get((device.id, what))
        waiting = Noted(device, what, now if told is None else told + INTERVAL)
        self._waiting[device.id, what] = waiting
        return waiting
