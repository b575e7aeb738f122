"""Counts are added up by the database as they would be by hand, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.store.activity import Counts, counts_since
from collector.store.database import Database
from collector.store.tables import ACTIVITY
from tests.collector.conftest import NOW

HOUR = NOW.replace(minute=0, second=0, microsecond=0)
DEVICES = {"": 3, "dev-1": 2, "dev-2": 1}  # of all together, and of each; how often each hour counts


def by_hand(first_ago: int, step: int, device: str) -> Counts:
    """Add up what `kept` holds from that many hours ago on."""
    found: Counts = {}
    for ago in range(first_ago, -1, -1):
        start = HOUR - timedelta(hours=first_ago - (first_ago - ago) // step * step)
        counts = found.setdefault(start, {})
        counts["blocked"] = counts.get("blocked", 0) + (ago + 1) * DEVICES[device]
        if ago % 2 == 0:
            counts["warned"] = counts.get("warned", 0) + DEVICES[device]
    return found


@pytest.fixture
async def kept(database: Database) -> Database:
    """Keep a hundred hours: in each as many blocks as it is hours ago and one more, in every second a warning."""
    rows = []
    for device, times in DEVICES.items():
        for ago in range(100):
            hour = {"hour": HOUR - timedelta(hours=ago), "device_id": device}
            rows.append({**hour, "measure": "blocked", "count": (ago + 1) * times})
            if ago % 2 == 0:
                rows.append({**hour, "measure": "warned", "count": times})
    async with database.write() as connection:
        await connection.execute(ACTIVITY.insert(), rows)
    return database


@pytest.mark.parametrize("step", [1, 6, 24])
@pytest.mark.parametrize("device", [None, "dev-2"])
async def test_hours_are_added_by_steps_from_the_first(kept: Database, step: int, device: str | None) -> None:
    first = HOUR - timedelta(hours=47)
    found = await kept.ask(lambda connection: counts_since(connection, first, step, device))
    assert found == by_hand(47, step, device or "")


async def test_an_hour_counts_where_it_begins_and_what_is_empty_is_missing(kept: Database) -> None:
    first = HOUR - timedelta(hours=1, minutes=20)
    found = await kept.ask(lambda connection: counts_since(connection, first, 24, "dev-1"))
    assert found == {first: {"blocked": 6, "warned": 2}}
    later = HOUR + timedelta(hours=1)
    assert await kept.ask(lambda connection: counts_since(connection, later)) == {}
    assert await kept.ask(lambda connection: counts_since(connection, first, device_id="nobody")) == {}
