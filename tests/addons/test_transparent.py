"""Redirected traffic: only an address is asked for, the name comes with the first bytes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import h11
import pytest
from mitmproxy import platform

from indicators.indicator import Indicator
from indicators.words import Action, Enforcement, IndicatorType
from proxy.inspector.engine import Listener
from tests.addons.conftest import Start
from tests.support.browsing import Line
from tests.support.inspecting import inspecting
from tests.support.origin import GREETING, origin
from tests.support.sights import FEED, indicator

EVIL = indicator("evil.test")
BAD_ADDRESS = Indicator("127.0.0.1", IndicatorType.IP, Action.BLOCK, FEED)


@pytest.fixture
async def redirected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start an inspector whose clients were redirected to it on their way to a port of the origin."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(*indicators: Indicator, port: str = "https_port"):  # type: ignore[no-untyped-def]
            site = await stack.enter_async_context(origin(tmp_path, "good.test"))
            monkeypatch.setattr(platform, "original_addr", lambda _: ("127.0.0.1", getattr(site, port)))
            monkeypatch.setattr(platform, "init_transparent_mode", lambda: None)
            listener = [Listener("transparent", "transparent", "127.0.0.1", 0)]
            gateway = await stack.enter_async_context(
                inspecting(tmp_path, *indicators, upstream=site.certificate, listeners=listener)
            )
            return gateway, site

        yield begin


@contextlib.asynccontextmanager
async def reach(port: int, trust: Path | None = None, name: str = "good.test") -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if trust:
            async with asyncio.timeout(10):
                await writer.start_tls(ssl.create_default_context(cafile=trust), server_hostname=name)
        yield Line(reader, writer, "https" if trust else "http", name, 443, conn=h11.Connection(h11.CLIENT))
    finally:
        writer.close()


async def test_a_benign_name_is_spliced(redirected: Start) -> None:
    gateway, site = await redirected(EVIL)
    async with reach(gateway.http, site.certificate) as opened:
        assert opened.certificate == site.der
        assert (await opened.ask("/x")).status == 200
    assert gateway.resolver.asked == []
    assert gateway.policy.seen[0].device.listener == "transparent"


async def test_a_blocked_name_gets_a_page_and_then_an_alert_when_that_is_refused(redirected: Start) -> None:
    gateway, site = await redirected(EVIL)
    async with reach(gateway.http, gateway.ca, "evil.test") as opened:
        assert (await opened.ask("/x")).status == 403
    with pytest.raises(ssl.SSLCertVerificationError):
        async with reach(gateway.http, site.certificate, "evil.test"):
            pass
    async with asyncio.timeout(20):
        while len(gateway.reports.events) < 2:
            await asyncio.sleep(0.01)
    gateway.policy.trusted.clear()
    with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
        async with reach(gateway.http, gateway.ca, "evil.test"):
            pass
    assert site.requests == []


async def test_plain_http_is_judged_by_its_host_header(redirected: Start) -> None:
    gateway, site = await redirected(EVIL, port="http_port")
    async with reach(gateway.http, name="evil.test") as opened:
        assert (await opened.ask("/x")).status == 403
    async with reach(gateway.http, name="good.test") as opened:
        assert (await opened.ask("/x")).status == 200
    assert site.paths == ["/x"]


async def test_a_blocked_address_is_never_dialled(redirected: Start) -> None:
    gateway, site = await redirected(BAD_ADDRESS, port="raw_port")
    async with reach(gateway.http) as opened, asyncio.timeout(20):
        opened.writer.write(b"\x00\x01\x02")
        assert await opened.reader.read() == b""
    assert (site.connections, gateway.reports.done) == (0, [("127.0.0.1", Enforcement.RESET)])


async def test_a_server_that_speaks_first_is_heard(redirected: Start) -> None:
    gateway, _ = await redirected(port="raw_port")
    async with reach(gateway.http) as opened, asyncio.timeout(20):
        assert await opened.reader.readexactly(len(GREETING)) == GREETING


async def test_our_own_port_is_refused(redirected: Start) -> None:
    gateway, site = await redirected(port="raw_port")
    gateway.own.add(site.raw_port)
    async with reach(gateway.http) as opened, asyncio.timeout(20):
        assert await opened.reader.read() == b""
    assert site.connections == 0
