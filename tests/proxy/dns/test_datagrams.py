"""Both ways of reading a socket give the same packets, sources and peers, and send the same replies."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from proxy.dns.datagrams import BATCH, MAX_QUERY, BatchedDatagrams, Datagrams, SingleDatagrams, datagrams


@contextlib.contextmanager
def bound(host: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        yield sock


@pytest.fixture(params=["batched", "single"])
def kind(request: pytest.FixtureRequest) -> type[BatchedDatagrams | SingleDatagrams]:
    if request.param == "single":
        return SingleDatagrams
    if sys.platform != "linux":
        pytest.skip("only Linux takes many datagrams in one call")
    return BatchedDatagrams


def test_linux_takes_many_in_one_call() -> None:
    with bound("127.0.0.1") as server:
        assert isinstance(datagrams(server), BatchedDatagrams) == (sys.platform == "linux")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_every_packet_is_read_and_answered_to_whom_it_came_from(
    kind: type[BatchedDatagrams | SingleDatagrams], host: str
) -> None:
    with bound(host) as server, bound(host) as one, bound(host) as other:
        server.setblocking(False)
        way: Datagrams = kind(server)
        assert list(way.receive()) == []
        sent = [(one, b"a"), (other, b""), (one, b"c" * 1400), (other, b"d" * 512)]
        for client, packet in sent:
            client.sendto(packet, server.getsockname())
        came = way.receive()
        assert [packet for packet, _ in came] == [packet for _, packet in sent]
        assert {str(ip_address(source)) for _, source in came} == {host}
        peers = [way.peer(place) for place in range(4)]
        assert list(way.receive()) == []  # the last batch is another one now
        for place, peer in enumerate(peers):
            way.send_one(b"later %d" % place, peer)
        assert [one.recv(99), other.recv(99), one.recv(99), other.recv(99)] == [b"later %d" % at for at in (0, 1, 2, 3)]
        for client, packet in sent:
            client.sendto(packet, server.getsockname())
        assert len(way.receive()) == 4
        way.send([(1, b"two"), (2, b"three"), (0, b"x" * 5000)])
        assert (other.recv(9000), {one.recv(9000), one.recv(9000)}) == (b"two", {b"three", b"x" * 5000})


def test_a_batch_is_bounded_and_the_rest_comes_next(kind: type[BatchedDatagrams | SingleDatagrams]) -> None:
    with bound("127.0.0.1") as server, bound("127.0.0.1") as client:
        server.setblocking(False)
        way: Datagrams = kind(server)
        for number in range(BATCH + 10):
            client.sendto(b"%d" % number, server.getsockname())
        first, second = [[packet for packet, _ in way.receive()] for _ in range(2)]
        assert (first, second) == ([b"%d" % n for n in range(BATCH)], [b"%d" % n for n in range(BATCH, BATCH + 10)])
        client.sendto(b"y" * (MAX_QUERY + 1000), server.getsockname())
        assert [len(packet) for packet, _ in way.receive()] == [MAX_QUERY]


def test_a_client_that_is_gone_costs_the_others_nothing(kind: type[BatchedDatagrams | SingleDatagrams]) -> None:
    with bound("127.0.0.1") as server, bound("127.0.0.1") as client:
        server.setblocking(False)
        way: Datagrams = kind(server)
        with bound("127.0.0.1") as gone:
            gone.sendto(b"q", server.getsockname())
        client.sendto(b"q", server.getsockname())
        assert len(way.receive()) == 2
        server.connect(("127.0.0.1", 9))  # now every send to the first is refused
        way.send([(0, b"lost"), (0, b"z" * 3000)])
        with contextlib.suppress(OSError):
            server.recv(1)


def test_a_system_without_the_calls_goes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.dns.datagrams.sys.platform", "darwin")
    with bound("127.0.0.1") as server:
        assert isinstance(datagrams(server), SingleDatagrams)
