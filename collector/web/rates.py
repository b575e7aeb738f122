"""Count the calls of each caller against the rates that Defender documents. In memory, bounded; time is given."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.web.errors import Refused

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_MOST_CALLERS = 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """Say how many calls a caller may make."""

    name: str
    per_minute: int
    per_hour: int


READ_OR_SUBMIT = Rate("indicators", 100, 1500)
IN_BULK = Rate("indicators in bulk", 30, 1500)


class Rates:
    """Remember when each caller called."""

    def __init__(self) -> None:
        self._calls: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def spend(self, caller: str, rate: Rate, now: datetime) -> None:
        """Count a call. Raises Refused (429, saying when to come again) beyond the rate; that call is not counted."""
        calls = self._calls.setdefault((caller, rate.name), deque())
        self._calls.move_to_end((caller, rate.name))
        while len(self._calls) > _MOST_CALLERS:
            self._calls.popitem(last=False)
        while calls and now - calls[0] >= _HOUR:
            calls.popleft()
        recent = [call for call in calls if now - call < _MINUTE]
        if len(recent) >= rate.per_minute:
            raise _too_many(rate.per_minute, "minute", recent[0] + _MINUTE - now)
        if len(calls) >= rate.per_hour:
            raise _too_many(rate.per_hour, "hour", calls[0] + _HOUR - now)
        calls.append(now)


def _too_many(most: int, span: str, wait: timedelta) -> Refused:
    return Refused(429, f"more than {most} calls a {span}", max(1, round(wait.total_seconds())))
