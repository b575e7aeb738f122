"""A real gateway and its collector: what is decided at the collector holds at the gateway, and opens again."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy import published_overlay
from proxy.endpoints import split
from proxy.secrets import load_or_create
from tests.support.front import echo
from tests.support.front import origin as raw_origin
from tests.support.gateway import RunningGateway, running_gateway, wait_for
from tests.support.origin import origin

pytestmark = pytest.mark.timeout(180)

CONFIG = """\
state_dir: {state}
proxy: {{host: 127.0.0.1, port: 0, socks_port: 0}}
dns:
  host: 127.0.0.1
  port: 0
  upstreams: [127.0.0.1:9]
  hosts: {{www.corp.test: 127.0.0.1, a.own.test: 127.0.0.1, free.test: 127.0.0.1}}
collector: {{host: 127.0.0.1, port: 0}}
corporate: {{hosts: [corp.test]}}
indicators: [{{block: own.test}}]
"""
BLOCK = {"indicatorType": "DomainName", "action": "Block", "title": "Ours", "description": "D"}


class Client:
    """One device with credentials of its own, and an administrator at the collector."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.login: dict[str, str] = {}

    async def enrol(self) -> str:
        made = await self.gateway.call("device_add", name="Anna's phone")
        both = f"{made['given']['user']}:{made['given']['password']}".encode()
        self.login = {"Proxy-Authorization": f"Basic {base64.b64encode(both).decode()}"}
        return str(made["device"]["id"])

    async def get(self, url: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http,
            http.get(url, proxy=self.gateway.proxy, headers=self.login) as answer,
        ):
            return answer.status, await answer.text()

    async def tunnel(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a tunnel to something that echoes, and leave it open."""
        reader, writer = await asyncio.open_connection(*split(self.gateway.endpoints["http_proxy"]))
        login = self.login["Proxy-Authorization"]
        writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: {login}\r\n\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    async def status(self, url: str) -> int:
        return (await self.get(url))[0]

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        token = load_or_create(self.gateway.state).admin_token
        url = self.gateway.endpoints["collector"] + path
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status != 204 else None


async def test_corporate_hosts_close_when_risk_rises_and_open_when_it_is_put_right(tmp_path: Path) -> None:
    async with (
        origin(tmp_path, "corp.test") as site,
        raw_origin(echo) as port,
        running_gateway(tmp_path, config=CONFIG) as gateway,
    ):
        client, corporate = Client(gateway), f"http://www.corp.test:{site.http_port}/"
        status, page = await client.get(corporate)
        assert (status, "not known here" in page, "seawall.internal" in page) == (403, True, True)
        assert site.requests == [], "an unknown device reaches nothing"

        device = await client.enrol()
        assert await wait_for(lambda: _is(client.status(corporate), 200))
        tunnel, _ = await client.tunnel("www.corp.test", port)
        free, writing = await client.tunnel("free.test", port)
        assert await client.status("http://eicar.seawall.internal/eicar.com") == 403
        assert await wait_for(lambda: _is(client.status(corporate), 403))
        _, page = await client.get(corporate)
        assert "must be put right" in page
        assert "Malware file blocked" in page or "EICAR" in page
        async with asyncio.timeout(20):
            assert await tunnel.read() == b"", "a tunnel that was open before is closed"
            writing.write(b"others go on")
            assert await free.readexactly(12) == b"others go on"

        risk = await client.ask("GET", f"/api/machines/{device}/risk")
        assert (risk["riskLevel"], len(risk["reasons"])) == ("medium", 1)
        alert = risk["reasons"][0]["alertId"]
        await client.ask("PATCH", f"/api/alerts/{alert}", {"status": "Resolved", "comment": "Removed"})
        began = time.monotonic()
        assert await wait_for(lambda: _is(client.status(corporate), 200))
        print(f"open again after {time.monotonic() - began:.2f} s")
        alerts = await client.ask("GET", "/api/alerts?$filter=status eq 'New'")
        assert alerts["value"] == [], "a refusal raises no alert, or risk would feed itself"


async def test_what_is_pushed_holds_through_a_restart_and_yields_to_our_own_blocks(tmp_path: Path) -> None:
    async with origin(tmp_path, "free.test") as site:
        free, own = (f"http://{name}:{site.http_port}/" for name in ("free.test", "a.own.test"))
        async with running_gateway(tmp_path, config=CONFIG) as gateway:
            client = Client(gateway)
            assert await client.status(free) == 200
            made = await client.ask("POST", "/api/indicators", {**BLOCK, "indicatorValue": "free.test"})
            assert await wait_for(lambda: _is(client.status(free), 403))
            _, page = await client.get(free)
            assert "Ours" in page
            allow = {**BLOCK, "indicatorValue": "a.own.test", "action": "Allowed"}
            await client.ask("POST", "/api/indicators", allow)
            await wait_for(lambda: _holds(gateway, "a.own.test"))
            assert await client.status(own) == 403, "a pushed allow yields to a block in our own YAML"
        async with running_gateway(tmp_path, "policy: {pushed_allows_override: true}\n", config=CONFIG) as gateway:
            client = Client(gateway)
            assert await client.status(free) == 403, "what was pushed holds before the collector is heard"
            assert await client.status(own) == 200, "unless the policy lets it"
            await client.ask("DELETE", f"/api/indicators/{made['id']}")
            assert await wait_for(lambda: _is(client.status(free), 200))


async def test_an_approved_request_lets_one_device_through_to_one_host(tmp_path: Path) -> None:
    async with origin(tmp_path, "free.test") as site, running_gateway(tmp_path, config=CONFIG) as gateway:
        client, free = Client(gateway), f"http://free.test:{site.http_port}/"
        device = await client.enrol()
        await client.ask("POST", "/api/indicators", {**BLOCK, "indicatorValue": "free.test"})
        assert await wait_for(lambda: _is(client.status(free), 403))
        token = load_or_create(gateway.state).gateway_token
        asked = {"id": "ar-1", "gateway": "gw", "device": {"id": device, "name": "Anna"}, "host": "free.test"}
        url = gateway.endpoints["collector"] + "/api/v1/access-requests"
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=asked) as answer:
            assert answer.status == 201
        await client.ask("POST", "/api/v1/access-requests/ar-1/approve", {"hours": 1})
        assert await wait_for(lambda: _is(client.status(free), 200))
        other = Client(gateway)
        assert await other.status(free) == 403, "nobody else is let through"
        await client.ask("POST", "/api/v1/access-requests/ar-1/deny", {})
        assert await wait_for(lambda: _is(client.status(free), 403))


async def test_an_app_that_pins_is_listed_in_the_console_and_cleared_there(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, config=CONFIG) as gateway:
        client = Client(gateway)
        for host in ("app.bank.test", "other.test"):
            await gateway.call("pin", device="d", host=host, ja4="t13d", name="Anna's phone")
        assert await wait_for(lambda: _listed(client, "app.bank.test", "other.test"))
        form = {"what": "one", "device": "d", "host": "app.bank.test", "ja4": "t13d"}
        await _clear(client, gateway=load_or_create(gateway.state).installation_id, **form)
        assert await wait_for(lambda: _pinned(gateway) == ["other.test"])
        assert await wait_for(lambda: _listed(client, "other.test"))
        await gateway.call("pin", device="d", host="app.bank.test", ja4="t13d")
        assert await wait_for(lambda: _listed(client, "app.bank.test", "other.test"))
        assert _pinned(gateway) == ["app.bank.test", "other.test"], "what is learnt anew stays"
        await _clear(client, what="all")
        assert await wait_for(lambda: _pinned(gateway) == [])
        assert await wait_for(lambda: _listed(client))
        log = await client.ask("GET", "/api/v1/audit?what=pin.clear")
        assert [entry["target"] for entry in log["value"]] == ["all", "app.bank.test"]


async def _page(client: Client, method: str, **form: str) -> str:
    headers = {"Authorization": f"Bearer {load_or_create(client.gateway.state).admin_token}"}
    url = client.gateway.endpoints["collector"] + "/system/pins"
    async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url, data=form or None) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def _clear(client: Client, **form: str) -> None:
    assert "Cleared." in await _page(client, "POST", **form)


async def _listed(client: Client, *hosts: str) -> bool:
    """Say whether the page shows these hosts and no other."""
    shown = re.findall(r'<th scope="row" class="host">([^<]+)<', await _page(client, "GET"))
    return sorted(shown) == sorted(hosts)


def _pinned(gateway: RunningGateway) -> list[str]:
    """Return the hosts of the overlay that is in force."""
    folder = gateway.state.overlay
    return sorted(pin.host for pin in published_overlay.read(folder, published_overlay.current_name(folder)).pins)


async def _is(status: Any, wanted: int) -> bool:
    return bool(await status == wanted)


async def _holds(gateway: RunningGateway, value: str) -> bool:
    """Say whether an indicator is in a generation that every worker holds."""
    folder = gateway.state.overlay
    overlay = published_overlay.read(folder, published_overlay.current_name(folder))
    workers = [each["generation"] for each in (await gateway.call("status"))["workers"]]
    held = all(generation >= overlay.generation for generation in workers if generation is not None)
    return held and any(one.value == value for one in overlay.indicators)
