"""What is older than the retention goes, what is younger stays, devices with their traits."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from collector.store import tables
from collector.store.access_requests import AccessRequest, Decision, decide, keep_request
from collector.store.device_deletion import delete_device
from collector.store.ingest import record
from collector.store.policy_stream import excerpt
from collector.store.policy_tables import ACCESS_REQUESTS
from collector.store.retention import sweep
from collector.store.sighting_tables import SIGHTINGS
from indicators.event import EventKind
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
        "events": 1, "alerts": 1, "devices": 1, "device_traits": 1, "receipts": 0, "orphans": 0, "activity": 2,
    }  # fmt: skip
    assert await sweep(database, NOW, DAYS_90) == 0


async def test_an_alert_outlives_its_first_incident(database):
    await record(database, [verdict("a")], NOW - timedelta(days=91), DAYS_90)
    await record(database, [verdict("b", time=NOW - timedelta(days=91, minutes=30))], NOW - timedelta(days=2), DAYS_90)
    await record(database, [repeat("r", "a")], NOW, DAYS_90)
    await sweep(database, NOW, DAYS_90)
    assert (await sizes(database))["alerts"] >= 1


async def test_hashed_sightings_have_a_retention_of_their_own_and_go_with_their_device(database):
    async def left() -> int:
        async with database.read() as connection:
            return (await connection.execute(select(func.count()).select_from(SIGHTINGS))).scalar_one()

    def sighting(event_id: str):
        return device_seen(event_id, 1, kind=EventKind.SIGHTING, host="0123456789abcdef", hidden=True)

    await record(database, [sighting("a")], NOW - timedelta(days=9), DAYS_90)
    assert await left() == 1
    await sweep(database, NOW, DAYS_90)
    assert await left() == 1
    await sweep(database, NOW, DAYS_90, {"sightings": timedelta(days=7)})
    assert await left() == 0
    await record(database, [sighting("b")], NOW, DAYS_90)
    assert await delete_device(database, PHONE.id, "mira", NOW)
    assert await left() == 0


async def test_an_approval_stays_until_it_is_over_and_is_then_taken_back(database):
    asked = AccessRequest("ar", "gw-1", PHONE.id, PHONE.name, "casino.example")
    await keep_request(database, asked, NOW)
    await decide(database, "ar", Decision(True, timedelta(days=60)), "mira", NOW)

    async def told() -> list[str]:
        async with database.read() as connection:
            found = await excerpt(connection, 0, "")
        return [str(change["body"]) for change in found.changes if change["key"] == "ar"]

    later = NOW + timedelta(days=40)
    await sweep(database, later, timedelta(days=30))
    assert "casino.example" in (await told())[0], "in force for another 20 days"
    for days in (61, 62, 100):
        await sweep(database, NOW + timedelta(days=days), timedelta(days=30))
        assert await told() in (["None"], [])
    async with database.read() as connection:
        assert (await connection.execute(select(ACCESS_REQUESTS))).all() == []
