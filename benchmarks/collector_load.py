"""The load for the collector: batches of events as gateways send them, and a reader who opens all pages of the console.

`python -m benchmarks.collector_load URL SECONDS BEGIN` prints one JSON object: events a second, and for each page
its median answer in milliseconds; `most` is how many were taken while nobody read and batches always waited. BEGIN
keeps ids apart between runs. Batches are made before the time begins: in life other machines make them.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import median
from typing import Any

import aiohttp

GATEWAY, READ, ADMIN = "gateway-token-0123", "reading-token-0123", "administrators-0123"
BATCH = 2000
OFFERED = 5500.0  # events a second, while pages are read
GATEWAYS = 2  # that deliver at the same time, each one batch after another
PAUSE = 0.5  # seconds between an answer and the next page: one person who is in a hurry
_ALONE = 0.25  # of the time nobody reads
_FASTEST = 9000.0  # events a second: more are not made for the time in which nobody reads
_DEVICES, _HOSTS = 300, 400
OLDEST = 5000  # events ago: how far back a repeat's incident lies at most
_MINUTE = 60  # seconds
PAGES = (
    "/", "/?span=30d", "/alerts", "/alerts?show=all", "/alerts?show=all&q=h399.example", "/devices", "/devices/dev-7",
    "/devices/dev-7?span=30d", "/indicators", "/indicators/hits?value=h7.example", "/requests", "/system", "/audit",
    "/access", "/api/alerts?$top=50", "/api/machines?$top=50",
)  # fmt: skip


def events(begin: int, spread: int) -> Iterator[dict[str, Any]]:
    """Yield events for ever: half verdicts, the rest repeats of them, over the last `spread` seconds."""
    chance, number, now = random.Random(begin), begin, datetime.now(UTC)
    while True:
        number += 1
        verdict = number % 2 or number < begin + 10
        when = now - timedelta(seconds=chance.randrange(spread))
        yield _event(chance, number, when) if verdict else _repeat(chance, begin, number, when)


def batches(begin: int) -> Iterator[bytes]:
    """Yield gzipped batches for ever, of the last minute."""
    made = events(begin, _MINUTE)
    while True:
        yield gzip.compress(json.dumps({"events": list(islice(made, BATCH))}).encode(), 1)


def _common(chance: random.Random, number: int, when: datetime) -> dict[str, Any]:
    device = chance.randrange(_DEVICES)
    return {
        "v": 1, "id": f"e{number}", "time": when.isoformat(timespec="milliseconds"), "gateway": "bench",
        "device": {"id": f"dev-{device}", "name": f"Device {device}", "identified_by": "wireguard"},
    }  # fmt: skip


def _event(chance: random.Random, number: int, when: datetime) -> dict[str, Any]:
    host = f"h{chance.randrange(_HOSTS)}.example"
    match = {"indicator": host, "type": "domain", "action": "block", "source": "bench", "category": "phishing"}
    return _common(chance, number, when) | {
        "kind": "verdict", "incident": f"e{number}", "stage": "http", "action": "block", "enforcement": "page",
        "alert": True, "reason": "listed by bench", "category": "phishing", "severity": "informational",
        "host": host, "url": f"https://{host}/a/{number}", "port": 443, "matches": [match],
        "user_agent": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
    }  # fmt: skip


def _repeat(chance: random.Random, begin: int, number: int, when: datetime) -> dict[str, Any]:
    incident = max(begin + 1, number - chance.randrange(1, OLDEST)) | 1
    return _common(chance, number, when) | {
        "kind": "repeat",
        "incident": f"e{incident}",
        "count": chance.randrange(1, 9),
    }


class Load:
    """Send and read until the time is over, or nothing is left to send."""

    def __init__(self, url: str, begin: int, number: int) -> None:
        self._url = url
        self._batches = iter(list(islice(batches(begin), number)))
        self.accepted = 0

    async def send(self, http: aiohttp.ClientSession, until: float, pace: float = math.inf) -> float:
        """Deliver from all gateways, at most `pace` events a second together; return how many were taken a second."""
        began, before = time.monotonic(), self.accepted
        async with asyncio.TaskGroup() as tasks:
            for _ in range(GATEWAYS):
                tasks.create_task(self._deliver(http, until, pace / GATEWAYS))
        return (self.accepted - before) / (time.monotonic() - began)

    async def _deliver(self, http: aiohttp.ClientSession, until: float, pace: float) -> None:
        """Deliver one batch after another; one that is told to wait is sent again."""
        headers = {"Authorization": f"Bearer {GATEWAY}", "Content-Type": "application/json", "Content-Encoding": "gzip"}
        began, sent = time.monotonic(), 0
        while time.monotonic() < until and (body := next(self._batches, None)):
            await asyncio.sleep(max(0.0, began + sent / pace - time.monotonic()))
            sent += BATCH
            while True:
                async with http.post(f"{self._url}/api/v1/events", data=body, headers=headers) as answer:
                    told = await answer.json()
                if answer.status == 200:
                    self.accepted += told["accepted"]
                    break
                await asyncio.sleep(0.2)

    async def read(self, http: aiohttp.ClientSession, until: float, taken: dict[str, list[float]]) -> None:
        """Open page after page, one at a time, as somebody does who works with the console."""
        headers = {"Authorization": f"Bearer {ADMIN}"}
        while time.monotonic() < until or not all(taken.values()):
            for page in PAGES:
                began = time.perf_counter()
                async with http.get(self._url + page, headers=headers) as answer:
                    await answer.read()
                    assert answer.status == 200, (page, answer.status)
                taken[page].append(1000 * (time.perf_counter() - began))
                await asyncio.sleep(PAUSE)


async def main(url: str, seconds: float, begin: int) -> None:
    """Send as much as is taken for a part of the time; then what is offered, while pages are read."""
    alone = seconds * _ALONE
    load = Load(url, begin, math.ceil((alone * _FASTEST + (seconds - alone) * OFFERED) / BATCH) + GATEWAYS)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as http:
        most, began = await load.send(http, time.monotonic() + alone), time.monotonic()
        taken: dict[str, list[float]] = {page: [] for page in PAGES}
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(load.send(http, began + seconds - alone, pace=OFFERED))
            tasks.create_task(load.read(http, began + seconds - alone, taken))
    pages = {page: median(values) for page, values in taken.items()}
    print(json.dumps({"most": most, "rate": sending.result(), "pages": pages}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
