"""Write what a person changes of an alert: status, classification, assignment, comments; the risk follows at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.audit.log import AuditEntry, note
from collector.store.alert_totals import add, subtract
from collector.store.database import Database
from collector.store.risk import recompute
from collector.store.tables import ALERTS, COMMENTS
from collector.triage import RESOLVED, Change


async def change_alert(database: Database, alert_id: str, change: Change, by: str, now: datetime) -> bool:
    """Apply a change whole or not at all; false where there is no such alert.

    Raises TriageError for a determination that does not go with the alert's classification.
    """
    async with database.write() as connection:
        row = (await connection.execute(select(ALERTS).where(ALERTS.c.id == alert_id))).mappings().first()
        if row is None:
            return False
        change.fits(row["classification"])
        await apply_change(database, connection, row, change, by, now)
    return True


async def apply_change(
    database: Database, connection: AsyncConnection, row: RowMapping, change: Change, by: str, now: datetime
) -> None:
    """Write a change of one alert on the caller's connection, with its comment and its entry in the audit log."""
    values = _values(row, change, now)
    one = ALERTS.c.id == row["id"]
    await subtract(connection, one)
    await connection.execute(update(ALERTS).where(one).values(**values, updated=now))
    await add(database, connection, one)
    if change.comment:
        said = {"alert_id": row["id"], "comment": change.comment, "created_by": by[:256], "created": now}
        await connection.execute(insert(COMMENTS).values(**said))
    detail = {name: {"before": row[name], "after": value} for name, value in values.items() if name != "resolved"}
    if change.comment:
        detail["comment"] = {"length": len(change.comment)}
    await note(connection, AuditEntry(now, by, "alert.change", row["id"], detail))
    if change.status and change.status != row["status"]:
        await recompute(database, connection, row["device_id"], now)


def _values(row: RowMapping, change: Change, now: datetime) -> dict[str, Any]:
    """Return the columns that change. Another classification takes a determination that is not its own along."""
    given = {
        "status": change.status,
        "classification": change.classification,
        "determination": change.determination,
        "assigned_to": change.assigned_to,
    }
    values: dict[str, Any] = {name: value or None for name, value in given.items() if value is not None}
    other_class = change.classification is not None and change.classification != (row["classification"] or "")
    if other_class and change.determination is None:
        values["determination"] = None
    if change.status and change.status != row["status"]:
        values["resolved"] = now if change.status == RESOLVED else None
    return values
