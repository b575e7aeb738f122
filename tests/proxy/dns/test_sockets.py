"""Asking through a few sockets: each answer goes to its own question alone, ports change, nobody waits for nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from proxy.dns import sockets
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Asking, Question, ask
from proxy.dns.sockets import Came, UpstreamSockets


class Server:
    """A UDP server that is read and answers by hand."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(5)
        self.endpoint = Endpoint("udp", *self.sock.getsockname())

    def read(self) -> tuple[bytes, tuple[str, int]]:
        return self.sock.recvfrom(4096)

    def reply(self, packet: bytes, to: tuple[str, int]) -> None:
        self.sock.sendto(packet, to)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with made.sock:
        yield made


@pytest.fixture
async def pool(server: Server) -> AsyncIterator[UpstreamSockets]:
    made = UpstreamSockets(server.endpoint)
    yield made
    made.close()


def asking(name: bytes = b"\4good\7example\0") -> Asking:
    return ask(Question(name + b"\0\1\0\1"))


def answer(packet: bytes) -> bytes:
    return packet[:2] + bytes([packet[2] | 0x80]) + packet[3:]


class Box(list[Came]):
    """Collect what came, and wait for it."""

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self) < count:
                await asyncio.sleep(0)


def anything(packet: bytes) -> bool:
    return True


async def test_answers_find_their_questions_in_any_order(pool: UpstreamSockets, server: Server) -> None:
    boxes = [Box() for _ in range(40)]
    for box in boxes:
        pool.ask(asking(), anything, box.append)
    came = [server.read() for _ in boxes]
    for packet, peer in reversed(came):
        server.reply(answer(packet), peer)
    for box in boxes:
        await box.until(1)
    assert sorted(map(str, (box[0] for box in boxes))) == sorted(str(answer(packet)) for packet, _ in came)


async def test_an_answer_counts_on_the_socket_it_was_asked_from_alone(
    pool: UpstreamSockets, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = iter([0, 1])
    monkeypatch.setattr(sockets, "chance", lambda count: bytes([next(places)]))
    first, second = Box(), Box()
    pool.ask(asking(), anything, first.append)
    pool.ask(asking(), anything, second.append)
    (one, from_one), (two, from_two) = server.read(), server.read()
    assert from_one != from_two
    server.reply(answer(one), from_two)  # the right packet at the wrong port
    server.reply(answer(two), from_one)
    server.reply(answer(two), from_two)
    await second.until(1)
    assert (first, second) == ([], [answer(two)])


async def test_what_does_not_fit_is_as_if_never_come(pool: UpstreamSockets, server: Server) -> None:
    box = Box()
    pool.ask(asking(), lambda packet: packet.endswith(b"ours"), box.append)
    packet, peer = server.read()
    for stray in (b"", answer(packet), packet, answer(packet)[:-40]):
        server.reply(stray, peer)
    server.reply(answer(packet) + b"ours", peer)
    await box.until(1)
    assert box == [answer(packet) + b"ours"]


async def test_a_flood_of_strays_ends_the_socket(
    pool: UpstreamSockets, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "chance", lambda count: bytes(1))
    one, other = Box(), Box()
    pool.ask(asking(), anything, one.append)
    pool.ask(asking(b"\5other\0"), anything, other.append)
    _, peer = server.read()
    server.read()
    for _ in range(sockets.MAX_STRAYS):
        server.reply(b"\xff" * 40, peer)
    await one.until(1)
    assert (one, other) == ([None], [None]), "both are to be asked by TCP"
    pool.ask(asking(), anything, one.append)
    packet, then = server.read()
    assert then != peer
    server.reply(answer(packet), then)
    await one.until(2)
    assert one[1] == answer(packet)


async def test_a_port_is_given_up_after_so_many_questions_or_seconds(
    pool: UpstreamSockets, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "chance", lambda count: bytes(1))
    monkeypatch.setattr(sockets, "USES", 3)
    box, ports = Box(), []
    held = Box()
    pool.ask(asking(), anything, held.append)
    first, first_port = server.read()
    for number in range(7):
        pool.ask(asking(), anything, box.append)
        packet, peer = server.read()
        ports.append(peer[1])
        server.reply(answer(packet), peer)
        await box.until(number + 1)
    assert [ports.count(port) for port in dict.fromkeys(ports)] == [2, 3, 2]
    server.reply(answer(first), first_port)  # what a port still waits for is answered
    await held.until(1)
    monkeypatch.setattr(sockets, "LASTS", -1.0)
    seen = set()
    for _ in range(3):
        pool.ask(asking(), anything, box.append)
        seen.add(server.read()[1])
    assert len(seen) >= 2


async def test_an_id_that_is_waited_for_takes_another_socket(
    pool: UpstreamSockets, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "chance", lambda count: bytes(1))
    same, first, second = asking(), Box(), Box()
    pool.ask(same, anything, first.append)
    pool.ask(same, anything, second.append)
    (one, from_one), (two, from_two) = server.read(), server.read()
    assert from_one != from_two
    server.reply(answer(one), from_one)
    server.reply(answer(two), from_two)
    await first.until(1)
    await second.until(1)


async def test_a_refusal_reaches_all_who_wait_and_no_later_question(pool: UpstreamSockets, server: Server) -> None:
    port = server.endpoint.port
    server.sock.close()
    box = Box()
    pool.ask(asking(), anything, box.append)
    await box.until(1)
    assert isinstance(box[0], ConnectionRefusedError)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))
        again.settimeout(5)
        later = Box()
        pool.ask(asking(), anything, later.append)
        packet, peer = again.recvfrom(4096)
        again.sendto(answer(packet), peer)
        await later.until(1)
        assert later == [answer(packet)]


async def test_a_refusal_met_while_sending_is_not_this_question_s(
    pool: UpstreamSockets, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "chance", lambda count: bytes(1))
    port = server.endpoint.port
    server.sock.close()
    early, late = Box(), Box()
    pool.ask(asking(), anything, early.append)  # refused, which the socket says when it is used next
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))
        again.settimeout(5)
        pool.ask(asking(), anything, late.append)
        packet, peer = again.recvfrom(4096)
        again.sendto(answer(packet), peer)
        await late.until(1)
    assert [type(one) for one in early] == [ConnectionRefusedError]
    assert late == [answer(packet)]


async def test_what_was_given_up_is_not_told(pool: UpstreamSockets, server: Server) -> None:
    box, other = Box(), Box()
    waiting = pool.ask(asking(), anything, box.append)
    packet, peer = server.read()
    pool.give_up(waiting)
    pool.give_up(waiting)
    server.reply(answer(packet), peer)
    pool.retire()  # closes what nobody waits for
    pool.ask(asking(), anything, other.append)
    packet, peer = server.read()
    server.reply(answer(packet), peer)
    await other.until(1)
    assert box == []


async def test_an_upstream_that_cannot_be_reached_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = UpstreamSockets(Endpoint("udp", "127.0.0.1", 53))

    def refuse(*_: object) -> None:
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(OSError, match="unreachable"):
        pool.ask(asking(), anything, Box().append)
    pool.close()
