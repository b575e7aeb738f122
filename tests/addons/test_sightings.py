"""What is read in inspected connections is told once for each connection, by a real mitmproxy."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from indicators.observation import Device
from tests.addons.conftest import Start
from tests.support.browsing import line
from tests.support.sights import indicator

BAD_PATH = indicator("mixed.test/bad")


class Told:
    """Keep what is told."""

    def __init__(self) -> None:
        self.all: list[tuple[object, ...]] = []
        self.dialled: list[str] = []

    def came(self, device: Device, host: str, port: int) -> None:
        self.all.append(("came", device.id, host, port))

    def named(self, device: Device, name: str) -> None:
        self.all.append(("named", device.id, name))

    def said(self, device: Device, name: str, *, contradicts: bool, ech: bool, dial: str = "") -> None:
        self.all.append(("said", device.id, name, contradicts, ech))
        self.dialled.append(dial)


@pytest.fixture
def told() -> Told:
    return Told()


async def test_a_hello_is_told_with_what_was_asked_for(start: Start, told: Told) -> None:
    gateway, site = await start(BAD_PATH, sights=told)
    gateway.trust()
    async with line(f"https://mixed.test:{site.https_port}/", http=gateway.http, trust=gateway.ca) as opened:
        for _ in range(2):
            assert (await opened.ask("/good")).status == 200
    assert told.all == [("said", "client", "mixed.test", False, False)], "requests to the same host say nothing new"


async def test_a_name_that_is_another_contradicts(start: Start, told: Told) -> None:
    gateway, site = await start(BAD_PATH, sights=told)
    with pytest.raises((ssl.SSLError, OSError)):
        async with line(
            f"https://good.test:{site.https_port}/", http=gateway.http, trust=gateway.ca, sni="other.test"
        ) as opened:
            await opened.ask("/")
    assert told.all == [("said", "client", "other.test", True, False), ("named", "client", "other.test")]


async def test_to_an_address_the_name_is_new_and_contradicts_nothing(start: Start, told: Told) -> None:
    gateway, site = await start(BAD_PATH, sights=told)
    gateway.trust()
    url = f"https://127.0.0.1:{site.https_port}/"
    async with line(url, socks=gateway.socks, trust=gateway.ca, sni="mixed.test") as opened:
        assert (await opened.ask("/bad", host="mixed.test")).status == 403
    assert told.all == [("said", "client", "mixed.test", False, False), ("named", "client", "mixed.test")]
    assert told.dialled == ["127.0.0.1"]


async def test_later_requests_of_a_plain_connection_tell_new_destinations_once(start: Start, told: Told) -> None:
    gateway, site = await start(sights=told)
    port = site.http_port
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http)
    for dial, host in (
        ("good.test", "good.test"),
        ("good.test", "good.test"),
        ("other.test", "other.test"),
        ("other.test", "evil.test"),
        ("good.test", "good.test"),
    ):
        writer.write(f"GET http://{dial}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
        assert head.startswith(b"HTTP/1.1 200")
        length = next(int(row[15:]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:"))
        await reader.readexactly(length)
    writer.close()
    assert told.all == [("came", "client", "other.test", port), ("named", "client", "evil.test")]


async def test_our_own_names_are_no_sign(start: Start, told: Told) -> None:
    gateway, _ = await start(sights=told)
    async with line("http://seawall.internal/", http=gateway.http) as opened:
        assert (await opened.ask("/")).status == 200
    assert told.all == []
