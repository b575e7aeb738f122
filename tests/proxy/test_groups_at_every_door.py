"""A group's schedule in a real gateway: at DNS, at the front, in the inspector; whoever is not in it is let alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dnslib import DNSRecord

from proxy.endpoints import split
from tests.support.gateway import CONFIG, RunningGateway, running_gateway, wait_for

pytestmark = pytest.mark.timeout(180)
NOT_NOW = """
groups:
  children:
    members: [{networks: [127.0.0.0/8]}]
    schedules:
      - name: homework
        time_zone: UTC
        slots: [{start: "00:00", end: "24:00"}]
        everything: true
        allow: [benign.test]
  guests:
    members: [{networks: [127.0.0.1]}]
"""


async def resolved(gateway: RunningGateway, name: str) -> str:
    host, port = split(gateway.endpoints["dns"])
    answer = DNSRecord.parse(await asyncio.to_thread(DNSRecord.question(name).send, host, port, timeout=10))
    return str(answer.rr[0].rdata) if answer.rr else ""


async def test_everything_but_an_allow_list(tmp_path: Path) -> None:
    more = CONFIG.replace("evil.test: 127.0.0.1", "evil.test: 127.0.0.1, other.test: 127.0.0.1")
    async with running_gateway(tmp_path, NOT_NOW, config=more) as gateway:
        assert await resolved(gateway, "benign.test") == "127.0.0.1"
        assert await resolved(gateway, "other.test") == "0.0.0.0"
        for url in ("https://other.test/", "http://other.test/", "https://192.0.2.77/"):
            status, page = await gateway.get(url)
            assert (status, "the schedule homework of group children" in page) == (403, True), page
        status, page = await gateway.get("http://seawall.internal/")
        assert status == 200

        async def group() -> str:
            machines = (await gateway.api("/api/machines"))["value"]
            return str(machines[0]["rbacGroupName"]) if machines else ""

        assert await wait_for(group) == "children"
