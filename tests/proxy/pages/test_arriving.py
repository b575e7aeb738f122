"""Clients at the block page's ports, through a real front: who is handed over, who passes, who is turned away."""

from __future__ import annotations

import asyncio

import pytest

from proxy.front.greetings import BAD_REQUEST
from proxy.hand_over import Kind
from proxy.pages.arriving import HTTP, HTTPS, UNRECOGNIZED_NAME
from tests.proxy.front.test_client_hello import real_hello
from tests.support.front import DEVICE, front

EVIL = real_hello("evil.test")


@pytest.mark.parametrize(
    ("listener", "data", "port"),
    [
        (HTTPS, EVIL, 443),
        (HTTP, b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", 80),
        (HTTP, b"GET / HTTP/1.1\r\nhost: EVIL.test:80\r\n\r\n", 80),
        (HTTP, b"GET http://evil.test/x HTTP/1.1\r\nHost: other.test\r\n\r\n", 80),
    ],
)
async def test_a_blocked_site_goes_to_an_inspector_by_the_name_that_the_client_says(
    listener: str, data: bytes, port: int
) -> None:
    async with asyncio.timeout(10), front(listener) as bench:
        _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        for at in range(0, len(data), 100):
            writer.write(data[at : at + 100])
            await writer.drain()
        given, taken = await bench.given.get()
        assert (given.kind, given.host, given.port, given.device) == (Kind.TUNNEL, "evil.test", port, DEVICE)
        assert (given.data + taken.recv(65536) if len(given.data) < len(data) else given.data) == data
        taken.close()
        writer.close()


@pytest.mark.parametrize(
    ("listener", "data", "answer"),
    [
        (HTTPS, real_hello(None), UNRECOGNIZED_NAME),
        (HTTPS, b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", b""),
        (HTTP, b"GET / HTTP/1.1\r\n\r\n", BAD_REQUEST),
        (HTTP, b"GET / HTTP/1.1\r\nHost: [\r\n\r\n", BAD_REQUEST),
        (HTTP, EVIL + b"\r\n\r\n", BAD_REQUEST),
    ],
)
async def test_who_names_no_site_is_turned_away(listener: str, data: bytes, answer: bytes) -> None:
    async with asyncio.timeout(10), front(listener) as bench:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(data)
        assert await reader.read() == answer
        assert bench.given.empty()
        writer.close()


async def test_what_was_unblocked_meanwhile_is_passed_on_to_the_site() -> None:
    """Browsers keep a DNS answer for a minute: they come back here after a person has continued past a warning."""
    async with asyncio.timeout(10), front(HTTPS) as bench:
        _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(real_hello("fine.test"))
        while "fine.test" not in bench.asked:
            await asyncio.sleep(0.01)
        assert bench.given.empty()
        writer.close()
