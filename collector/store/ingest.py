"""Keep a batch of events: each exactly once, in one transaction, whatever the order in which they arrive.

The state after any set of events is the same for every order, repetition and cut into batches. Nothing is read
from the network here, and nothing is judged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import bindparam, case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import Sighting, alert_id, sighting_of
from collector.alerting import merge as merge_sightings
from collector.arrival import ALLOWED, Arrival, conceal, hour_of, measure_of, plausible
from collector.inventory import state_of, tellings
from collector.store.alert_rows import Tally, keep_alerts
from collector.store.bulk import Row, among, run_many
from collector.store.claims import keep_claims
from collector.store.columns import json_text
from collector.store.database import Database
from collector.store.gateways import Delivery, note_deliveries
from collector.store.inventory_rows import keep_devices, keep_traits
from collector.store.sightings import keep_sightings
from collector.store.signs import keep_signs
from collector.store.tables import ACTIVITY, EVENTS, ORPHANS, RECEIPTS
from indicators.event import EventKind, VerdictEvent
from indicators.event_wire import to_json
from indicators.frozen import frozen


@dataclass(frozen=True, slots=True)
class Recorded:
    """Say what became of a batch. `raised` names the alerts that did not exist before."""

    accepted: int
    duplicates: int
    raised: tuple[str, ...] = ()


@frozen
class _Repeat:
    """Hold further enforcements of an incident: a repeat event, or one that had waited for its incident."""

    incident: str
    when: datetime
    count: int


async def record(
    database: Database,
    events: Sequence[VerdictEvent],
    now: datetime,
    retention: timedelta,
    refused: Mapping[str, Delivery] = MappingProxyType({}),
) -> Recorded:
    """Keep what is not kept yet and return once it is committed. Raises StoreUnavailableError; then nothing is kept.

    `refused` says, by gateway, what of the same delivery could not be read.
    """
    prepared = await asyncio.to_thread(_prepared, events, now, retention)
    return await database.change(lambda connection: _kept(database, connection, prepared, now, refused))


async def _kept(
    database: Database, connection: AsyncConnection, prepared: _Prepared, now: datetime, refused: Mapping[str, Delivery]
) -> Recorded:
    fresh = await _fresh(database, connection, prepared)
    repeats, orphans = await _repeats(connection, fresh)
    known = await _incidents(connection, {repeat.incident for repeat in repeats})
    await _count_repeats(connection, [repeat for repeat in repeats if repeat.incident in known])
    await _keep_orphans(
        database, connection, [arrival for arrival in orphans if arrival.event.incident not in known], now
    )
    seen = [prepared.sightings[a.event.id] for a in fresh if a.event.id in prepared.sightings]
    raised = await _alerts(database, connection, seen, repeats, known, now)
    told = tellings(fresh)
    await keep_devices(database, connection, [state_of(one) for one in told], now)
    await keep_claims(database, connection, fresh)
    await keep_traits(database, connection, told)
    await keep_sightings(database, connection, fresh, now)
    await keep_signs(database, connection, fresh)
    await _count_activity(database, connection, fresh, repeats, known)
    await note_deliveries(database, connection, _deliveries(fresh, refused), now)
    return Recorded(len(fresh), prepared.given - len(fresh), raised)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Hold a batch as it will be kept, as far as that can be told without the database; each event once."""

    given: int  # events, those that came twice included
    arrivals: list[Arrival]
    verdicts: list[Row]
    receipts: list[Row]
    sightings: dict[str, Sighting]  # by the event's id


def _prepared(events: Sequence[VerdictEvent], now: datetime, retention: timedelta) -> _Prepared:
    """Build rows before the writer's turn, in a thread: another batch is written and pages are answered meanwhile."""
    arrivals: dict[str, Arrival] = {}
    for event in events:
        if event.id not in arrivals:
            arrivals[event.id] = Arrival(conceal(event), plausible(event.time, now, retention))
    verdicts = [arrival for arrival in arrivals.values() if arrival.event.kind is EventKind.VERDICT]
    others = [id_ for id_, arrival in arrivals.items() if arrival.event.kind is not EventKind.VERDICT]
    sightings = {a.event.id: seen for a in verdicts if (seen := sighting_of(a.event, a.when))}
    rows = [_event_row(arrival, now) for arrival in verdicts]
    receipts = [{"id": id_, "received": now} for id_ in others]
    return _Prepared(len(events), list(arrivals.values()), rows, receipts, sightings)


async def _fresh(database: Database, connection: AsyncConnection, prepared: _Prepared) -> list[Arrival]:
    """Insert events and receipts, and return the arrivals that had not been kept before."""
    ids = await database.insert_fresh(connection, EVENTS, prepared.verdicts)
    ids |= await database.insert_fresh(connection, RECEIPTS, prepared.receipts)
    return [arrival for arrival in prepared.arrivals if arrival.event.id in ids]


def _event_row(arrival: Arrival, now: datetime) -> Row:
    event, when = arrival.event, arrival.when
    day = when.date().isoformat()
    return {
        "id": event.id,
        "received": now,
        "time": when,
        "last_time": when,
        "gateway": event.gateway,
        "device_id": event.device.id,
        "alert_id": alert_id(event.device.id, event.destination, day) if event.alert else None,
        "destination": event.destination,
        "measure": measure_of(event),
        "count": event.count,
        "body": json_text(to_json(event)),
    }


async def _repeats(connection: AsyncConnection, fresh: list[Arrival]) -> tuple[list[_Repeat], list[Arrival]]:
    """Return every repeat to be counted (waiting ones whose incident has come included), and those of this batch."""
    arrived = [arrival for arrival in fresh if arrival.event.kind is EventKind.REPEAT]
    repeats = [_Repeat(a.event.incident, a.when, a.event.count) for a in arrived]
    incidents = [arrival.event.id for arrival in fresh if arrival.event.kind is EventKind.VERDICT]
    waiting = delete(ORPHANS).where(among(connection, ORPHANS.c.incident, incidents))
    found = await connection.execute(waiting.returning(ORPHANS.c.incident, ORPHANS.c.time, ORPHANS.c.count))
    repeats += [_Repeat(*row) for row in found]
    return repeats, arrived


_WHEN = bindparam("when", type_=EVENTS.c.last_time.type)
_LATEST = case((EVENTS.c.last_time < _WHEN, _WHEN), else_=EVENTS.c.last_time)
_COUNT_MORE = update(EVENTS).where(EVENTS.c.id == bindparam("incident"))
_COUNT_MORE = _COUNT_MORE.values(count=EVENTS.c.count + bindparam("more"), last_time=_LATEST)

type Known = dict[str, tuple[str | None, str, str]]  # incident -> alert id, device id, measure


async def _incidents(connection: AsyncConnection, incidents: Iterable[str]) -> Known:
    known: Known = {}
    columns = (EVENTS.c.id, EVENTS.c.alert_id, EVENTS.c.device_id, EVENTS.c.measure)
    for id_, *rest in await connection.execute(select(*columns).where(among(connection, EVENTS.c.id, incidents))):
        known[id_] = (rest[0], rest[1], rest[2])
    return known


async def _count_repeats(connection: AsyncConnection, repeats: list[_Repeat]) -> None:
    """Raise the counts of incidents, each once however many repeats name it."""
    tallies: dict[str, Tally] = {}
    for repeat in repeats:
        tally = Tally(repeat.count, repeat.when, repeat.when)
        tallies[repeat.incident] = tallies[repeat.incident].plus(tally) if repeat.incident in tallies else tally
    rows = [{"incident": incident, "when": tally.last, "more": tally.count} for incident, tally in tallies.items()]
    await run_many(connection, _COUNT_MORE, rows)


async def _keep_orphans(
    database: Database, connection: AsyncConnection, arrivals: list[Arrival], now: datetime
) -> None:
    rows = [
        {"id": a.event.id, "incident": a.event.incident, "time": a.when, "count": a.event.count, "received": now}
        for a in arrivals
    ]
    await database.insert_fresh(connection, ORPHANS, rows)


async def _alerts(
    database: Database,
    connection: AsyncConnection,
    fresh: list[Sighting],
    repeats: list[_Repeat],
    known: Known,
    now: datetime,
) -> tuple[str, ...]:
    sightings: dict[str, Sighting] = {}
    for seen in fresh:
        sightings[seen.id] = merge_sightings(sightings[seen.id], seen) if seen.id in sightings else seen
    tallies: dict[str, Tally] = {}
    for repeat in repeats:
        alert = known.get(repeat.incident, (None,))[0]
        if alert:
            tally = Tally(repeat.count, repeat.when, repeat.when)
            tallies[alert] = tallies[alert].plus(tally) if alert in tallies else tally
    return await keep_alerts(database, connection, sightings, tallies, now)


async def _count_activity(
    database: Database, connection: AsyncConnection, fresh: list[Arrival], repeats: list[_Repeat], known: Known
) -> None:
    """Count by hour, for each device and for all together.

    Allowed traffic is counted for all together alone, because when a person was online is nobody's affair.
    """
    counts: Counter[tuple[datetime, str, str]] = Counter()
    for arrival in fresh:
        event, hour = arrival.event, hour_of(arrival.when)
        if event.kind is EventKind.VERDICT:
            counts[hour, event.device.id, measure_of(event)] += event.count
        elif event.kind is EventKind.DEVICE and event.count:
            counts[hour, "", ALLOWED] += event.count
    for repeat in repeats:
        if repeat.incident in known:
            _, device, measure = known[repeat.incident]
            counts[hour_of(repeat.when), device, measure] += repeat.count
    for (hour, _, measure), count in [item for item in counts.items() if item[0][1]]:
        counts[hour, "", measure] += count
    rows = [{"hour": h, "device_id": d, "measure": m, "count": n} for (h, d, m), n in counts.items()]
    await database.upsert(connection, ACTIVITY, rows, add="count")


def _deliveries(fresh: list[Arrival], refused: Mapping[str, Delivery]) -> dict[str, Delivery]:
    accepted = Counter(arrival.event.gateway for arrival in fresh)
    names = accepted.keys() | refused.keys()
    return {name: replace(refused.get(name, Delivery()), accepted=accepted[name]) for name in sorted(names)}
