"""From the button on a block page, through a real gateway and collector, to the approval that opens the site."""

from __future__ import annotations

import asyncio
import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from proxy.secrets import load_or_create
from tests.support.gateway import RunningGateway, running_gateway, wait_for

NAVIGATION = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def _site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nthe site")
    writer.close()


async def _admin(gateway: RunningGateway, path: str, body: object | None = None) -> Any:
    token = load_or_create(gateway.state).admin_token
    url = gateway.endpoints["collector"] + path
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.request("GET" if body is None else "POST", url, json=body) as answer,
    ):
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def test_a_person_asks_and_what_is_approved_opens(tmp_path: Path) -> None:
    server = await asyncio.start_server(_site, "127.0.0.1", 0)
    url = f"http://evil.test:{server.sockets[0].getsockname()[1]}/"
    async with (
        server,
        running_gateway(
            tmp_path, "indicators: [{block: evil.test}]\npolicy: {pushed_allows_override: true}\n"
        ) as gateway,
    ):
        status, page = await gateway.get(url)
        assert status == 403
        found = re.search(r'action="/.seawall/ask">.*?name="token" value="([^"]+)"', page, re.DOTALL)
        assert found
        form = urlencode({"token": html.unescape(found[1]), "note": "for work"}).encode()
        headers = {**NAVIGATION, "Content-Type": "application/x-www-form-urlencoded"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(url + ".seawall/ask", proxy=gateway.proxy, data=form) as answer,
        ):
            assert "Your request was handed in" in await answer.text(), answer.status
        listed = await _admin(gateway, "/api/v1/access-requests?status=pending")
        [asked] = listed["value"]
        assert (asked["host"], asked["note"]) == ("evil.test", "for work")
        await _admin(gateway, f"/api/v1/access-requests/{asked['id']}/approve", {"hours": 1})

        async def opens() -> bool:
            return await gateway.get(url) == (200, "the site")

        assert await wait_for(opens, 30)
