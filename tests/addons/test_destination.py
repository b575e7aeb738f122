from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from ipaddress import ip_address

import pytest

from indicators.indicator import Indicator
from indicators.settings import PolicySettings
from indicators.words import Action, Enforcement, IndicatorType, Stage
from tests.addons.conftest import Start
from tests.support.browsing import RefusedError, fetch, line
from tests.support.inspecting import LOOPBACK, Led
from tests.support.origin import GREETING
from tests.support.sights import CUSTOM, FEED, indicator

EVIL = indicator("evil.test")
BAD_ADDRESS = Indicator("127.0.0.1", IndicatorType.IP, Action.BLOCK, FEED)


async def test_a_benign_host_reaches_the_client_untouched_with_its_own_certificate(start: Start) -> None:
    gateway, site = await start(EVIL)
    for door in ({"http": gateway.http}, {"socks": gateway.socks}):
        async with line(f"https://good.test:{site.https_port}/", trust=site.certificate, **door) as opened:
            assert opened.certificate == site.der
            assert (await opened.ask("/a")).text.startswith("hello from good.test")
    assert gateway.reports.events == []
    assert {agent for _, agent in gateway.reports.devices} == {"test/1", ""}


@pytest.mark.parametrize("door", ["http", "socks"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_blocked_host_gets_a_page_and_no_lookup_no_connection_no_byte(
    start: Start, door: str, scheme: str
) -> None:
    gateway, site = await start(EVIL)
    port = site.http_port if scheme == "http" else site.https_port
    answer = await fetch(f"{scheme}://evil.test:{port}/x", trust=gateway.ca, **{door: getattr(gateway, door)})
    assert answer.status == 403
    assert "Phishing" in answer.text
    assert "INC-1" in answer.text
    assert gateway.resolver.asked == []
    assert (site.connections, site.requests, site.said) == (0, [], [])
    assert gateway.reports.done == [("evil.test", Enforcement.PAGE)]


async def test_a_subdomain_of_a_blocked_host_is_blocked(start: Start) -> None:
    gateway, site = await start(EVIL)
    answer = await fetch(f"http://www.evil.test:{site.http_port}/x", http=gateway.http)
    assert answer.status == 403
    assert gateway.resolver.asked == []


@pytest.mark.parametrize("door", ["http", "socks"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_name_that_leads_to_a_blocked_address_gets_a_page_and_no_connection(
    start: Start, door: str, scheme: str
) -> None:
    gateway, site = await start(BAD_ADDRESS)
    port = site.http_port if scheme == "http" else site.https_port
    answer = await fetch(f"{scheme}://good.test:{port}/x", trust=gateway.ca, **{door: getattr(gateway, door)})
    assert answer.status == 403
    assert set(gateway.resolver.asked) == {"good.test"}
    assert site.connections == 0
    [(_, seen, _, done)] = gateway.reports.events
    assert (seen.addresses, done) == ((LOOPBACK,), Enforcement.PAGE)


async def test_a_cname_that_leads_to_a_blocked_name_is_blocked(start: Start) -> None:
    gateway, site = await start(EVIL)
    gateway.resolver.known["good.test"] = Led((LOOPBACK,), chain=("evil.test",))
    answer = await fetch(f"https://good.test:{site.https_port}/x", http=gateway.http, trust=gateway.ca)
    assert (answer.status, site.connections) == (403, 0)


async def test_what_the_resolver_blocks_is_blocked_though_we_know_nothing_yet(start: Start) -> None:
    gateway, site = await start()
    gateway.resolver.known["good.test"] = Led(refused=(LOOPBACK,), blocked=True, reason="blocked a moment ago")
    answer = await fetch(f"http://good.test:{site.http_port}/x", http=gateway.http)
    assert (answer.status, site.connections) == (403, 0)
    assert "blocked a moment ago" in answer.text


async def test_only_judged_addresses_are_connected_to_and_never_looked_up_again(start: Start) -> None:
    gateway, site = await start()
    async with line(f"http://good.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask("/1")).status == 200
        assert (await opened.ask("/2")).status == 200
    assert gateway.resolver.asked == ["good.test"]
    assert site.connections == 1


@pytest.mark.parametrize("spelling", ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_a_blocked_address_is_blocked_in_every_spelling(start: Start, spelling: str) -> None:
    gateway, site = await start(BAD_ADDRESS)
    assert (await fetch(f"http://{spelling}:{site.http_port}/", http=gateway.http)).status == 403
    assert (await fetch(f"http://{spelling}:{site.http_port}/", socks=gateway.socks)).status == 403
    assert (site.connections, gateway.resolver.asked) == (0, [])


@pytest.mark.parametrize("spelling", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
async def test_an_allowed_address_is_reached_in_every_spelling(start: Start, spelling: str) -> None:
    gateway, site = await start()
    assert (await fetch(f"http://{spelling}:{site.http_port}/", http=gateway.http)).status == 200
    assert (await fetch(f"http://{spelling}:{site.http_port}/", socks=gateway.socks)).status == 200
    assert gateway.resolver.asked == []


@pytest.mark.parametrize("led", [Led(error="nxdomain"), OSError("down"), TimeoutError()])
async def test_a_name_without_an_address_is_an_error_of_its_own_and_no_block(
    start: Start, led: Led | Exception
) -> None:
    gateway, _ = await start()
    gateway.resolver.known["good.test"] = led
    answer = await fetch("http://good.test/", http=gateway.http)
    assert (answer.status, "cannot be found" in answer.text) == (502, True)
    with pytest.raises(RefusedError) as connect:
        await fetch("https://good.test/", http=gateway.http)
    with pytest.raises(RefusedError) as socks:
        await fetch("https://good.test/", socks=gateway.socks)
    assert (connect.value.status, socks.value.status) == (502, 4)
    assert gateway.reports.events == []


async def test_a_host_that_is_none_is_refused(start: Start) -> None:
    gateway, _ = await start()
    with pytest.raises(RefusedError) as connect:
        await fetch("https://a..b\u00ad%:1/", http=gateway.http)
    with pytest.raises(RefusedError) as socks:
        await fetch("https://bad host:1/", socks=gateway.socks)
    assert connect.value.status >= 400
    assert socks.value.status == 4


@pytest.mark.parametrize("door", ["http", "socks"])
async def test_a_server_that_speaks_first_is_heard(start: Start, door: str) -> None:
    gateway, site = await start()
    url = f"tcp://good.test:{site.raw_port}/"
    async with line(url, **{door: getattr(gateway, door)}) as opened, asyncio.timeout(20):
        assert await opened.reader.readexactly(len(GREETING)) == GREETING
        opened.writer.write(b"EHLO me\r\n")
        assert await opened.reader.readexactly(18) == b"you said EHLO me\r\n"


@pytest.mark.parametrize(("door", "status"), [("http", 403), ("socks", 2)])
async def test_a_blocked_host_at_a_port_where_servers_speak_first_is_refused_at_once(
    start: Start, door: str, status: int
) -> None:
    gateway, _ = await start(EVIL)
    with pytest.raises(RefusedError) as refused:
        await fetch("tcp://evil.test:22/", **{door: getattr(gateway, door)})
    assert refused.value.status == status
    assert gateway.reports.done == [("evil.test", Enforcement.RESET)]
    assert gateway.resolver.asked == []
    if door == "http":
        assert b"Incident: INC-1" in refused.value.body


@pytest.mark.parametrize("door", ["http", "socks"])
async def test_raw_bytes_to_a_blocked_host_are_dropped_and_the_connection_closed(start: Start, door: str) -> None:
    gateway, site = await start(EVIL)
    async with line(f"tcp://evil.test:{site.raw_port}/", **{door: getattr(gateway, door)}) as opened:
        opened.writer.write(b"\x00\x01\x02 anything")
        async with asyncio.timeout(20):
            assert await opened.reader.read() == b""
    assert (site.connections, site.said, gateway.resolver.asked) == (0, [], [])
    assert gateway.reports.done == [("evil.test", Enforcement.RESET)]


@pytest.mark.parametrize(("word", "served"), [(Action.ALLOW, True), (Action.BLOCK, False)])
async def test_a_warning_where_no_page_can_be_shown_follows_policy(start: Start, word: Action, served: bool) -> None:
    warned = replace(EVIL, action=Action.WARN)
    gateway, site = await start(warned, settings=PolicySettings(warn_without_page=word))
    async with line(f"tcp://evil.test:{site.raw_port}/", socks=gateway.socks) as opened:
        opened.writer.write(b"\x00\x01\x02 anything")
        async with asyncio.timeout(20):
            heard = await opened.reader.read(len(GREETING))
    assert (heard == GREETING) is served
    assert (site.connections == 1) is served


async def test_a_blocked_host_whose_page_is_never_asked_for_is_reported_when_the_client_goes(start: Start) -> None:
    gateway, _ = await start(EVIL)
    async with line("https://evil.test/", http=gateway.http, trust=gateway.ca):
        assert gateway.reports.events == []
    async with asyncio.timeout(20):
        while not gateway.reports.events:
            await asyncio.sleep(0.01)
    assert gateway.reports.done == [("evil.test", Enforcement.RESET)]


async def test_an_audited_host_passes_and_is_reported_once_a_connection(start: Start) -> None:
    gateway, site = await start(replace(EVIL, action=Action.AUDIT))
    async with line(f"http://evil.test:{site.http_port}/", http=gateway.http) as opened:
        for path in "/1", "/2", "/3":
            assert (await opened.ask(path)).status == 200
    async with line(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=site.certificate) as opened:
        assert (await opened.ask()).status == 200
        assert opened.certificate == site.der
    assert gateway.reports.done == [("evil.test", Enforcement.PASSED)] * 2


async def test_an_allow_outranks_a_feed_and_needs_no_page(start: Start) -> None:
    gateway, site = await start(EVIL, replace(EVIL, action=Action.ALLOW, origin=CUSTOM))
    answer = await fetch(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=site.certificate)
    assert answer.status == 200


async def test_a_server_that_cannot_be_reached_is_a_502_to_connect(start: Start) -> None:
    gateway, _ = await start()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(RefusedError) as refused:
            await fetch(f"tcp://good.test:{port}/", http=gateway.http)
        with pytest.raises(RefusedError) as by_socks:
            await fetch(f"tcp://good.test:{port}/", socks=gateway.socks)
    assert (refused.value.status, by_socks.value.status) == (502, 4)


async def test_every_stage_is_judged_for_what_passes(start: Start) -> None:
    gateway, site = await start()
    await fetch(f"https://good.test:{site.https_port}/", http=gateway.http, trust=site.certificate)
    assert {seen.stage for seen in gateway.policy.seen} == {Stage.CONNECTION, Stage.TLS}
    assert {seen.port for seen in gateway.policy.seen} == {site.https_port}
    assert ip_address("127.0.0.1") in gateway.policy.seen[-1].addresses
