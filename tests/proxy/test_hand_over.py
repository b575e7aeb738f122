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
from proxy.hand_over import MAX_MESSAGE, HandOver, Kind, Sender, accept, listen, receive

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
        sender.close()
        assert not receive(peer, lambda note, sock: taken.append((note, sock)))
        for sock in (client, peer, taken[0][1]):
            sock.close()


def test_an_inspector_that_was_started_again_is_found(tmp_path: Path) -> None:
    path = tmp_path / "i"
    sender = Sender(path)
    client, ours = socket.socketpair()
    with listen(path) as first:
        sender.send(fresh(b"a"), ours.fileno())
        peer = accept(first)
        assert peer is not None
        peer.close()
    with listen(path) as second:
        sender.send(fresh(b"b"), ours.fileno())
        again = accept(second)
        assert again is not None
        again.close()
    sender.close()
    client.close()
    ours.close()


def test_no_inspector_is_an_error_for_the_front_to_map(tmp_path: Path) -> None:
    client, ours = socket.socketpair()
    with client, ours, pytest.raises(FileNotFoundError):
        Sender(tmp_path / "nobody").send(fresh(), ours.fileno())


def test_an_inspector_that_takes_nothing_makes_nobody_wait_in_the_call(tmp_path: Path) -> None:
    client, ours = socket.socketpair()
    sender = Sender(tmp_path / "i")
    with listen(tmp_path / "i"), client, ours, pytest.raises(BlockingIOError):
        while True:
            sender.send(fresh(bytes(MAX_MESSAGE // 2)), ours.fileno())
    sender.close()


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
