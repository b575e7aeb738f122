"""When a schedule is on: slots of the week in a time zone. Pure; the moment is handed in.

A slot is kept as its owner's clock on the wall shows it. It belongs to the day on which it begins; one whose end is not
after its start runs past midnight, into the next day. Where clocks change, a time that is shown twice counts the first
time, and a time that is never shown is the moment at which the clock jumps over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

type Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL_DAYS = frozenset(range(7))
_AROUND = 9  # days looked ahead: a weekly slot begins or ends within them
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold one slot: the days on which it begins (0 is Monday), and two times of day, the end not included."""

    start: time
    end: time
    days: frozenset[int] = _ALL_DAYS

    @classmethod
    def of(cls, start: str, end: str, days: tuple[Day, ...] = DAYS) -> Self:
        """Read times such as `21:00`; `24:00` is the day's end. Raises ValueError naming what is wrong."""
        return cls(read_time(start), read_time(end), frozenset(DAYS.index(day) for day in days))

    def spans(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return when the slot that begins on this day begins and ends, in UTC."""
        last = day + timedelta(days=1) if self.end <= self.start else day
        return moment(day, self.start, zone), moment(last, self.end, zone)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Hold the slots of one schedule. It is on while any of them runs."""

    name: str
    slots: tuple[Slot, ...]
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def is_on(self, now: datetime) -> bool:
        """Say whether a slot runs at this moment. `now` is aware."""
        return any(start <= now < end for start, end in self._spans(now))

    def next_edge(self, now: datetime) -> datetime | None:
        """Return the next moment at which a slot begins or ends; until then nothing changes. Nothing without slots."""
        return min((edge for span in self._spans(now) for edge in span if edge > now), default=None)

    def ends(self, now: datetime) -> datetime | None:
        """Return when the schedule will be off again; nothing where it is off, or its slots leave no gap."""
        spans, until = sorted(self._spans(now)), now
        for start, end in spans:
            if start <= until < end:
                until = end
        return until if now < until < now + timedelta(days=_AROUND - 2) else None

    def _spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield what runs now, and what begins within a week. A span that clocks leave empty is none."""
        today = now.astimezone(self.zone).date()
        for offset in range(-2, _AROUND):
            day = today + timedelta(days=offset)
            for slot in self.slots:
                if day.weekday() in slot.days:
                    start, end = slot.spans(day, self.zone)
                    if start < end:
                        yield start, end


def moment(day: date, shown: time, zone: ZoneInfo) -> datetime:
    """Return the first moment at which clocks of a zone show this time of this day, or jump over it; in UTC."""
    wanted = datetime.combine(day, shown)
    first, other = (wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if _shown(first, zone) == wanted:
        return first
    low, high = other, first  # in a gap: the clock shows less at the one, more at the other
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        low, high = (low, middle) if _shown(middle, zone) >= wanted else (middle, high)
    return high.replace(microsecond=0)


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def read_time(text: str) -> time:
    """Read `21:00`, `7:30` or `24:00`. Raises ValueError."""
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isascii() and hours.isdigit() and len(hours) <= 2 and len(minutes) == 2):
        raise ValueError(f"expected a time of day such as 21:00, got {text!r:.40}")
    if text == "24:00":
        return time(0)
    try:
        return time(int(hours), int(minutes))
    except ValueError:
        raise ValueError(f"expected a time of day from 00:00 to 24:00, got {text!r:.40}") from None
