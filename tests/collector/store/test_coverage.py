"""Coverage of devices: kept once each, one alert for each incident, resolved when the device is protected again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from collector.coverage import CoverageReport, DeviceCoverage
from collector.store.coverage import coverage_of, keep_coverage
from collector.store.ingest import record
from collector.store.tables import ALERTS, COMMENTS
from tests.collector.conftest import NOW
from tests.support.events import device_seen

WELL = DeviceCoverage("dev-phone", 95, True)
GONE = DeviceCoverage("dev-phone", 40, False, ("its tunnel has been silent for 13 hours",))


async def told(database, minutes: int, coverage: DeviceCoverage) -> tuple[str, ...]:
    return await keep_coverage(database, CoverageReport("gw", (coverage,)), NOW + timedelta(minutes=minutes))


async def alerts(database):
    async with database.read() as connection:
        rows = await connection.execute(select(ALERTS.c.status, ALERTS.c.title, ALERTS.c.count).order_by(ALERTS.c.seq))
        return [tuple(row) for row in rows]


TITLE = "This device is no longer protected"


async def test_one_alert_for_each_incident(database):
    await record(database, [device_seen("d")], NOW, timedelta(days=90))
    assert await told(database, 0, WELL) == ()
    assert len(await told(database, 1, GONE)) == 1
    assert await told(database, 2, GONE) == ()
    assert await told(database, 3, DeviceCoverage("dev-phone", 20, False)) == ()
    assert await alerts(database) == [("New", TITLE, 1)]
    assert await told(database, 4, WELL) == ()
    assert await told(database, 5, WELL) == ()
    assert await alerts(database) == [("Resolved", TITLE, 1)]
    assert len(await told(database, 6, GONE)) == 1
    assert await alerts(database) == [("Resolved", TITLE, 1), ("New", TITLE, 1)]
    async with database.read() as connection:
        comments = (await connection.execute(select(COMMENTS.c.comment))).scalars().all()
        row = await coverage_of(connection, "dev-phone")
    assert comments == ["The gateway sees it protected again."]
    assert (row["score"], row["protected"], row["incident"]) == (40, False, NOW + timedelta(minutes=6))
    assert row["body"]["reasons"] == ["its tunnel has been silent for 13 hours"]


async def test_a_device_that_never_was_protected_raises_nothing(database):
    await record(database, [device_seen("d")], NOW, timedelta(days=90))
    assert await told(database, 0, GONE) == ()
    assert await told(database, 1, GONE) == ()
    assert await told(database, 2, WELL) == ()
    assert await alerts(database) == []


async def test_a_device_that_is_not_known_here_is_left_out(database):
    assert await told(database, 0, WELL) == ()
    async with database.read() as connection:
        assert await coverage_of(connection, "dev-phone") is None


@pytest.mark.parametrize("reasons", [(), ("one", "two")])
async def test_the_alert_says_what_was_seen_and_that_it_is_a_sign(database, reasons):
    await record(database, [device_seen("d")], NOW, timedelta(days=90))
    await told(database, 0, WELL)
    await told(database, 1, DeviceCoverage("dev-phone", 10, False, reasons))
    async with database.read() as connection:
        said = (await connection.execute(select(ALERTS.c.description))).scalar()
    assert ("; ".join(reasons) or "no reason was told") in said
    assert "signs, not causes" in said
