"""Inside a tunnel names are those of the tunnel's resolver, and what is fetched goes to the addresses that it gives."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web

from proxy.pilot import ways
from proxy.pilot.clients import AsDevice, Endpoints, PilotError
from proxy.pilot.ways import ByProxy, ByTunnel, way_of
from tests.proxy.pilot.test_clients import _endpoints
from tests.proxy.profiles.test_wireguard import PROFILE
from tests.support.upstream import FakeUpstream

DEVICE = AsDevice("d1", "phone", "token", "user", "password")


@pytest.fixture
def endpoints(tmp_path: Path) -> Endpoints:
    return _endpoints(tmp_path)


async def test_names_are_asked_of_the_tunnels_resolver_and_counted(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def says(request: web.Request) -> web.Response:
        return web.Response(status=403, text=f"{request.host} {request.headers['User-Agent']}")

    app = web.Application()
    app.router.add_get("/", says)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with FakeUpstream() as names:
            names.add("site.test 60 A 127.0.0.1")
            monkeypatch.setattr(ways, "_DNS_PORT", names.port)
            way = ByTunnel(endpoints, "agent/1", replace(PROFILE, dns=(ip_address("127.0.0.1"),)))
            for _ in range(2):
                reply = await way.get(f"http://site.test:{port}/")
                assert (reply.status, reply.body) == (403, f"site.test:{port} agent/1")
            assert (await way.ask("site.test")).addresses == ("127.0.0.1",)
            assert way.looked_up == ["site.test"] * 2, "each look-up of a fetch is an event; `ask` is counted elsewhere"
            with pytest.raises(PilotError, match=r"no\.test has no address here"):
                await way.get("http://no.test/")
    finally:
        await runner.cleanup()


def test_a_device_with_a_tunnel_comes_through_it(endpoints: Endpoints) -> None:
    way = way_of(endpoints, "agent/1", replace(DEVICE, tunnel=PROFILE))
    assert (way.words, way.page, way.by_device) == ("the tunnel", tuple(map(str, PROFILE.gateway)), True)
    for device, words in ((None, "the proxy"), (DEVICE, "proxy credentials; dns.https_port is not set, so no token")):
        other = way_of(endpoints, "agent/1", device)
        assert isinstance(other, ByProxy)
        assert (other.words, other.page, other.by_device) == (words, (), False)
