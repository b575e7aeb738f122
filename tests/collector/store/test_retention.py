"""What is older than the retention goes, what is younger stays, devices with their traits."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from collector.store import tables
from collector.store.ingest import record
from collector.store.retention import sweep
from tests.collector.conftest import NOW
from tests.support.events import PHONE, device_seen, repeat, verdict

DAYS_90 = timedelta(days=90)


async def sizes(database) -> dict[str, int]:
    async with database.read() as connection:
        names = ("events", "alerts", "devices", "device_traits", "receipts", "orphans", "activity")
        counted = {name: select(func.count()).select_from(tables.METADATA.tables[name]) for name in names}
        return {name: (await connection.execute(count)).scalar_one() for name, count in counted.items()}


async def test_old_rows_go_and_young_ones_stay(database):
    other = verdict("young", device=type(PHONE)("dev-2", "tablet", address="10.0.0.2"))
    old = [verdict(f"v{i}", host=f"h{i}.example") for i in range(1100)]
    await record(database, [*old, device_seen("d", 1), repeat("r", "nowhere")], NOW - timedelta(days=91), DAYS_90)
    await record(database, [other], NOW, DAYS_90)
    removed = await sweep(database, NOW, DAYS_90)
    assert removed >= 2200
    assert await sizes(database) == {
        "events": 1, "alerts": 1, "devices": 1, "device_traits": 1, "receipts": 0, "orphans": 0, "activity": 1,
    }  # fmt: skip
    assert await sweep(database, NOW, DAYS_90) == 0


async def test_an_alert_outlives_its_first_incident(database):
    await record(database, [verdict("a")], NOW - timedelta(days=91), DAYS_90)
    await record(database, [verdict("b", time=NOW - timedelta(days=91, minutes=30))], NOW - timedelta(days=2), DAYS_90)
    await record(database, [repeat("r", "a")], NOW, DAYS_90)
    await sweep(database, NOW, DAYS_90)
    assert (await sizes(database))["alerts"] >= 1
