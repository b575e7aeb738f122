"""What becomes of each stream out of a tunnel: one table; and the end of all that a device has open."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from indicators.observation import Address, Device, Observation
from indicators.verdict import CLEAN, Verdict
from proxy.hand_over import HandOver
from proxy.judging_again import end_stopped
from proxy.wireguard.userspace import streams as module
from proxy.wireguard.userspace.names import TunnelNames
from proxy.wireguard.userspace.stream import Stream
from proxy.wireguard.userspace.streams import Streams, Ways
from tests.support.sights import indicator, verdict
from tests.support.tunnel_streams import FakeStream

PHONE = Device("d", "phone")
NOW = datetime(2026, 11, 30, tzinfo=UTC)
GATEWAY = "10.87.0.1"
HELLO = b"\x16\x03\x01"
REQUEST = b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"


class Everything:
    """Stand in for all the ways that streams go, and note which was taken."""

    def __init__(self, *, passes: bool = True, **more: bool) -> None:
        self.taken: list[tuple[object, ...]] = []
        self.hung_up: list[str] = []
        self.came: list[tuple[str, str, int]] = []
        self.inspecting = asyncio.Event()
        self.stopped: set[int] = set()
        self.devices = {"d": PHONE}
        self._passes = passes
        ways = Ways(
            self.inspect,
            self.hang_up,
            TunnelNames(self, lambda device: None, idle=0.05),
            self,
            {ip_address(GATEWAY)},
            came=lambda device, host, port: self.came.append((device.id, host, port)),
            **more,
        )
        self.streams = Streams(ways, self.devices.get, lambda: NOW)

    async def inspect(self, given: HandOver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken.append(("inspect", given.device.id, given.host, given.port, given.guarded))
        if given.port == 22:
            await self.inspecting.wait()

    def hang_up(self, device: str) -> None:
        self.hung_up.append(device)

    async def query(self, packet: bytes, device: Device) -> bytes:
        self.taken.append(("dns", device.id, packet))
        return b"answer"

    async def lets_pass(self, device: Device, to: Address, port: int) -> bool:
        self.taken.append(("gate", device.id, str(to), port))
        return self._passes

    def judge(self, seen: Observation) -> Verdict:
        return verdict(indicator("203.0.113.10")) if seen.port in self.stopped else CLEAN

    async def end_stopped(self) -> int:
        return len(await end_stopped(self.streams.opened(), self.judge))

    async def take(self, stream: FakeStream) -> FakeStream:
        async with asyncio.timeout(10):
            await self.streams.take("d", stream)
        return stream


@pytest.fixture(autouse=True)
def _relaying(monkeypatch: pytest.MonkeyPatch) -> None:
    async def relay(stream: Stream, to: Address, port: int) -> None:
        if port == 1:
            raise OSError("no way there")
        stream.write(f"relayed to {to} {port}".encode())

    monkeypatch.setattr(module.datagrams, "relay", relay)


WHERE = [
    ("tcp", "203.0.113.10", 443, HELLO, [("inspect", "d", "203.0.113.10", 443, True)], []),
    ("tcp", "2001:db8::10", 22000, b"", [("inspect", "d", "2001:db8::10", 22000, True)], []),
    ("tcp", GATEWAY, 80, REQUEST, [("inspect", "d", "evil.test", 80, True)], []),
    ("tcp", GATEWAY, 8080, b"", [("inspect", "d", GATEWAY, 8080, True)], []),
    ("tcp", GATEWAY, 443, b"no TLS", [], []),
    ("tcp", GATEWAY, 80, b"", [], []),
    ("tcp", "9.9.9.9", 853, HELLO, [], [b"\x15\x03\x03\x00\x02\x02\x31"]),
    ("udp", "9.9.9.9", 53, b"question", [("dns", "d", b"question")], [b"answer"]),
    ("udp", "203.0.113.10", 443, b"no QUIC", [], []),
    ("udp", "9.9.9.9", 853, b"?", [], []),
    ("udp", "203.0.113.10", 3478, b"?", [("gate", "d", "203.0.113.10", 3478)], [b"relayed to 203.0.113.10 3478"]),
    ("udp", "203.0.113.10", 1, b"?", [("gate", "d", "203.0.113.10", 1)], []),
    ("udp", "224.0.0.251", 5353, b"?", [], []),
    ("udp", "255.255.255.255", 67, b"?", [], []),
    ("udp", "fe80::1", 5353, b"?", [], []),
]


@pytest.mark.parametrize(("kind", "host", "port", "said", "taken", "written"), WHERE)
async def test_where_a_stream_goes(
    kind: str, host: str, port: int, said: bytes, taken: list[object], written: list[bytes]
) -> None:
    everything = Everything()
    stream = await everything.take(FakeStream(kind, host, port, said))
    assert everything.taken == taken
    assert [(*one, True) for one in everything.came] == [one[1:] for one in taken if one[0] == "inspect"]  # type: ignore[index]
    assert stream.written == written
    assert stream.closed.is_set()
    assert everything.streams.heard == {"d": (NOW, "192.0.2.7:51000")}


async def test_dns_over_tcp_goes_to_our_resolver() -> None:
    everything = Everything()
    stream = FakeStream("tcp", "9.9.9.9", 53, b"\x00\x03abc")
    serving = asyncio.create_task(everything.streams.take("d", stream))
    async with asyncio.timeout(10):
        await stream.wrote.wait()
        stream.say(b"")
        await serving
    assert everything.taken == [("dns", "d", b"abc")]
    assert stream.written == [b"\x00\x06answer"]


@pytest.mark.parametrize(
    ("everything", "port", "written"),
    [
        (Everything(rejects_quic=False), 443, [b"relayed to 203.0.113.10 443"]),
        (Everything(forwards_udp=False), 3478, []),
        (Everything(forwards_udp=False), 53, [b"answer"]),
        (Everything(passes=False), 3478, []),
    ],
)
async def test_what_the_configuration_and_the_verdict_change(
    everything: Everything, port: int, written: list[bytes]
) -> None:
    assert (await everything.take(FakeStream("udp", "203.0.113.10", port, b"?"))).written == written


async def test_a_browser_is_told_that_quic_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.quic, "refusal", lambda datagram: b"refused: " + datagram)
    stream = await Everything().take(FakeStream("udp", "203.0.113.10", 443, b"hello"))
    assert stream.written == [b"refused: hello"]


async def test_a_device_that_was_revoked_gets_nothing() -> None:
    everything = Everything()
    everything.devices.clear()
    stream = await everything.take(FakeStream("tcp", "203.0.113.10", 443, HELLO))
    assert everything.taken == []
    assert stream.closed.is_set()
    assert everything.streams.heard == {}
    await everything.streams.cut("d")
    assert everything.hung_up == ["d"]


async def test_all_that_a_device_has_open_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_END_WITHIN", 0.05)
    everything = Everything()
    inspected, asking = FakeStream("tcp", "203.0.113.10", 22), FakeStream("tcp", "9.9.9.9", 53)
    tasks = [asyncio.create_task(everything.streams.take("d", stream)) for stream in (inspected, asking)]
    async with asyncio.timeout(10):
        while not everything.taken:
            await asyncio.sleep(0)
        await everything.streams.cut("d")
        await asyncio.wait(tasks)
    assert everything.hung_up == ["d"]
    assert inspected.closed.is_set()
    assert asking.closed.is_set()
    assert everything.streams.heard == {}


async def test_a_device_cannot_take_all_sockets_by_datagrams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DATAGRAM_FLOWS", 0)
    everything = Everything()
    await everything.take(FakeStream("udp", "203.0.113.10", 3478, b"?"))
    assert everything.taken == []


async def test_datagrams_that_are_stopped_now_end_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    async def relay(stream: Stream, to: Address, port: int) -> None:
        begun.append(port)
        await asyncio.Event().wait()

    monkeypatch.setattr(module.datagrams, "relay", relay)
    everything = Everything()
    flows = [FakeStream("udp", "203.0.113.10", port) for port in (3478, 3479)]
    tasks = [asyncio.create_task(everything.streams.take("d", stream)) for stream in flows]
    async with asyncio.timeout(10):
        while len(begun) < 2:
            await asyncio.sleep(0)
        assert await everything.end_stopped() == 0
        everything.stopped = {3479}
        assert await everything.end_stopped() == 1
        await flows[1].closed.wait()
    assert not tasks[0].done()
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await everything.end_stopped() == 0
