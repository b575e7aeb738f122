"""Questions from a tunnel reach the resolver as they were asked, with the device; answers find their way back."""

from __future__ import annotations

import asyncio

import pytest

from indicators.observation import Device
from proxy.wireguard.userspace.names import TunnelNames
from tests.support.tunnel_streams import FakeStream

PHONE = Device("d", "phone")


class Queries:
    """Answer with the question turned round; `known` answers otherwise, or fails."""

    def __init__(self, **known: bytes | Exception) -> None:
        self.known = known
        self.asked: list[tuple[bytes, str]] = []

    async def query(self, packet: bytes, device: Device) -> bytes:
        self.asked.append((packet, device.id))
        found = self.known.get(packet.decode(), packet[::-1])
        if isinstance(found, Exception):
            raise found
        return found


def names(queries: Queries, seen: list[Device], idle: float = 20.0) -> TunnelNames:
    return TunnelNames(queries, seen.append, idle)


async def test_over_udp_each_datagram_is_a_question() -> None:
    seen: list[Device] = []
    queries = Queries(quiet=b"", down=ConnectionError("no resolver"), bad=ValueError("no device"))
    stream = FakeStream("udp", "9.9.9.9", 53, b"abc", b"quiet", b"down", b"bad", b"def", b"")
    await names(queries, seen).datagrams(stream, PHONE)
    assert sorted(stream.written) == [b"cba", b"fed"]
    assert [device for _, device in queries.asked] == ["d"] * 5
    assert seen == [PHONE]


async def test_over_udp_one_that_has_gone_or_says_nothing_more_is_forgotten() -> None:
    gone = FakeStream("udp", "9.9.9.9", 53, b"abc", b"")
    gone.broken = True
    await names(Queries(), []).datagrams(gone, PHONE)
    assert gone.written == []
    await names(Queries(), [], idle=0.01).datagrams(FakeStream("udp", "9.9.9.9", 53), PHONE)
    broken = FakeStream("udp", "9.9.9.9", 53)
    broken.say(OSError("reset"))
    await names(Queries(), []).datagrams(broken, PHONE)


@pytest.mark.parametrize("end", [b"", OSError("reset")])
async def test_over_tcp_questions_have_their_length_before_them(end: bytes | OSError) -> None:
    seen: list[Device] = []
    stream = FakeStream("tcp", "9.9.9.9", 53, b"\x00", b"\x03ab", b"c\x00\x02de")
    serving = asyncio.create_task(names(Queries(), seen).connection(stream, PHONE))
    async with asyncio.timeout(10):
        while len(stream.written) < 2:
            await stream.wrote.wait()
            stream.wrote.clear()
        stream.say(end)
        await serving
    assert sorted(stream.written) == [b"\x00\x02ed", b"\x00\x03cba"]
    assert stream.closed.is_set()
    assert seen == [PHONE]
