"""The front within a whole gateway: two inspectors that are killed, SOCKS4a, and a block that ends a tunnel."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from proxy.endpoints import split
from tests.proxy.front.test_client_hello import real_hello
from tests.support.front import echo, origin
from tests.support.gateway import CONFIG, RunningGateway, running_gateway, wait_for

pytestmark = pytest.mark.timeout(180)
MORE = "policy: {on_error: closed}\n"
BLOCKED = "https://smartscreentestratings2.net/"


async def opened(gateway: RunningGateway, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a spliced tunnel to an origin by SOCKS4a."""
    reader, writer = await asyncio.open_connection(*split(gateway.endpoints["socks"]))
    writer.write(b"\x04\x01" + port.to_bytes(2) + b"\0\0\0\1me\0benign.test\0")
    assert (await reader.readexactly(8))[1] == 0x5A
    hello = real_hello("benign.test")
    writer.write(hello)
    assert await reader.readexactly(len(hello)) == hello
    return reader, writer


async def is_blocked_again(gateway: RunningGateway) -> bool:
    """Say whether the page is shown; until an inspector is back, CONNECT is answered with 503 and never with 200."""
    try:
        return (await gateway.get(BLOCKED))[0] == 403
    except aiohttp.ClientHttpProxyError as refused:
        assert refused.status == 503
        return False


async def test_two_inspectors_and_a_front(tmp_path: Path) -> None:
    two = CONFIG.replace("socks_port: 0", "socks_port: 0, inspectors: 2")
    async with running_gateway(tmp_path, MORE, config=two) as gateway, origin(echo) as port:
        workers = {worker["role"]: worker for worker in (await gateway.call("status"))["workers"]}
        assert {"front", "inspector", "inspector-2"} <= workers.keys()
        assert (await gateway.get(BLOCKED))[0] == 403
        reader, writer = await opened(gateway, port)
        for name in ("inspector", "inspector-2"):
            os.kill(workers[name]["pid"], signal.SIGKILL)
        writer.write(b"untouched")
        assert await reader.readexactly(9) == b"untouched"
        await wait_for(lambda: is_blocked_again(gateway), 40)
        await gateway.call("add_indicator", entry={"block": "benign.test"})
        async with asyncio.timeout(10):
            assert await reader.read() == b"", "a tunnel that is blocked now is ended"
        writer.close()

        async def counted() -> bool:
            return bool((await gateway.call("status"))["decryption"]["opened"])

        await wait_for(counted)
    assert "Traceback" not in gateway.log.read_text()


@pytest.mark.parametrize("on_error", ["closed", "open"])
async def test_an_inspector_that_stands_still_is_noticed_and_the_policy_decides_until_it_goes_on(
    tmp_path: Path, on_error: str
) -> None:
    more = f"policy: {{on_error: {on_error}}}\ninspect: [benign.test]\ninspect_untrusted: true\n"
    async with running_gateway(tmp_path, more) as gateway, origin(echo) as port:
        workers = {worker["role"]: worker["pid"] for worker in (await gateway.call("status"))["workers"]}
        assert (await gateway.get(BLOCKED))[0] == 403
        os.kill(workers["inspector"], signal.SIGSTOP)
        try:
            async with asyncio.timeout(60):
                assert await decided(gateway, port) is (on_error == "open")
                assert await decided(gateway, port) is (on_error == "open"), "and so for who comes when it is known"
                assert not await is_blocked_again(gateway), "what is blocked passes in neither case"
        finally:
            os.kill(workers["inspector"], signal.SIGCONT)
        await wait_for(lambda: is_blocked_again(gateway), 40)
        after = {worker["role"]: worker["pid"] for worker in (await gateway.call("status"))["workers"]}
        assert after["inspector"] == workers["inspector"], "it has answered again, and was not started anew"
        assert "an inspector answers again" in gateway.log.read_text()


async def decided(gateway: RunningGateway, port: int) -> bool:
    """Say whether a connection that is to be opened passes; one that does not is answered and ends."""
    reader, writer = await asyncio.open_connection(*split(gateway.endpoints["http_proxy"]))
    writer.write(b"CONNECT benign.test:%d HTTP/1.1\r\nHost: benign.test\r\n\r\n" % port)
    answer = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in answer:
        assert answer.startswith(b"HTTP/1.1 503 ")
        await reader.read()
        writer.close()
        return False
    hello = real_hello("benign.test")
    writer.write(hello)
    assert await reader.readexactly(len(hello)) == hello
    writer.close()
    return True
