"""Remove what is older than the retention, a little at a time, so that no delivery waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, String, Table, cast, delete, or_, select

from collector.store.access_requests import APPROVED, take_back_expired
from collector.store.alert_totals import subtract
from collector.store.bulk import among
from collector.store.claim_tables import CLAIMS
from collector.store.database import Database, chunks
from collector.store.indicators import remove_expired
from collector.store.people_tables import API_TOKENS, AUDIT, INVITATIONS, LOOK_BACKS
from collector.store.policy_stream import Kind, forget_tombstones, tell
from collector.store.policy_tables import (
    ACCESS_REQUESTS,
    DEVICE_GROUPS,
    FOLLOWERS,
    INDICATORS,
    POSTURES,
    RISK_CHANGES,
    RISKS,
)
from collector.store.risk import recompute
from collector.store.sighting_tables import SIGHTINGS
from collector.store.sign_tables import JAILBREAK_SIGNS
from collector.store.tables import (
    ACTIVITY,
    ALERTS,
    DEVICE_TRAITS,
    DEVICES,
    EVENTS,
    GATEWAYS,
    ORPHANS,
    RECEIPTS,
    SESSIONS,
)

_PART = 1000  # rows removed in one transaction
_DEVICES = 100  # devices whose risk is computed in one


TABLES = ("events", "alerts", "devices", "activity", "access_requests", "risk_changes", "audit", "sightings")
"""What may have a retention of its own; whatever is not named here goes with the events."""


async def sweep(
    database: Database, now: datetime, retention: timedelta, own: Mapping[str, timedelta] = MappingProxyType({})
) -> int:
    """Remove old rows and return how many. `own` holds retentions of single tables (see `TABLES`).

    What counts is when a row was received or last changed here, not what a gateway's clock said. A device goes when
    it has not been heard of for that long; what it was seen with goes along. Ids of events go too: a gateway that
    delivers one again after all this time is believed anew.
    """
    old = {name: now - own.get(name, retention) for name in TABLES}
    removed = [
        await _remove(database, EVENTS, EVENTS.c.received < old["events"]),
        await _remove(database, RECEIPTS, RECEIPTS.c.received < old["events"]),
        await _remove(database, ORPHANS, ORPHANS.c.received < old["events"]),
        await _remove_alerts(database, ALERTS.c.updated < old["alerts"]),
        await _remove(database, DEVICES, DEVICES.c.received < old["devices"]),
        await _remove(database, SESSIONS, SESSIONS.c.expires < now),
        await _remove(database, ACCESS_REQUESTS, _answered_before(old["access_requests"])),
        await _remove(database, RISK_CHANGES, RISK_CHANGES.c.time < old["risk_changes"], RISK_CHANGES.c.seq),
        await _remove(database, AUDIT, AUDIT.c.time < old["audit"], AUDIT.c.seq),
        await _remove_at_once(database, ACTIVITY, ACTIVITY.c.hour < old["activity"]),
        await _remove_at_once(database, SIGHTINGS, SIGHTINGS.c.received < old["sightings"]),
        await _forget_around_devices(database, old["devices"]),
        await _forget_what_ended(database, now, old["audit"]),
        await remove_expired(database, now),
        await take_back_expired(database, now),
        await forget_tombstones(database, now),
    ]
    await _follow_up(database, now)
    return sum(removed)


def _answered_before(when: datetime) -> ColumnElement[bool]:
    """Leave approvals until they are over and the gateways were told: else the stream would name them for ever."""
    return (ACCESS_REQUESTS.c.created < when) & (ACCESS_REQUESTS.c.status != APPROVED)


async def _forget_around_devices(database: Database, before: datetime) -> int:
    """Forget what a device that stays has not been seen with for so long, and gateways that were not heard of.

    A gateway's last status names devices and where their apps connect.
    """
    told = {GATEWAYS: GATEWAYS.c.last_seen, FOLLOWERS: FOLLOWERS.c.time}
    seen = {table: table.c.last_seen for table in (DEVICE_TRAITS, JAILBREAK_SIGNS, CLAIMS)}
    removed = 0
    async with database.write() as connection:
        for table, when in (seen | told).items():
            removed += (await connection.execute(delete(table).where(when < before))).rowcount
    return removed


async def _forget_what_ended(database: Database, now: datetime, before: datetime) -> int:
    """Forget invitations that are too old, tokens that ended long ago, and looks back for indicators that are gone."""
    gone = cast(INDICATORS.c.seq, String)
    conditions = {
        INVITATIONS: INVITATIONS.c.expires <= now,
        API_TOKENS: or_(API_TOKENS.c.revoked < before, API_TOKENS.c.expires < before),
        LOOK_BACKS: LOOK_BACKS.c.indicator.not_in(select(gone)) & (LOOK_BACKS.c.time < before),
    }
    removed = 0
    async with database.write() as connection:
        for table, condition in conditions.items():
            removed += (await connection.execute(delete(table).where(condition))).rowcount
    return removed


async def _follow_up(database: Database, now: datetime) -> None:
    """Let risks fall whose alerts went, and forget what was noted of devices that went."""
    async with database.read() as connection:
        devices = (await connection.execute(select(RISKS.c.device_id))).scalars().all()
    for part in chunks(devices, _DEVICES):
        async with database.write() as connection:
            for device in part:
                await recompute(database, connection, device, now)
        await asyncio.sleep(0)
    async with database.write() as connection:
        for table in (DEVICE_GROUPS, POSTURES):
            gone = table.c.device_id.not_in(select(DEVICES.c.id))
            ids = (await connection.execute(delete(table).where(gone).returning(table.c.device_id))).scalars().all()
            for device in ids if table is DEVICE_GROUPS else ():
                await tell(connection, Kind.GROUP, device, None, now)


async def _remove(
    database: Database, table: Table, condition: ColumnElement[bool], key: ColumnElement[Any] | None = None
) -> int:
    """Remove rows in parts; `key` is what tells rows apart where that is not `id`."""
    column = table.c.id if key is None else key
    removed = 0
    while True:
        async with database.write() as connection:
            some = select(column).where(condition).limit(_PART)
            done = await connection.execute(delete(table).where(column.in_(some)))
        removed += done.rowcount
        if done.rowcount < _PART:
            return removed
        await asyncio.sleep(0)


async def _remove_alerts(database: Database, condition: ColumnElement[bool]) -> int:
    """Remove alerts in parts, each together with what it counts for."""
    removed, more = 0, True
    while more:
        async with database.write() as connection:
            ids = (await connection.execute(select(ALERTS.c.id).where(condition).limit(_PART))).scalars().all()
            some = among(connection, ALERTS.c.id, ids)
            await subtract(connection, some)
            await connection.execute(delete(ALERTS).where(some))
        removed, more = removed + len(ids), len(ids) == _PART
        await asyncio.sleep(0)
    return removed


async def _remove_at_once(database: Database, table: Table, condition: ColumnElement[bool]) -> int:
    """Remove small rows that no one column tells apart; an hour's worth of them at a time as a rule."""
    async with database.write() as connection:
        return (await connection.execute(delete(table).where(condition))).rowcount
