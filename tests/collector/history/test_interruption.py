"""A look into history that is cut short, by an end or by SIGKILL, is taken up again and counts nothing twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from sqlalchemy import func, select

from collector.history.look_back import look_back
from collector.indicator_form import read_submission
from collector.store.database import Database
from collector.store.indicators import By, submit_all
from collector.store.people_tables import LOOK_BACKS
from collector.store.tables import ALERTS
from tests.collector.history.test_history import KEY, keep, passed
from tests.collector.test_durability import collector

HOSTS = 30
MET = 5  # times by each of two devices


async def prepared(database: Database, now: datetime, noise: int) -> None:
    """Keep what two devices met of each host, and much that nobody asks for; then set an indicator for each host."""
    met = [
        passed(f"v{device}-{host}-{time}", f"h{host}.example", device, time=now)
        for device in ("dev-a", "dev-b")
        for host in range(HOSTS)
        for time in range(MET)
    ]
    rest = [passed(f"n{number}", f"n{number}.example", time=now) for number in range(noise)]
    for start in range(0, len(rest), 5000):
        await keep(database, *rest[start : start + 5000])
    await keep(database, *met)
    values = [f"h{host}.example" for host in range(HOSTS)]
    forms = [{"indicatorValue": value, "indicatorType": "DomainName"} for value in values]
    # An address can be met anywhere, so that every event is looked at.
    forms.append({"indicatorValue": "203.0.113.9", "indicatorType": "IpAddress"})
    words = {"action": "Block", "title": "bad", "description": "bad", "generateAlert": True}
    await submit_all(database, [read_submission(form | words, now) for form in forms], By("mira"), now)


async def noted(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(LOOK_BACKS))).scalar_one())


async def check_whole(database: Database) -> None:
    """Each indicator was looked back for, and every device has one alert for each host, counted once."""
    assert await noted(database) == HOSTS + 1
    columns = (ALERTS.c.device_id, ALERTS.c.destination, ALERTS.c.count)
    async with database.read() as connection:
        found = sorted(tuple(row) for row in await connection.execute(select(*columns)))
    assert found == sorted((f"dev-{x}", f"h{host}.example", MET) for x in "ab" for host in range(HOSTS))


async def test_what_was_cut_short_goes_on_where_it_was(database):
    now = datetime.now(UTC)
    await prepared(database, now, 10)
    looking = asyncio.create_task(look_back(database, KEY, now))
    async with asyncio.timeout(60):
        while not (done := await noted(database)):
            assert not looking.done()
    looking.cancel()
    await asyncio.wait({looking})
    assert 0 < done < HOSTS
    await look_back(database, KEY, now)
    await check_whole(database)
    assert await look_back(database, KEY, now) == 0


async def test_a_collector_killed_while_it_looks_back_does_so_after_its_next_start(tmp_path):
    url = f"sqlite:///{tmp_path}/collector.sqlite"
    database = Database(url)
    await database.open()
    try:
        await prepared(database, datetime.now(UTC), 6000)
        for _ in range(2):
            async with collector(url) as (_, child):
                child.kill()
                await child.wait()
            assert await noted(database) == 0  # it had begun, and had found nothing yet
        async with collector(url), asyncio.timeout(120):
            while await noted(database) <= HOSTS:
                await asyncio.sleep(0.05)
        await check_whole(database)
    finally:
        await database.close()
