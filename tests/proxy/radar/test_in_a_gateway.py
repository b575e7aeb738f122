"""The radar in a whole gateway: a question and a connection are signs, told to the collector and the command line."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from dnslib import DNSRecord

from proxy.endpoints import split
from tests.support.browsing import line
from tests.support.gateway import CONFIG, running_gateway, wait_for

pytestmark = pytest.mark.timeout(180)


async def test_a_name_of_another_vpn_is_told(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, config=CONFIG) as gateway:
        host, port = split(gateway.endpoints["dns"])
        await asyncio.to_thread(DNSRecord.question("api.mullvad.net").send, host, port, timeout=10)

        async def signs() -> dict[str, Any]:
            found = (await gateway.call("coverage"))["coverage"]
            return dict(found[0]) if found and found[0]["signs"] else {}

        seen = await wait_for(signs, 60)
        assert seen["signs"] == {"other_vpns": 1}
        assert (seen["score"], seen["protected"]) == (25, False)  # and names alone are asked here

        async def told() -> dict[str, Any]:
            machines = (await gateway.api("/api/machines"))["value"]
            if not machines:
                return {}
            try:
                return dict(await gateway.api(f"/api/machines/{machines[0]['id']}/coverage"))
            except aiohttp.ClientResponseError:  # not told yet
                return {}

        shown = await wait_for(told, 60)
        assert (shown["score"], shown["signs"]) == (25, {"other_vpns": 1})
    assert "Traceback" not in gateway.log.read_text()


async def test_what_only_an_inspector_reads_is_told_too(tmp_path: Path) -> None:
    """The host is blocked, so that its connection is handed over before the front has read the ClientHello."""
    async with running_gateway(tmp_path, "indicators: [{block: evil.test}]\n", config=CONFIG) as gateway:
        port = split(gateway.endpoints["http_proxy"])[1]
        with contextlib.suppress(OSError, ssl.SSLError):
            async with line(
                "https://evil.test/", http=port, trust=Path(gateway.endpoints["ca"]), sni="us1.nordvpn.com"
            ) as opened:
                await opened.ask("/")

        async def signs() -> dict[str, Any]:
            """Answer when both processes have told: the front counts connections, the inspector reads the name."""
            found = (await gateway.call("coverage"))["coverage"]
            seen = dict(found[0]["signs"]) if found else {}
            return seen if seen.keys() >= {"connections", "other_vpns"} else {}

        assert await wait_for(signs, 60) == {"connections": 1, "name_mismatches": 1, "other_vpns": 1}
    assert "Traceback" not in gateway.log.read_text()
