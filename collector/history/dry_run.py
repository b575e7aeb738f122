"""Say what some indicators would have changed in the kept history: what they would have stopped, and let through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collector.history.meeting import Meeting
from collector.history.reading import destinations, events
from collector.store.database import Database
from collector.store.sightings import HashedSighting, sightings_of
from indicators.hosts import parents
from indicators.indicator import Indicator
from indicators.words import Action

_STOPPED = ("blocked", "warned")
_SHOWN = 50  # destinations


@dataclass(slots=True)
class Changed:
    """Count what one way of change would have touched. Nothing is kept but counts."""

    times: int = 0
    devices: set[str] = field(default_factory=set)
    destinations: Counter[str] = field(default_factory=Counter)
    indicators: Counter[str] = field(default_factory=Counter)
    hashed: int = 0  # of `times`, those known by hashed sightings of allowed hosts alone

    def add(self, row: Any, decided: Indicator) -> None:
        """Count an event."""
        self.times += row["count"]
        self.devices.add(row["device_id"])
        name = "(hidden)" if row["body"].get("hidden") else row["destination"]
        self.destinations[name] += row["count"]
        self.indicators[decided.value] += row["count"]

    def add_sighting(self, seen: HashedSighting, decided: Indicator) -> None:
        """Count what was let through and is known by its hash alone; the indicator is all that can be named."""
        self.times += seen.count
        self.hashed += seen.count
        self.devices.add(seen.device_id)
        self.destinations[f"{decided.value} (hashed sightings)"] += seen.count
        self.indicators[decided.value] += seen.count

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the most frequent first."""
        return {
            "times": self.times,
            "hashed": self.hashed,
            "devices": len(self.devices),
            "destinations": [{"name": name, "times": n} for name, n in self.destinations.most_common(_SHOWN)],
            "indicators": [{"value": value, "times": n} for value, n in self.indicators.most_common(_SHOWN)],
        }


async def dry_run(database: Database, indicators: Sequence[Indicator], key: bytes, now: datetime) -> dict[str, Any]:
    """Return `blocked` (let pass then, stopped with these), `allowed` (the other way) and `unchanged` times met."""
    meeting = Meeting(indicators, key)
    blocked, allowed, unchanged = Changed(), Changed(), Changed()
    of = None if meeting.needs_all else await destinations(database, meeting.may_meet)
    looked = 0
    async for page in events(database, of):
        looked += len(page)
        for row in page:
            with suppress(ValueError):
                if met := meeting.met(row["body"], now):
                    _counter(row, met[0], blocked, allowed, unchanged).add(row, met[1])
    await _add_sightings(database, meeting, blocked)
    found = {"blocked": blocked.to_json(), "allowed": allowed.to_json(), "unchanged": unchanged.to_json()}
    return {"events": looked, **found}


async def _add_sightings(database: Database, meeting: Meeting, blocked: Changed) -> None:
    """Count allowed hosts that would have been stopped. Below another one's domain an indicator tells nothing new."""
    stopping = {digest: one for digest, one in meeting.hosts.items() if one.action.strength >= Action.WARN.strength}
    values = {one.value for one in stopping.values()}
    outer = {digest: one for digest, one in stopping.items() if not values & (set(parents(one.value)) - {one.value})}
    async with database.read() as connection:
        for seen in await sightings_of(connection, list(outer)):
            one = outer[seen.digest]
            if not one.device_groups or seen.group in one.device_groups:
                blocked.add_sighting(seen, one)


def _counter(row: Any, action: Action, blocked: Changed, allowed: Changed, unchanged: Changed) -> Changed:
    was_stopped, stops = row["measure"] in _STOPPED, action.strength >= Action.WARN.strength
    if was_stopped == stops or (was_stopped and action is Action.AUDIT):
        return unchanged
    return blocked if stops else allowed
