"""Where lookups and connections go while an inspector runs: to judged addresses, never to a second lookup."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import pytest

from addons.judged_addresses import JudgedAddresses, pin
from tests.addons.conftest import Start
from tests.support.browsing import fetch
from tests.support.deaf import deaf
from tests.support.inspecting import Led, Resolver


@asynccontextmanager
async def judged(resolver: Resolver, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Run the addon beside a server; give its port."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), host, port)
    addon = JudgedAddresses(resolver)
    addon.running()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        addon.done()
        server.close()


async def reached(host: str, port: int, *pinned: str) -> str:
    """Connect as mitmproxy does, in a task of its own with these addresses pinned; return where it led."""

    async def connect() -> str:
        if pinned:
            pin(host, map(ip_address, pinned))
        _, writer = await asyncio.open_connection(host, port, local_addr=None)
        writer.close()
        return str(writer.get_extra_info("peername")[0])

    async with asyncio.timeout(20):
        return await asyncio.create_task(connect())


@pytest.mark.parametrize(
    ("host", "pinned", "asked"),
    [
        ("good.test", ("127.0.0.1",), []),
        ("good.test", ("127.0.0.2", "127.0.0.1"), []),  # the first refuses
        ("good.test", (), ["good.test"]),
        ("127.0.0.1", (), []),
        ("127.0.0.9", ("127.0.0.1",), []),  # an address, too, leads where it was judged to lead
    ],
)
async def test_a_connection_goes_to_what_was_judged(host: str, pinned: tuple[str, ...], asked: list[str]) -> None:
    resolver = Resolver({"good.test": Led((ip_address("127.0.0.1"),))})
    async with judged(resolver) as port:
        assert await reached(host, port, *pinned) == "127.0.0.1"
    assert resolver.asked == asked


async def test_a_name_that_leads_nowhere_is_not_looked_up_elsewhere() -> None:
    resolver = Resolver({})
    async with judged(resolver) as port:
        with pytest.raises(OSError, match="no judged address"):
            await reached("localhost", port)
    assert resolver.asked == ["localhost"]


async def test_beside_a_silent_address_the_next_is_tried() -> None:
    with deaf("127.0.0.2") as silent:
        async with judged(Resolver({}), port=silent) as port:
            assert await reached("good.test", port, "127.0.0.2", "127.0.0.1") == "127.0.0.1"


async def test_lookups_of_the_loop_go_to_pinned_addresses_else_to_our_resolver() -> None:
    resolver = Resolver({"good.test": Led((ip_address("2001:db8::1"), ip_address("192.0.2.1")))})
    loop = asyncio.get_running_loop()
    addon = JudgedAddresses(resolver)
    addon.running()
    addon.running()
    try:
        infos = await loop.getaddrinfo("good.test", 80)
        assert [info[4][0] for info in infos] == ["192.0.2.1", "2001:db8::1"]
        assert await loop.getaddrinfo("127.0.0.1", 80, type=1)
        assert resolver.asked == ["good.test"]
        with pytest.raises(OSError, match="no judged address"):
            await loop.getaddrinfo("other.test", 80)

        async def pinned() -> list[Any]:
            pin("good.test", [ip_address("192.0.2.9")])
            return list(await loop.getaddrinfo("good.test", 443, family=2))

        assert [info[4] for info in await asyncio.create_task(pinned())] == [("192.0.2.9", 443)]
        assert len(await loop.getaddrinfo("good.test", 80)) == 2  # a pin holds for its own task only
    finally:
        addon.done()
        addon.done()
    assert (await loop.getaddrinfo("localhost", 80)) != []


async def test_a_name_with_several_addresses_is_reached_by_the_one_that_answers(start: Start) -> None:
    gateway, site = await start()
    gateway.resolver.known["good.test"] = Led((ip_address("::1"), ip_address("127.0.0.1")))
    assert (await fetch(f"http://good.test:{site.http_port}/", http=gateway.http)).status == 200
