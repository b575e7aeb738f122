"""A listener on every address answers from the address that it was asked at."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from pathlib import Path

import pytest
from dnslib import DNSRecord

from proxy.dns.datagrams import BATCH
from proxy.dns.own_address import WideDatagrams, datagrams_of
from tests.support.resolver import addresses, question, running
from tests.support.upstream import FakeUpstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has every 127.0.0.0/8 address on loopback")
PLACES = [("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "127.0.0.2"), ("::", "127.0.0.2"), ("::", "::1")]


def client(to: tuple[str, int]) -> socket.socket:
    """Return a socket that takes what comes from this address alone."""
    sock = socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.connect(to)
    return sock


@pytest.mark.parametrize(("host", "to"), PLACES)
async def test_the_answer_comes_from_where_it_was_asked(
    tmp_path: Path, upstream: FakeUpstream, host: str, to: str
) -> None:
    """Forwarded, kept, ready and blocked answers alike."""
    loop = asyncio.get_running_loop()
    async with running(tmp_path, {"host": host, "upstreams": [upstream.address]}) as resolver:
        for name, expected in [("good.example", "192.0.2.10")] * 3 + [("evil.example", "0.0.0.0")] * 2:
            with client((to, resolver.address[1])) as sock:
                sock.send(question(name))
                async with asyncio.timeout(6):
                    reply = await loop.sock_recv(sock, 4096)
            assert addresses(DNSRecord.parse(reply)) == [expected]
    assert {device.address for device in resolver.reporter.devices} == {"127.0.0.1"}


@pytest.mark.parametrize(("host", "wide"), [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("::1", False)])
def test_only_a_listener_on_every_address_takes_the_slower_way(host: str, wide: bool) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        assert isinstance(datagrams_of(sock), WideDatagrams) is wide


def test_a_batch_is_bounded_and_a_client_that_is_gone_costs_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("0.0.0.0", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        server.setblocking(False)
        way = WideDatagrams(server)
        to = ("127.0.0.3", server.getsockname()[1])
        with client(to) as one:
            for number in range(BATCH + 2):
                one.send(b"%d" % number)
            assert (len(way.receive()), len(way.receive()), len(way.receive())) == (BATCH, 2, 0)
            one.send(b"last")
            [(packet, source)] = way.receive()
            peer = way.peer(0)
            way.send_one(b"x" * 70_000, peer)  # longer than any datagram: dropped
            way.send([(0, packet)])
            assert (one.recv(99), source) == (b"last", "127.0.0.1")
        with contextlib.suppress(OSError):
            way.send_one(b"gone", peer)
        assert list(way.receive()) == []
