"""The time machine: when an indicator is new, find the devices that met it before, and raise an alert for each.

Each indicator is looked back for once; alert and note of it are written together.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from aiohttp import web
from sqlalchemy import RowMapping, String, cast, select

from collector.alerting import DEFENDER_CATEGORY, Sighting
from collector.history.meeting import Meeting
from collector.history.reading import destinations, events
from collector.store.alert_rows import keep_alerts
from collector.store.database import Database, StoreUnavailableError
from collector.store.people_tables import LOOK_BACKS
from collector.store.policy_tables import INDICATORS, POLICY_CHANGES
from collector.store.sightings import HashedSighting, sightings_of
from collector.web.parts import PARTS, Parts
from indicators.indicator import Indicator, Origin
from indicators.rules import RuleError, parse_indicator
from indicators.words import Action, Severity

_LOG = logging.getLogger(__name__)
_AT_ONCE = 500  # indicators of one pass
_STOPPING = ("Warn", "Block", "BlockAndRemediate", "Audit")
_ADVICE = "Examine the device: what it fetched then was not known as unsafe."
_PASSED = ("recorded", "overridden")
_PAUSE = 30.0  # seconds between looks where nothing was announced


@dataclass(frozen=True, slots=True)
class Met:
    """Hold what one device met of one indicator: times, the span, the newest incident, how often nothing stopped it.

    `hashed` is how many of these times are known by hashed sightings alone; where all are, there is no incident.
    `hidden_as` holds the hashes in place of a destination that a gateway hides: then its alert may not name it either.
    """

    device_id: str
    count: int
    passed: int
    first: datetime
    last: datetime
    newest: str
    hashed: int = 0
    hidden_as: str = ""

    def plus(self, row: RowMapping) -> Met:
        """Add another event."""
        passed = row["count"] if row["measure"] in _PASSED else 0
        newest = row["id"] if row["last_time"] >= self.last else self.newest
        return replace(
            self,
            count=self.count + row["count"],
            passed=self.passed + passed,
            first=min(self.first, row["time"]),
            last=max(self.last, row["last_time"]),
            newest=newest,
            hidden_as=row["destination"] if row["body"].get("hidden") else self.hidden_as,
        )

    def plus_sighting(self, seen: HashedSighting) -> Met:
        """Add what only hashed sightings tell of: nothing had stopped it."""
        return replace(
            self,
            count=self.count + seen.count,
            passed=self.passed + seen.count,
            first=min(self.first, seen.first),
            last=max(self.last, seen.last),
            hashed=self.hashed + seen.count,
        )


async def look_back(database: Database, key: bytes, now: datetime) -> int:
    """Look back for every indicator that is new, and return how many alerts were raised."""
    found = await _new(database)
    if not found:
        return 0
    met = await _search(database, [one for _, one in found], key, now)
    raised = 0
    for number, one in found:
        raised += await _keep(database, number, one, met.get(one, {}), now)
    return raised


async def _new(database: Database) -> list[tuple[str, Indicator]]:
    """Return the indicators that stop or report, and for which nobody has looked back yet."""
    done = select(LOOK_BACKS.c.indicator)
    wanted = select(INDICATORS.c.seq, POLICY_CHANGES.c.body).where(
        INDICATORS.c.action.in_(_STOPPING),
        cast(INDICATORS.c.seq, String).not_in(done),
        POLICY_CHANGES.c.kind == "indicator",
        POLICY_CHANGES.c.key == cast(INDICATORS.c.seq, String),
        POLICY_CHANGES.c.body.is_not(None),
    )
    async with database.read() as connection:
        rows = (await connection.execute(wanted.order_by(INDICATORS.c.seq).limit(_AT_ONCE))).all()
    found = []
    for row in rows:
        with suppress(RuleError):
            found += [(str(row.seq), one) for one in parse_indicator(row.body, Origin("api", custom=True))[:1]]
    return found


async def _search(
    database: Database, indicators: Sequence[Indicator], key: bytes, now: datetime
) -> dict[Indicator, dict[str, Met]]:
    meeting = Meeting(indicators, key)
    of = None if meeting.needs_all else await destinations(database, meeting.may_meet)
    found: dict[Indicator, dict[str, Met]] = {}
    async for page in events(database, of):
        for row in page:
            if met := _judged(meeting, row, now):
                devices = found.setdefault(met[1], {})
                begun = devices.get(row["device_id"]) or _nothing(row)
                devices[row["device_id"]] = begun.plus(row)
    await _add_sightings(database, meeting, found)
    return found


async def _add_sightings(database: Database, meeting: Meeting, found: dict[Indicator, dict[str, Met]]) -> None:
    """Add who was let through to what the indicators speak of, by the hashes of allowed hosts where they are kept."""
    async with database.read() as connection:
        sightings = await sightings_of(connection, list(meeting.hosts))
    for seen in sightings:
        one = meeting.hosts[seen.digest]
        if one.device_groups and seen.group not in one.device_groups:
            continue
        devices = found.setdefault(one, {})
        begun = devices.get(seen.device_id) or Met(seen.device_id, 0, 0, seen.first, seen.last, "")
        devices[seen.device_id] = begun.plus_sighting(seen)


def _judged(meeting: Meeting, row: RowMapping, now: datetime) -> tuple[Action, Indicator] | None:
    with suppress(ValueError):
        return meeting.met(row["body"], now)
    return None


def _nothing(row: RowMapping) -> Met:
    return Met(row["device_id"], 0, 0, row["time"], row["time"], row["id"])


async def _keep(database: Database, number: str, one: Indicator, met: dict[str, Met], now: datetime) -> int:
    sightings = {seen.id: seen for seen in (_sighting(number, one, each, now) for each in met.values())}
    async with database.write() as connection:
        told = {"indicator": number, "time": now, "events": sum(each.count for each in met.values())}
        statement = database.insert(LOOK_BACKS).values(**told, devices=len(met))
        fresh = await connection.execute(statement.on_conflict_do_nothing(index_elements=["indicator"]))
        if not fresh.rowcount or not sightings or not one.generate_alert:
            return 0
        return len(await keep_alerts(database, connection, sightings, {}, now))


def _sighting(number: str, one: Indicator, met: Met, now: datetime) -> Sighting:
    """Write the alert. What passed at the time weighs as the indicator says; what was stopped is only information."""
    passed = f"{met.passed} times nothing stopped it" if met.passed else "each time something else had stopped it"
    severity = (one.severity or Severity.MEDIUM) if met.passed else Severity.INFORMATIONAL
    span = f"between {met.first:%Y-%m-%d %H:%M} and {met.last:%Y-%m-%d %H:%M} UTC"
    name = "a hidden destination" if met.hidden_as else one.value
    return Sighting(
        id="al" + hashlib.sha256(f"look-back\n{number}\n{met.device_id}".encode()).hexdigest()[:30],
        device_id=met.device_id,
        destination=met.hidden_as or one.value,
        day=now.date().isoformat(),
        hidden=bool(met.hidden_as),
        count=met.count,
        first_event=met.first,
        last_event=met.last,
        title=f"Met before it was known: {name if met.hidden_as else one.title or name}",
        description=f"This device met {name} {met.count} times {span}, before it was an indicator; {passed}. "
        + _source(met),
        recommended_actions=_ADVICE if met.hidden_as else one.recommended_actions or _ADVICE,
        category=DEFENDER_CATEGORY.get(one.category, "General"),
        threat_category=one.category,
        threat_name="" if met.hidden_as else one.value,
        severity=severity,
        detection_source="CustomerTI",
        lead_time=met.first,
        lead_event=met.newest,
    )


def _source(met: Met) -> str:
    """Say what the alert rests on."""
    incident = f"The newest incident is {met.newest}." if met.newest else ""
    if not met.hashed:
        return incident
    times = "It is" if met.hashed == met.count else f"{met.hashed} of these times"
    hashed = f"{times} known from hashed sightings of allowed hosts: hosts below it count, and no URL was kept."
    return f"{hashed} {incident}".rstrip()


async def looking_back(app: web.Application) -> AsyncIterator[None]:
    """Look back whenever something changed while the application runs (an aiohttp cleanup context)."""
    task = asyncio.create_task(_look_often(app[PARTS]))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _look_often(parts: Parts) -> None:
    with parts.live.watching() as watcher:
        while True:
            watcher.clear()
            try:
                if raised := await look_back(parts.database, parts.settings.privacy_key, parts.clock()):
                    _LOG.info("time machine: %d alerts for what was met before it was known", raised)
                    parts.live.changed()
            except StoreUnavailableError as error:
                _LOG.warning("time machine: %s; trying again", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await watcher.wait()
            await asyncio.sleep(1.0)
