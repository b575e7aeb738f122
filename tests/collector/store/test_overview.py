"""Rankings are sums of whole days; devices are told apart however many days and words they come under."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from collector.store.ingest import record
from collector.store.overview import hits_of, top_destinations, top_indicators
from indicators.event import Evidence
from indicators.observation import Device
from indicators.words import Action, Category
from tests.collector.conftest import NOW
from tests.support.events import TIME, repeat, verdict

DAYS_90 = timedelta(days=90)
TABLET = Device("dev-2", "tablet")
ONE, OTHER = "one.example", "other.example"


def by(indicator: str, source: str = "feed") -> dict[str, Any]:
    match = Evidence(indicator, "domain", Action.BLOCK, source, Category.PHISHING, indicator)
    return {"matches": (match,), "host": indicator}


async def test_what_was_met_most_and_by_how_many_devices(database):
    yesterday = TIME - timedelta(days=1)
    events = [
        verdict("a", **by(ONE)),
        verdict("b", time=yesterday, **by(ONE)),
        verdict("c", device=TABLET, time=yesterday, **by(ONE)),
        verdict("d", **by(OTHER, "custom")),
        verdict("old", time=TIME - timedelta(days=5), device=TABLET, **by(OTHER, "custom")),
        verdict("nameless", host="", addresses=(), matches=()),
        repeat("r", "a", 4),
        repeat("s", "old", 90),
    ]
    await record(database, events, NOW, DAYS_90)
    async with database.read() as connection:
        days = [date(2026, 11, 23), date(2026, 11, 22), date(2026, 11, 1)]
        found = [
            [(row["destination"], row["total"], row["devices"]) for row in await top_destinations(connection, day)]
            for day in days
        ]
        first = await top_destinations(connection, days[2], top=1)
        indicators = await top_indicators(connection, days[1])
    assert found == [
        [(ONE, 5, 1), (OTHER, 1, 1)],
        [(ONE, 7, 2), (OTHER, 1, 1)],
        [(OTHER, 92, 2), (ONE, 7, 2)],
    ]
    assert first == [{"destination": OTHER, "hidden": False, "total": 92, "devices": 2, "threat": "phishing"}]
    assert [(row["threat_name"], row["detection_source"], row["total"]) for row in indicators] == [
        (ONE, "ThirdPartySensors", 7),
        (OTHER, "CustomerTI", 1),
    ]


async def test_what_an_indicator_decided(database):
    await record(database, [verdict("a", **by(ONE)), verdict("b", device=TABLET, **by(ONE))], NOW, DAYS_90)
    async with database.read() as connection:
        found = await hits_of(connection, [ONE, OTHER])
    assert {name: (row["alerts"], row["total"], row["devices"], row["last"]) for name, row in found.items()} == {
        ONE: (2, 2, 2, TIME)
    }
