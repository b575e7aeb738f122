"""Every incident id that a client saw is in the collector afterwards, whichever process was killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.support.gateway import RunningGateway, running_gateway, wait_for

pytestmark = pytest.mark.timeout(180)
_INCIDENT = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")


async def ask_on(gateway: RunningGateway, seen: set[str], worker: int) -> None:
    """Visit blocked sites one after another, each another name, and keep the ids that were shown."""
    for number in range(100_000):
        url = f"http://w{worker}-{number}.smartscreentestratings2.net/"
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            status, text = await gateway.get(url, headers={"Accept": "application/json"})
            if status == 403:
                seen.update(_INCIDENT.findall(text))
        await asyncio.sleep(0.002)


async def pids(gateway: RunningGateway) -> dict[str, int]:
    return {each["role"]: each["pid"] for each in (await gateway.call("status"))["workers"] if each["ready"]}


async def test_no_incident_is_lost(tmp_path: Path) -> None:
    seen: set[str] = set()
    async with running_gateway(tmp_path) as gateway:
        clients = [asyncio.create_task(ask_on(gateway, seen, worker)) for worker in range(3)]
        for role in ("inspector", "collector"):
            enough = len(seen) + 20
            await wait_for(lambda enough=enough: len(seen) >= enough, 40)
            await asyncio.sleep(random.uniform(0, 0.05))
            found = await pids(gateway)
            os.kill(found[role], signal.SIGKILL)

            async def back(role: str = role, dead: int = found[role]) -> bool:
                return (await pids(gateway)).get(role, dead) != dead

            await wait_for(back, 40)
        assert len(seen) >= 40
        gateway.process.kill()  # the supervisor itself, with events on their way
        for client in clients:
            client.cancel()
        await asyncio.wait(clients)
    async with running_gateway(tmp_path) as again:
        for incident in seen:
            await wait_for(lambda incident=incident: known(again, incident), 40)


async def known(gateway: RunningGateway, incident: str) -> bool:
    with contextlib.suppress(aiohttp.ClientResponseError):
        return incident in json.dumps(await gateway.api(f"/api/v1/incidents/{incident}"))
    return False
