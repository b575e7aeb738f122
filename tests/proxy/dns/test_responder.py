"""Packets in, packets out, over real sockets: EDNS, sizes, malformed input, pipelining, idle connections."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from dnslib import RCODE, DNSRecord, EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from indicators.observation import Device
from proxy.dns import udp
from proxy.dns.clients import Client
from proxy.dns.ready import ReadyAnswers
from proxy.dns.responder import Came, Responder
from proxy.dns.tcp import TcpListener
from tests.support.resolver import Running, addresses, question, running, until
from tests.support.upstream import FakeUpstream

HEAD = question("a.b", qid=7)[:12]
MALFORMED = {
    "no question": ("1234 0100 0000 0000 0000 0000", 1),
    "two questions": ("1234 0100 0002 0000 0000 0000 00 0001 0001 00 0001 0001", 1),
    "a name cut off": ("1234 0100 0001 0000 0000 0000 03 6162", 1),
    "a compressed name": ("1234 0100 0001 0000 0000 0000 c00c 0001 0001", 1),
    "bytes behind": ("1234 0100 0001 0000 0000 0000 00 0001 0001 ff", 1),
    "an OPT cut off": ("1234 0100 0001 0000 0000 0001 00 0001 0001 00 0029", 1),
    "an update": ("1234 2900 0001 0000 0000 0000 00 0001 0001", 4),
}


@pytest.mark.parametrize(("packet", "rcode"), MALFORMED.values(), ids=MALFORMED)
async def test_malformed_packets_get_an_error(
    resolver: Running, upstream: FakeUpstream, packet: str, rcode: int
) -> None:
    raw = bytes.fromhex(packet)
    reply = await resolver.udp(raw)
    assert reply is not None
    assert (reply[:2], reply[2] >> 7, reply[3] & 15, reply[4:]) == (raw[:2], 1, rcode, bytes(8))
    assert await resolver.tcp(raw) == [reply]
    assert not upstream.asked


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"\x12\x34\x01\x00\x00", question("a.example", qid=7)[:2] + b"\x80" + bytes(14)]
)
async def test_what_is_no_query_gets_silence(resolver: Running, raw: bytes) -> None:
    assert await resolver.udp(raw, 0.1) is None
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await resolver.tcp(raw)
    assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]


class _Never:
    """A resolver that knows nothing: every question would wait."""

    def at_once(self, asked: object) -> None:
        raise RuntimeError("broken")


@given(st.binary(max_size=100) | st.builds(lambda tail: HEAD + tail, st.binary(max_size=40)))
def test_no_bytes_raise(packet: bytes) -> None:
    """Any bytes give a reply to the same id, or silence, even where the resolver behind is broken."""
    responder = Responder(cast(Any, _Never()), ReadyAnswers(), lambda: 0.0)
    reply = responder.take(packet, Came(Client(Device("d", "d")), 0.0, udp=True))
    assert reply is None or (isinstance(reply, bytes) and reply[:2] == packet[:2])
    assert responder.take(packet, Came(Client(Device("d", "d"), allowed=False), 0.0)) is None or len(packet) >= 17


async def test_a_resolver_that_breaks_later_gives_servfail() -> None:
    class Breaks:
        def at_once(self, asked: object) -> None:
            return None

        async def later(self, asked: object) -> None:
            raise RuntimeError("broken")

    responder = Responder(cast(Any, Breaks()), ReadyAnswers(), lambda: 0.0)
    reply = await responder.answer(question("a.example"), Came(Client(Device("d", "d")), 0.0))
    assert reply is not None
    assert DNSRecord.parse(reply).header.rcode == RCODE.SERVFAIL


async def test_edns_is_made_per_hop(resolver: Running) -> None:
    plain = await resolver.ask("good.example")
    assert not plain.ar
    found = await resolver.ask("good.example", edns=4096, do=True, options=[EDNSOption(8, b"\0\1\x18\0\xc0\0\2")])
    (opt,) = found.ar
    assert (opt.edns_len, opt.edns_do, opt.edns_rcode, opt.rdata) == (1232, 1, 0, [])


async def test_an_unknown_edns_version(resolver: Running) -> None:
    found = await resolver.ask("good.example", edns=1232, version=1)
    assert (found.header.rcode, found.ar[0].edns_rcode, found.ar[0].edns_ver) == (0, 1, 0)
    assert not found.rr


@pytest.mark.parametrize(
    ("edns", "cut"),
    [(0, True), (512, True), (1000, True), (1232, False), (4096, False)],
)
async def test_udp_answers_are_cut_to_size(resolver: Running, upstream: FakeUpstream, edns: int, cut: bool) -> None:
    upstream.add(*(f"large.example 60 TXT '{letter * 200}'" for letter in "abcde"))
    packet = question("large.example", "TXT", edns=edns)
    for _ in range(3):  # from the upstream, from the cache, from what is ready
        reply = await resolver.udp(packet)
        assert reply is not None
        assert len(reply) <= max(edns, 512)
        found = DNSRecord.parse(reply)
        assert (bool(found.header.tc), len(found.rr)) == ((True, 0) if cut else (False, 5))
    (over_tcp,) = await resolver.tcp(packet)
    assert len(DNSRecord.parse(over_tcp).rr) == 5


async def test_an_answer_too_large_for_any_udp(resolver: Running, upstream: FakeUpstream) -> None:
    upstream.add(*(f"huge.example 60 TXT '{letter * 200}'" for letter in "abcdefghij"))
    found = await resolver.ask("huge.example", "TXT", edns=4096)
    assert found.header.tc
    (over_tcp,) = await resolver.tcp(question("huge.example", "TXT"))
    assert len(DNSRecord.parse(over_tcp).rr) == 10


async def test_flags(resolver: Running) -> None:
    found = await resolver.ask("good.example", cd=True)
    assert (found.header.rd, found.header.ra, found.header.cd, found.header.ad) == (1, 1, 1, 0)


async def test_signed_data_passes_untouched(resolver: Running, upstream: FakeUpstream) -> None:
    data = "0001 0d02 0000003c 6503b900 64dc2c00 8a5b 07 6578616d706c65 00 deadbeefdeadbeef".replace(" ", "")
    upstream.add("good.example 60 TYPE65281 c00cff0001", "good.example 60 DNSKEY 257 3 13 AAAA")
    upstream.add(f"signed.example 60 TYPE65282 {data}")
    for _ in range(2):
        reply = await resolver.udp(question("signed.example")[:-4] + (65282).to_bytes(2) + b"\0\1")
        assert reply is not None
        assert reply.endswith(bytes.fromhex(data))


async def test_tcp_is_pipelined(resolver: Running, upstream: FakeUpstream) -> None:
    upstream.behave("slow.example", "slow")
    upstream.add("slow.example 60 A 192.0.2.20")
    packets = [question("slow.example", qid=1), question("good.example", qid=2), question("evil.example", qid=3)]
    replies = [DNSRecord.parse(reply) for reply in await resolver.tcp(*packets)]
    assert [reply.header.id for reply in replies][-1] == 1
    assert {reply.header.id: addresses(reply) for reply in replies} == {
        1: ["192.0.2.20"],
        2: ["192.0.2.10"],
        3: ["0.0.0.0"],
    }


async def test_an_idle_connection_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TcpListener.__init__, "__defaults__", (None, 0.05))
    async with running(tmp_path, {}) as resolver:
        reader, writer = await asyncio.open_connection(*resolver.address)
        writer.write(b"\0\x20only the beginning")
        async with asyncio.timeout(3):
            assert await reader.read() == b""
        writer.close()


async def test_connections_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TcpListener.__init__.__kwdefaults__, "at_most", 1)
    async with running(tmp_path, {}) as resolver:
        reader, writer = await asyncio.open_connection(*resolver.address)
        writer.write(len(packet := question("evil.example")).to_bytes(2) + packet)
        assert await reader.readexactly(2)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await resolver.tcp(question("evil.example"))
        writer.close()
        await writer.wait_closed()

        async def served() -> bool:
            try:
                return bool(await resolver.tcp(packet))
            except (asyncio.IncompleteReadError, ConnectionError):
                return False

        async with asyncio.timeout(3):
            while not await served():
                await asyncio.sleep(0.01)


async def test_waiting_udp_queries_are_bounded(
    resolver: Running, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp, "_MAX_WAITING", 1)
    upstream.behave("slow.example", "slow")
    waiting = asyncio.create_task(resolver.udp(question("slow.example")))
    await until(lambda: upstream.asked)
    assert await resolver.udp(question("good.example"), 0.1) is None
    assert await waiting is not None
    assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]


async def test_one_client_does_not_take_the_places_of_others_over_udp(
    resolver: Running, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp, "_MAX_WAITING_OF_ONE", 1)
    for name in ("slow.example", "other.example"):
        upstream.behave(name, "slow")
    waiting = asyncio.create_task(resolver.udp(question("slow.example")))
    await until(lambda: upstream.asked)
    assert await resolver.udp(question("good.example"), 0.1) is None
    assert await resolver.udp(question("good.example"), source="127.0.0.9") is not None
    assert await waiting is not None
    assert await resolver.udp(question("other.example")) is not None


async def test_one_client_does_not_take_the_places_of_others_over_tcp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TcpListener.__init__.__kwdefaults__, "of_one", 1)
    packet = question("evil.example")
    framed = len(packet).to_bytes(2) + packet

    async def is_served(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> bool:
        try:
            writer.write(framed)
            return bool(await reader.readexactly(2))
        except (asyncio.IncompleteReadError, ConnectionError):
            return False

    async with running(tmp_path, {}) as resolver, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*resolver.address)
        assert await is_served(writer, reader)
        further, too_many = await asyncio.open_connection(*resolver.address)
        assert not await is_served(too_many, further)
        theirs, other = await asyncio.open_connection(*resolver.address, local_addr=("127.0.0.9", 0))
        assert await is_served(other, theirs)
        writer.close()
        again = False
        while not again:
            reader, writer = await asyncio.open_connection(*resolver.address)
            again = await is_served(writer, reader)
            writer.close()
        for left in (too_many, other):
            left.close()


async def test_stopping_with_questions_open(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.behave("*", "silent")
    async with running(tmp_path, {"upstreams": [upstream.address, "tcp://" + upstream.address]}) as resolver:
        by_udp = asyncio.create_task(resolver.udp(question("good.example"), 0.5))
        by_tcp = asyncio.create_task(resolver.tcp(question("other.example")))
        await until(lambda: len(upstream.names) == 2)
    assert await by_udp is None
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await by_tcp


@pytest.mark.parametrize("name", ["good.example", "evil.example"])
async def test_a_device_is_seen_once_a_minute_however_its_question_ends(resolver: Running, name: str) -> None:
    for _ in range(3):
        await resolver.ask(name)
    assert [device.listener for device in resolver.reporter.devices] == ["dns"]
