"""A client's socket crosses from one process's end to another's, with the bytes already read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from proxy.hand_over import HandOver, Sender, accept, as_json, listen, receive


def test_the_client_goes_on_talking_to_whoever_took_it(tmp_path: Path) -> None:
    taken: list[tuple[HandOver, socket.socket]] = []
    with listen(tmp_path / "i") as server:
        sender = Sender(tmp_path / "i")
        client, ours = socket.socketpair()
        given = HandOver("http", b"\x16\x03\x01" + bytes(60_000), "a.test", 443)
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
        sender.send(HandOver("http", b"a"), ours.fileno())
        peer = accept(first)
        assert peer is not None
        peer.close()
    with listen(path) as second:
        sender.send(HandOver("http", b"b"), ours.fileno())
        assert accept(second) is not None
    sender.close()
    client.close()
    ours.close()


def test_no_inspector_is_an_error_for_the_front_to_map(tmp_path: Path) -> None:
    client, ours = socket.socketpair()
    with client, ours, pytest.raises(FileNotFoundError):
        Sender(tmp_path / "nobody").send(HandOver("http", b""), ours.fileno())


def test_another_users_process_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listen(tmp_path / "i") as server, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.connect(str(tmp_path / "i"))
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert accept(server) is None
        assert stranger.recv(1) == b""


def test_a_log_says_where_to_but_not_what() -> None:
    assert as_json(HandOver("socks", b"secret", "a.test", 443)) == {"listener": "socks", "host": "a.test", "port": 443}
