"""A client's socket crosses from one process's end to another's, with the bytes already read."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy import local_messages
from proxy.front.sender import Answer, Sender
from proxy.hand_over import HEAD, MAX_MESSAGE, HandOver, Kind, accept, listen, receive

PHONE = Device("d1", "a phone", "children", IdentifiedBy.CREDENTIAL, "192.0.2.7", "socks")
ADDRESSES = (ip_address("192.0.2.1"), ip_address("2001:db8::1"))


@pytest.fixture(params=[socket.SOCK_SEQPACKET, socket.SOCK_STREAM], ids=["packets", "stream"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> socket.SocketKind:
    """Each test, as on Linux and as on a system whose Unix sockets do not keep messages apart."""
    found: socket.SocketKind = request.param
    monkeypatch.setattr(local_messages, "kind", lambda: found)
    return found


def fresh(data: bytes = b"") -> HandOver:
    return HandOver(Kind.HTTP, data, PHONE)


def test_the_client_goes_on_talking_to_whoever_took_it(tmp_path: Path) -> None:
    taken: list[tuple[HandOver, socket.socket]] = []
    with listen(tmp_path / "i") as server:
        sender = Sender(tmp_path / "i")
        client, ours = socket.socketpair()
        given = HandOver(Kind.TUNNEL, b"\x16\x03\x01" + bytes(64 * 1024), PHONE, "a.test", 443, ADDRESSES)
        sender.send(given, ours.fileno())
        ours.close()
        peer = accept(server)
        assert peer is not None
        assert receive(peer, lambda note, sock: taken.append((note, sock)))
        assert taken[0][0] == given
        taken[0][1].sendall(b"from the inspector")
        assert client.recv(100) == b"from the inspector"
        sender.end()
        assert not receive(peer, lambda note, sock: taken.append((note, sock)))
        for sock in (client, peer, taken[0][1]):
            sock.close()


def test_what_was_withdrawn_is_never_taken_and_what_was_taken_is_told(tmp_path: Path) -> None:
    taken: list[bytes] = []

    def take(given: HandOver, sock: socket.socket) -> None:
        taken.append(given.data)
        sock.close()

    ours, client = socket.socketpair()
    with listen(tmp_path / "i") as server, ours, client:
        sender = Sender(tmp_path / "i")
        first = sender.send(fresh(b"first"), ours.fileno())
        peer = accept(server)
        assert peer is not None
        assert receive(peer, take)
        sender.send(fresh(b"second"), ours.fileno())
        sender.send(fresh(b"third"), ours.fileno())
        assert sender.end() == [Answer(first, taken=True)]
        assert not receive(peer, take), "what still stands in the queue has no answer that could be sent"
        peer.close()
        assert taken == [b"first"]
        ours.sendall(b"still the front's")
        assert client.recv(100) == b"still the front's"


def test_answers_of_an_inspector_that_is_gone_still_count(tmp_path: Path) -> None:
    ours, client = socket.socketpair()
    with listen(tmp_path / "i") as server, ours, client:
        sender = Sender(tmp_path / "i")
        numbers = [sender.send(fresh(), ours.fileno()), sender.ask()]
        peer = accept(server)
        assert peer is not None
        assert receive(peer, lambda note, sock: sock.close())
        sender.send(fresh(), ours.fileno())  # lies unread when it goes, of which the kernel tells before the answers
        peer.close()
        assert sender.answers() == ([Answer(number, taken=True) for number in numbers], False)
        assert sender.answers() == ([], False)
        sender.end()


def test_what_cannot_be_sent_whole_is_refused_and_what_lost_a_socket_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, client = socket.socketpair()
    with listen(tmp_path / "i") as server, ours, client:
        sender = Sender(tmp_path / "i")
        with pytest.raises(OSError, match="more was read"):
            sender.send(fresh(bytes(MAX_MESSAGE)), ours.fileno())
        number = sender.send(fresh(), ours.fileno())
        peer = accept(server)
        assert peer is not None
        whole = local_messages.receive

        def short_of_descriptors(sock: socket.socket, most: int, descriptors: int) -> tuple[bytes, list[int]]:
            message, came = whole(sock, most, descriptors)
            for each in came:
                os.close(each)
            return message, []

        monkeypatch.setattr(local_messages, "receive", short_of_descriptors)
        assert receive(peer, lambda note, sock: pytest.fail("it has no socket"))
        assert sender.answers() == ([Answer(number, taken=False)], True)
        peer.close()
        sender.end()


def test_a_front_that_died_ends_what_it_had_handed_over(tmp_path: Path) -> None:
    ours, client = socket.socketpair()
    with listen(tmp_path / "i") as server, ours, client:
        sender = Sender(tmp_path / "i")
        sender.ask()
        peer = accept(server)
        assert peer is not None
        assert receive(peer, lambda note, sock: None)
        sender.send(fresh(), ours.fileno())
        os.close(sender.fileno())  # with an answer unread, of which the kernel tells first
        with peer:
            assert not receive(peer, lambda note, sock: pytest.fail("its front has gone"))
        sender._socket.detach()


@pytest.mark.parametrize(
    "message", [b"short", HEAD.pack(1, 0, 1), HEAD.pack(1, 2, 0) + b"{}", HEAD.pack(1, 2, 3) + b"{}"]
)
def test_what_no_front_sends_is_an_error(tmp_path: Path, kind: socket.SocketKind, message: bytes) -> None:
    with listen(tmp_path / "i") as server, socket.socket(socket.AF_UNIX, kind) as stranger:
        stranger.connect(str(tmp_path / "i"))
        local_messages.send(stranger, message, ())
        peer = accept(server)
        assert peer is not None
        with peer, pytest.raises(ValueError, match="of a front"):
            receive(peer, lambda note, sock: pytest.fail("that is none"))


def test_no_inspector_is_an_error_for_the_front_to_map(tmp_path: Path) -> None:
    client, ours = socket.socketpair()
    with client, ours, pytest.raises(FileNotFoundError):
        Sender(tmp_path / "nobody").send(fresh(), ours.fileno())


def test_an_inspector_that_takes_nothing_makes_nobody_wait_in_the_call(tmp_path: Path) -> None:
    client, ours = socket.socketpair()
    with listen(tmp_path / "i"), client, ours:
        sender = Sender(tmp_path / "i")
        with pytest.raises(BlockingIOError):
            while True:
                sender.send(fresh(bytes(MAX_MESSAGE // 2)), ours.fileno())
        sender.end()


def test_another_users_process_is_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: socket.SocketKind
) -> None:
    with listen(tmp_path / "i") as server, socket.socket(socket.AF_UNIX, kind) as stranger:
        stranger.connect(str(tmp_path / "i"))
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert accept(server) is None
        assert stranger.recv(1) == b""


def test_what_a_log_may_say_has_none_of_the_clients_bytes() -> None:
    note = HandOver(Kind.TUNNEL, b"secret", PHONE, "a.test", 443, ADDRESSES).note()
    assert (note["host"], note["port"], note["addresses"]) == ("a.test", 443, ["192.0.2.1", "2001:db8::1"])
    assert "secret" not in str(note)
