"""SIGKILL at any moment: every event that was acknowledged is stored exactly once, and counted exactly once."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from collections import Counter
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from indicators.event import VerdictEvent
from indicators.event_wire import to_json
from tests.support.events import repeat, verdict

ROOT = Path(__file__).resolve().parents[2]
TOKEN = {"Authorization": "Bearer gateway-token-0123"}


@asynccontextmanager
async def collector(database: str):
    """Run the real service in a child and give its address and process."""
    command = [sys.executable, "-m", "tests.collector.serve", database, "0"]
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert child.stdout
    try:
        async with asyncio.timeout(30):
            url = (await child.stdout.readline()).decode().strip()
        assert url.startswith("http://")
        yield url, child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@dataclass
class Gateway:
    """Deliver batches as a gateway does: again and again, until they are acknowledged."""

    chance: random.Random
    spool: list[VerdictEvent] = field(default_factory=list)
    acknowledged: list[VerdictEvent] = field(default_factory=list)
    made: int = 0

    def make(self, number: int) -> None:
        for _ in range(number):
            self.made += 1
            if self.chance.random() < 0.5 or self.made < 3:
                self.spool.append(verdict(f"v{self.made}", host=f"h{self.made % 7}.example"))
            else:
                incident = f"v{self.chance.randrange(1, self.made)}"
                self.spool.append(repeat(f"r{self.made}", incident, count=self.chance.randrange(1, 5)))

    async def deliver(self, http: aiohttp.ClientSession, url: str) -> None:
        while True:
            self.make(self.chance.randrange(1, 60))
            batch = self.spool[: self.chance.randrange(1, 200)]
            body = {"events": [to_json(event) for event in batch]}
            async with http.post(f"{url}/api/v1/events", json=body, headers=TOKEN) as answer:
                told = await answer.json()
            assert told["accepted"] + told["duplicates"] == len(batch)
            self.acknowledged += batch
            self.spool = self.spool[len(batch) :]


async def kill_often(database: str, kills: int) -> Gateway:
    gateway = Gateway(random.Random(kills))
    for _ in range(kills):
        async with collector(database) as (url, child), aiohttp.ClientSession() as http:
            delivering = asyncio.create_task(gateway.deliver(http, url))
            await asyncio.wait([delivering], timeout=gateway.chance.uniform(0.05, 0.6))
            child.kill()
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await delivering
    return gateway


def check(database: str, gateway: Gateway) -> None:
    """Compare what is stored with what was acknowledged; events in flight may or may not be there."""
    with closing(sqlite3.connect(database)) as stored:
        assert stored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        counts = dict(stored.execute("SELECT id, count FROM events").fetchall())
        receipts = {row[0] for row in stored.execute("SELECT id FROM receipts").fetchall()}
        alerts = stored.execute("SELECT sum(count) FROM alerts").fetchone()[0]
    everything = gateway.acknowledged + gateway.spool
    kept = {event.id: event for event in everything if event.id in counts.keys() | receipts}
    assert {event.id for event in gateway.acknowledged} <= kept.keys()
    expected: Counter[str] = Counter()
    for event in kept.values():
        if event.incident in counts:
            expected[event.incident] += event.count
    assert counts == expected
    assert alerts == sum(expected.values())


async def test_acknowledged_events_survive_sigkill(tmp_path):
    database = f"{tmp_path}/collector.sqlite"
    gateway = await kill_often(f"sqlite:///{database}", 3)
    assert gateway.acknowledged
    check(database, gateway)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_acknowledged_events_survive_many_sigkills(tmp_path):
    database = f"{tmp_path}/collector.sqlite"
    gateway = await kill_often(f"sqlite:///{database}", 50)
    assert len(gateway.acknowledged) > 500
    check(database, gateway)
