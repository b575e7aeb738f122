"""Keep what pages count of alerts, so that none of them reads every alert. Pages read; alerts are not written here.

Whoever changes alerts calls `subtract` before and `add` after, in the same transaction; `raise_counts` is for what
ingest does most. A property test holds the totals to the alerts they are of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Table,
    TableValuedAlias,
    Text,
    column,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import Sighting
from collector.store.database import Database
from collector.store.tables import ALERTS, OPEN
from collector.store.total_tables import ALERT_TOTALS, OPEN_ALERTS

WORDS = ("day", "destination", "hidden", "threat_name", "detection_source", "threat_category")


def total_of(seen: Sighting) -> int:
    """Return the number of the row that an alert counts in: it follows from what the alert says."""
    return _number(
        seen.day, seen.destination, seen.hidden, seen.threat_name, seen.detection_source, seen.threat_category
    )


@lru_cache(maxsize=1 << 14)
def _number(*words: str | bool) -> int:
    """Derive a number of 63 bits, which both databases take as a key."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


async def add(database: Database, connection: AsyncConnection, some: ColumnElement[bool]) -> None:
    """Count some alerts as they are now."""
    words = [ALERTS.c[name] for name in WORDS]
    counted = select(ALERTS.c.total, *words, func.count(), func.sum(ALERTS.c.count)).where(some)
    names = ["id", *WORDS, "alerts", "count"]
    await _add(database, connection, ALERT_TOTALS, names, counted.group_by(ALERTS.c.total, *words))
    by = (ALERTS.c.device_id, ALERTS.c.severity)
    opened = select(*by, func.count()).where(some, OPEN).group_by(*by)
    await _add(database, connection, OPEN_ALERTS, ["device_id", "severity", "alerts"], opened)


async def _add(
    database: Database, connection: AsyncConnection, table: Table, names: list[str], rows: Select[Any]
) -> None:
    statement = database.insert(table).from_select(names, rows)
    more = {name: table.c[name] + statement.excluded[name] for name in ("alerts", "count") if name in names}
    keys = [column.name for column in table.primary_key]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=more))


async def subtract(connection: AsyncConnection, some: ColumnElement[bool]) -> None:
    """Count some alerts no longer: they are about to be changed or removed. What counts none is forgotten."""
    total, by = ALERTS.c.total, (ALERTS.c.device_id, ALERTS.c.severity)
    number, met = func.count().label("alerts"), func.sum(ALERTS.c.count).label("count")
    counted = select(total, number, met).where(some).group_by(total).subquery()
    fewer = {"alerts": ALERT_TOTALS.c.alerts - counted.c.alerts, "count": ALERT_TOTALS.c.count - counted.c.count}
    await connection.execute(update(ALERT_TOTALS).where(ALERT_TOTALS.c.id == counted.c.total).values(fewer))
    opened = select(*by, number).where(some, OPEN).group_by(*by).subquery()
    same = (OPEN_ALERTS.c.device_id == opened.c.device_id, OPEN_ALERTS.c.severity == opened.c.severity)
    await connection.execute(update(OPEN_ALERTS).where(*same).values(alerts=OPEN_ALERTS.c.alerts - opened.c.alerts))
    for table, key, named in (
        (ALERT_TOTALS, ALERT_TOTALS.c.id, total),
        (OPEN_ALERTS, OPEN_ALERTS.c.device_id, by[0]),
    ):
        await connection.execute(delete(table).where(table.c.alerts == 0, key.in_(select(named).where(some))))


async def raise_counts(connection: AsyncConnection, more: Mapping[str, int]) -> None:
    """Add further enforcements to what alerts that are there count in; which rows these are, the database knows."""
    if not more:
        return
    given = _given(connection, more)
    counted = select(ALERTS.c.total, func.sum(given.c.value).label("count"))
    counted = counted.select_from(given.join(ALERTS, ALERTS.c.id == given.c.key)).group_by(ALERTS.c.total)
    raised = counted.subquery()
    count = ALERT_TOTALS.c.count + raised.c.count
    await connection.execute(update(ALERT_TOTALS).where(ALERT_TOTALS.c.id == raised.c.total).values(count=count))


def _given(connection: AsyncConnection, more: Mapping[str, int]) -> TableValuedAlias:
    """Return ids and counts as rows, sent as one parameter or two."""
    if connection.dialect.name == "sqlite":
        pairs = func.json_each(json.dumps(more))
        return pairs.table_valued(column("key", Text), column("value", BigInteger)).alias("given")
    arrays = (literal(list(more), ARRAY(Text)), literal(list(more.values()), ARRAY(BigInteger)))
    return func.unnest(*arrays).table_valued(column("key", Text), column("value", BigInteger)).render_derived("given")
