"""Walk the schema: no table keeps anything of a deleted device, none grows for ever; a new one is found by itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.columns import Instant, SeverityRank
from collector.store.database import Database
from collector.store.device_deletion import delete_device
from collector.store.retention import sweep
from collector.store.tables import ALERTS, METADATA
from indicators.words import Severity
from tests.collector.conftest import NOW

DEVICE = "dev-to-be-forgotten"
LONG_AGO = NOW - timedelta(days=400)
SAY_THAT_IT_IS_GONE = {"policy_changes", "audit"}  # what gateways are to forget, and who deleted it
STAYS = {
    "accounts": "an administrator disables it",
    "enrolled_gateways": "an administrator takes it back",
    "outputs": "one row for each output that was ever configured",
    "policy_stream": "one row: the name of the stream",
    "policy_changes": "the last row, so that the highest number is known; what was taken back goes after 30 days",
    "indicators": "what never expires is deleted by a person",
}


def _value(table: Table, column: Column[Any], when: datetime) -> Any:
    if column.name == "device_id":
        return DEVICE
    if column.name == "severity" or isinstance(column.type, SeverityRank):
        return Severity.MEDIUM
    if column.name in ("expires", "until", "revoked", "resolved", "incident") and isinstance(column.type, Instant):
        return None if column.nullable else when
    for kind, value in ((Instant, when), (Boolean, False), (JSON, {}), (Date, date(2025, 1, 1))):
        if isinstance(column.type, kind):
            return value
    if column.type.python_type is int:
        return 1
    return {"status": "New", "day": "2025-01-01", "level": "medium"}.get(
        column.name, f"{table.name} {column.name}"[:16]
    )


async def _fill(connection: AsyncConnection, when: datetime) -> None:
    """Put a row of that time into every table that no trigger fills; those of devices are about one device."""
    for table in METADATA.sorted_tables:
        numbers = {"seq"} if "seq" in table.c and table.c.seq.primary_key else set()
        row = {column.name: _value(table, column, when) for column in table.c if column.name not in numbers}
        if table.name == "devices":
            row["id"] = DEVICE
        if table.name == "alerts":
            row["id"] = "alert"
        if "alert_id" in row:
            row["alert_id"] = "alert"
        if table.name == "gateways":
            row["status"] = {"gateway": "g", "pinned": [{"device": DEVICE}]}
        if table.name == "policy_changes":
            row |= {"kind": "risk", "key": DEVICE}
        if table.name == "api_tokens":
            row["revoked"] = when
        if not (await connection.execute(select(func.count()).select_from(table))).scalar_one():
            await connection.execute(insert(table).values(**row))


async def _rows(database: Database) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async with database.read() as connection:
        for table in METADATA.sorted_tables:
            found[table.name] = [str(tuple(row)) for row in await connection.execute(select(table))]
    return found


async def test_nothing_of_a_deleted_device_is_left_in_any_table(database):
    async with database.write() as connection:
        await _fill(connection, NOW)
    before = await _rows(database)
    of_devices = {table.name for table in METADATA.sorted_tables if "device_id" in table.c} | {"devices", "gateways"}
    assert {name for name in of_devices if not any(DEVICE in row for row in before[name])} == set()
    assert len(of_devices) > 12
    assert await delete_device(database, DEVICE, "mira", NOW)
    after = await _rows(database)
    assert {name for name, rows in after.items() if any(DEVICE in row for row in rows)} == SAY_THAT_IT_IS_GONE
    assert after["comments"] == [], "what was said of its alerts goes with them"
    assert all("None" in row for row in after["policy_changes"]), "a gateway is told to forget, and nothing else"


async def test_every_table_has_an_end(database):
    async with database.write() as connection:
        await _fill(connection, LONG_AGO)
    assert {name for name, rows in (await _rows(database)).items() if not rows} == set(), "each table has a row"
    for days in (0, 60, 200):  # that a risk fell is noted when its alerts go, and gateways are told for a month
        await sweep(database, NOW + timedelta(days=days), timedelta(days=90))
    left = {name for name, rows in (await _rows(database)).items() if rows}
    assert left - STAYS.keys() == set()


async def test_what_a_device_that_stays_was_not_seen_with_for_long_is_forgotten(database):
    async with database.write() as connection:
        await _fill(connection, LONG_AGO)
        devices = METADATA.tables["devices"]
        await connection.execute(devices.update().values(received=NOW, last_seen=NOW))
        await connection.execute(ALERTS.update().values(updated=NOW))
    await sweep(database, NOW, timedelta(days=90))
    rows = await _rows(database)
    assert len(rows["devices"]) == len(rows["alerts"]) == 1
    assert [rows[name] for name in ("device_traits", "claims", "jailbreak_signs", "gateways")] == [[], [], [], []]
