"""Lists of alerts find their rows by an index before they read any."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from collector.odata.fields import order, where
from collector.store.alert_fields import ALERT_FIELDS
from collector.store.alerts import NEWEST_FIRST, count_alerts, list_alerts, list_cells
from collector.store.ingest import record
from collector.store.tables import ALERTS
from tests.collector.conftest import NOW
from tests.support.events import PHONE, verdict

DAYS_90 = timedelta(days=90)
FILTERS = (
    "severity eq 'High'",
    "status eq 'InProgress' and category ne 'Malware'",
    "alertCreationTime ge 2026-11-22T00:00:00Z or lastUpdateTime lt 2026-11-20T00:00:00Z",
    "assignedTo eq 'mira' and classification eq null and determination eq null",
)


async def _plans(database, text: str) -> list[str]:
    plans: list[str] = []

    def planned(connection, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT alerts."):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in rows)

    async with database.read() as connection:
        await connection.run_sync(lambda on: event.listen(on, "before_cursor_execute", planned))
        await list_alerts(connection, [where(text, ALERT_FIELDS)], NEWEST_FIRST, 50, 1000)
    return plans


@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_alert_that_a_filter_leaves_out_is_not_read(database, text):
    plans = await _plans(database, text)
    assert "SCAN alerts USING COVERING INDEX ix_alerts_newest" in plans
    assert "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)" in plans


@pytest.mark.parametrize("text", ["computerDnsName eq 'tab'", "contains(computerDnsName,'a') and severity eq 'High'"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_devices_are_found_before_their_alerts(database, text):
    plans = await _plans(database, text)
    assert any(plan.startswith("SEARCH alerts USING INDEX ix_alerts_device_id") for plan in plans), plans


async def test_what_a_condition_on_devices_finds(database):
    tablet = replace(PHONE, id="dev-2", name="Tablet")
    await record(database, [verdict("a"), verdict("b", device=tablet), verdict("c", device=tablet)], NOW, DAYS_90)
    async with database.read() as connection:
        for text, found in (
            ("computerDnsName eq 'Tablet'", 1),
            ("not (computerDnsName eq 'Tablet')", 1),
            ("computerDnsName ne 'Tablet'", 1),
            ("computerDnsName in ('Tablet','Mira''s phone')", 2),
            ("endswith(computerDnsName,'phone') or startswith(computerDnsName,'tab')", 2),
            ("computerDnsName eq null", 0),
            ("computerDnsName gt 'N'", 1),
        ):
            clause = where(text, ALERT_FIELDS)
            assert len(await list_alerts(connection, [clause])) == await count_alerts(connection, clause) == found, text


async def test_order_and_pages_hold(database):
    made = [verdict(f"v{i}", host=f"h{i}.example", time=NOW - timedelta(minutes=i % 7)) for i in range(40)]
    await record(database, made, NOW, DAYS_90)
    by = (*order("lastEventTime asc", ALERT_FIELDS), ALERTS.c.seq)
    async with database.read() as connection:
        whole = await list_alerts(connection, (), by, 100)
        parts = [row for skip in range(0, 40, 9) for row in await list_alerts(connection, (), by, 9, skip)]
        cells = await list_cells(connection, ("id", "device_name"), (), 100)
    assert [row["id"] for row in parts] == [row["id"] for row in whole]
    assert [row["last_event"] for row in whole] == sorted(row["last_event"] for row in whole)
    newest = sorted(((row["last_event"], row["seq"], row["id"], row["device_name"]) for row in whole), reverse=True)
    assert [tuple(row) for row in cells] == newest
