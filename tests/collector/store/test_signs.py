"""Signs of a jailbreak: kept once, counted, shown on the device's page and in the API, and never an alert."""

from __future__ import annotations

from datetime import timedelta

from collector.store.risk import explained
from collector.store.signs import jailbreak_hints
from indicators.device_signs import Sign, SignKind
from indicators.words import Risk
from tests.collector.conftest import READ
from tests.collector.store.test_ingest import keep, rows
from tests.support.events import PHONE, TIME, device_seen

VISIT = (Sign(SignKind.JAILBREAK_CONNECTION, "Sileo", 2),)


async def test_signs_add_up_and_stay_hints(database):
    event = device_seen("d1", signs=VISIT)
    await keep(database, event, device_seen("d2", signs=VISIT, time=TIME - timedelta(days=1)))
    await keep(database, event, device_seen("d3", user_agent="Zebra/1.1.35 (iPhone)"))
    kept = {row["store"]: (row["kind"], row["count"]) for row in await rows(database, "jailbreak_signs")}
    assert kept == {"Sileo": ("jailbreak-connection", 4), "Zebra": ("jailbreak-agent", 1)}
    async with database.read() as connection:
        hints = await jailbreak_hints(connection, PHONE.id)
        assert [(hint.store, hint.confidence.name) for hint in hints] == [("Zebra", "HIGH"), ("Sileo", "MEDIUM")]
        assert (await explained(connection, PHONE.id)).level is Risk.NONE
    assert await rows(database, "alerts") == []


async def test_hints_are_in_the_api_and_on_the_page(running):
    await running.deliver(device_seen("d1", signs=(*VISIT, Sign(SignKind.JAILBREAK_NAME, "Cydia"))))
    _, machine, _ = await running.ask("GET", f"/api/machines/{PHONE.id}")
    (hint,) = machine["jailbreakHints"]
    assert (hint["store"], hint["confidence"]) == ("Sileo", "low")
    _, page, _ = await running.ask("GET", f"/devices/{PHONE.id}", READ)
    assert "Hints, not findings" in page
    assert "No posture report" in page
