"""Datagrams go out by a socket of their own and come back into the tunnel they belong to."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import cast

from proxy.wireguard.userspace.datagrams import relay
from tests.support.tunnel_streams import FakeStream

LOOPBACK = ip_address("127.0.0.1")


class Echo(asyncio.DatagramProtocol):
    """Say again what comes, to whom it came from."""

    def __init__(self) -> None:
        self.peers: set[tuple[str, int]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.peers.add(addr)
        self.transport.sendto(b"again " + data, addr)


async def echo() -> tuple[Echo, int]:
    transport, made = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    return made, transport.get_extra_info("sockname")[1]


async def test_both_ways_until_the_device_ends() -> None:
    other, port = await echo()
    stream = FakeStream("udp", "127.0.0.1", port, b"one", b"two")
    relaying = asyncio.create_task(relay(stream, LOOPBACK, port))
    async with asyncio.timeout(10):
        while len(stream.written) < 2:
            await stream.wrote.wait()
            stream.wrote.clear()
        stream.say(b"")
        await relaying
    assert stream.written == [b"again one", b"again two"]
    assert len(other.peers) == 1
    other.transport.close()


async def test_it_ends_when_both_sides_are_silent_and_not_while_one_speaks() -> None:
    other, port = await echo()
    stream = FakeStream("udp", "127.0.0.1", port, b"one")
    relaying = asyncio.create_task(relay(stream, LOOPBACK, port, idle=0.3))
    async with asyncio.timeout(10):
        await stream.wrote.wait()
        (peer,) = other.peers
        for _ in range(4):
            await asyncio.sleep(0.1)
            other.transport.sendto(b"still", peer)
        assert not relaying.done(), "the other side speaks"
        await relaying
    other.transport.close()


async def test_an_answer_that_cannot_go_back_and_a_port_that_is_closed_harm_nobody() -> None:
    other, port = await echo()
    stream = FakeStream("udp", "127.0.0.1", port, b"one")
    stream.broken = True
    await relay(stream, LOOPBACK, port, idle=0.1)
    assert stream.written == []
    other.transport.close()
    await asyncio.sleep(0)  # the socket is closed at the loop's next turn
    refused = FakeStream("udp", "127.0.0.1", port, b"one", b"two")
    await relay(refused, LOOPBACK, port, idle=0.1)
    assert refused.written == []
