"""Any bytes at every door give an answer or silence, never an exception; and what dnslib reads as a query is answered.

One resolver runs for all examples, so that an example which harms it fails the next. Queries that are known to be
answered follow each example on the same socket, one after the other: an answer that has not come by then is silence.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from dnslib import DNSError, DNSRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.dns_over_tls import OverTls, serving
from tests.support.resolver import Running, TestPolicy, question, running

KNOWN = question("localhost", qid=0xBEEF, edns=1232)
GOOD = [
    question("good.example"),
    question("evil.example", "AAAA", edns=1232, do=True),
    question("a.b.c.seawall.internal", "HTTPS", edns=4096, cd=True, ad=True),
    question("1.0.0.127.in-addr.arpa", "PTR", edns=512),
    question("localhost", "ANY"),
    KNOWN,
]


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """Bytes from anywhere, but mostly a query with a few octets changed, cut off or added."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary(max_size=120))
    packet = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 4))):
        packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
    end = draw(st.integers(0, len(packet)) | st.just(len(packet)))
    return bytes(packet[:end]) + draw(st.binary(max_size=6) | st.just(b""))


@dataclass
class Served:
    """A resolver with all its doors, in a loop of its own."""

    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    resolver: Running = field(init=False)
    over: OverTls = field(init=False)

    def run[Result](self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def udp(self, packet: bytes) -> bytes | None:
        """Return the reply to a packet, None for silence."""
        replies: list[bytes] = []
        known = asyncio.Semaphore(0)

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _: Any) -> None:
                if data[:2] == KNOWN[:2]:
                    known.release()
                else:
                    replies.append(data)

        transport, _ = await self.loop.create_datagram_endpoint(Client, remote_addr=self.resolver.address)
        try:
            transport.sendto(b"\x12\x34" + packet[2:] if packet[:2] == KNOWN[:2] else packet)
            async with asyncio.timeout(10):
                for _ in range(4):  # what no upstream can be asked for is answered some steps of the loop later
                    transport.sendto(KNOWN)
                    await known.acquire()
        finally:
            transport.close()
        assert len(replies) <= 1
        return replies[0] if replies else None

    async def tcp(self, stream: bytes) -> list[bytes]:
        """Send bytes as they are, say that nothing follows, and return the replies."""
        reader, writer = await asyncio.open_connection(*self.resolver.address)
        try:
            writer.write(stream)
            writer.write_eof()
            async with asyncio.timeout(10):
                received = await reader.read()
        except ConnectionError:
            return []
        finally:
            writer.close()
        replies = []
        while received:
            size = int.from_bytes(received[:2])
            assert len(received) >= 2 + size
            replies.append(received[2 : 2 + size])
            received = received[2 + size :]
        return replies


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = Served(loop)
    stack = AsyncExitStack()

    async def start() -> None:
        policy = TestPolicy({"block": "evil.example"})
        made.resolver = await stack.enter_async_context(running(folder, {"upstreams": []}, policy))
        made.over = await stack.enter_async_context(serving(made.resolver.state))

    made.run(start())
    yield made
    made.run(stack.aclose())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(autouse=True)
def nothing_failed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def _parsed(packet: bytes) -> DNSRecord | None:
    try:
        return DNSRecord.parse(packet)
    except (DNSError, ValueError, IndexError, KeyError):
        return None


def _is_plain_query(packet: bytes) -> bool:
    """Say whether dnslib reads the very bytes as a query that anybody would answer."""
    parsed = _parsed(packet)
    if parsed is None or parsed.header.qr or parsed.header.opcode or len(parsed.questions) != 1:
        return False
    only_opt = not parsed.rr and not parsed.auth and all(rr.rtype == 41 and rr.rname == "." for rr in parsed.ar)
    if not only_opt or len(parsed.ar) > 1 or any(rr.rdata for rr in parsed.ar):
        return False
    return bytes(parsed.pack()) == packet and not (parsed.ar and parsed.ar[0].ttl >> 16 & 0xFF)


def _hold(packet: bytes, reply: bytes | None) -> None:
    """Fail where a reply does not fit what was sent, or a plain query was not answered."""
    if reply is None:
        assert not _is_plain_query(packet)
        return
    found = dns.message.from_wire(reply)
    assert (found.id, bool(found.flags & dns.flags.QR)) == (int.from_bytes(packet[:2]), True)
    if not found.question:
        assert found.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP)
        assert not _is_plain_query(packet)
        return
    # What follows the question may be broken: it was not asked for.
    (asked,) = dns.message.from_wire(packet, ignore_trailing=True, question_only=True).question
    assert found.question == [asked]


@settings(max_examples=250)
@given(packet=packets())
def test_over_udp(served: Served, packet: bytes) -> None:
    """A datagram of any bytes gets the fitting reply or silence, and the resolver answers on."""
    if packet[:2] == KNOWN[:2]:
        packet = b"\x12\x34" + packet[2:]
    reply = served.run(served.udp(packet))
    _hold(packet, reply)
    assert reply is None or len(reply) <= 1232


@settings(max_examples=120)
@given(sent=st.lists(packets(), max_size=4), length=st.integers(-3, 3), tail=st.binary(max_size=8))
def test_over_tcp(served: Served, sent: list[bytes], length: int, tail: bytes) -> None:
    """A stream of any bytes, framed rightly or not, gets whole replies, each to a packet of it, and then its end."""
    framed = b"".join(max(len(packet) + length, 0).to_bytes(2) + packet for packet in sent)
    replies = served.run(served.tcp(framed + tail))
    if length == 0 and not tail:
        assert len(replies) <= len(sent)
        ids = {packet[:2] for packet in sent}
        assert {reply[:2] for reply in replies} <= ids
    for reply in replies:
        dns.message.from_wire(reply)
    assert len(served.run(served.tcp(len(KNOWN).to_bytes(2) + KNOWN))) == 1


@settings(max_examples=60)
@given(packet=packets(), method=st.sampled_from(["GET", "POST"]), http2=st.booleans())
def test_over_https(served: Served, packet: bytes, method: str, http2: bool) -> None:
    """A body or parameter of any bytes gets 200 with the fitting reply, or 400."""
    if method == "GET" and not packet:
        return
    status, _, body = served.run(served.over.https(packet, method=method, http2=http2))
    assert status in (200, 400)
    _hold(packet, body if status == 200 else None)


@settings(max_examples=60)
@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?"), max_size=60))
def test_any_parameter(served: Served, text: str) -> None:
    """A GET parameter of any text gets an answer by HTTP's rules."""
    status, _, _ = served.run(served.over.https(method="GET", path=f"/dns-query?dns={text}"))
    assert status in (200, 400)


def test_the_examples_are_worth_something() -> None:
    """The plain queries that examples are made of are recognised as such, so the differential does not pass idly."""
    assert all(_is_plain_query(packet) for packet in GOOD)
