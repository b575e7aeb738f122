"""The fleet's exposure is looked at while the collector runs, and again after the database was away."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from collector import exposure_watch
from collector.service import CollectorService
from collector.store.database import StoreUnavailableError
from tests.collector.conftest import Running
from tests.support.events import device_seen


async def test_a_running_collector_follows_the_exposure_and_outlives_its_database(
    collector_settings, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposure_watch, "_PAUSE", 0.05)
    real, asked = exposure_watch.look, []

    async def look(parts) -> None:
        asked.append(len(asked))
        if len(asked) == 1:
            raise StoreUnavailableError("away")
        await real(parts)

    monkeypatch.setattr(exposure_watch, "look", look)
    settings = replace(collector_settings, exposure_raises_risk=True)
    async with CollectorService(settings, clock) as service, aiohttp.ClientSession() as http:
        running = Running(service, http, clock)
        await running.deliver(device_seen("d", user_agent="itunesstored/1.0 iOS/18.6 model/iPhone14,2"))
        async with asyncio.timeout(60):
            while not (found := (await running.ask("GET", "/api/alerts"))[1]["value"]):
                await asyncio.sleep(0.05)
    assert found[0]["title"].startswith("Runs iOS 18.6")
    assert found[0]["severity"] == "Medium"
