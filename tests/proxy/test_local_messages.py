from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from proxy import local_messages
from proxy.local_messages import kind, peer_uid, receive, send

type Pair = tuple[socket.socket, socket.socket]
MOST = 512 * 1024


@pytest.fixture(params=[socket.SOCK_SEQPACKET, socket.SOCK_STREAM], ids=["packets", "stream"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    one, other = socket.socketpair(socket.AF_UNIX, request.param)
    with one, other:
        one.setblocking(False)
        other.setblocking(False)
        yield one, other


@pytest.fixture
def stream() -> Iterator[Pair]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other:
        one.setblocking(False)
        other.setblocking(False)
        yield one, other


def test_messages_stay_apart_and_each_has_its_descriptors(pair: Pair) -> None:
    one, other = pair
    with pytest.raises(BlockingIOError):
        receive(other, MOST, 2)
    near, far = os.pipe()
    send(one, b"first", [near])
    send(one, bytes(50_000), [near, far])
    message, came = receive(other, MOST, 2)
    assert (message, len(came)) == (b"first", 1)
    second, two = receive(other, MOST, 2)
    assert (second, len(two)) == (bytes(50_000), 2)
    os.write(two[1], b"x")
    assert os.read(came[0], 1) == b"x"
    one.close()
    assert receive(other, MOST, 2) == (b"", [])
    for handle in (near, far, *came, *two):
        os.close(handle)


def test_where_nobody_reads_nothing_is_sent_in_part(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_messages, "_PROMPTLY", 0.05)
    one, other = pair
    near, far = os.pipe()
    with pytest.raises(BlockingIOError):
        while True:
            send(one, bytes(100_000), [near])
    whole = 0
    try:
        while message := receive(other, MOST, 2)[0]:
            assert message == bytes(100_000)
            whole += 1
    except (BlockingIOError, ConnectionAbortedError):
        pass
    assert whole
    os.close(near)
    os.close(far)


def test_a_long_message_goes_over_while_it_is_read(stream: Pair) -> None:
    one, other = stream
    near, far = os.pipe()
    sending = threading.Thread(target=send, args=(one, bytes(MOST), [near]))
    sending.start()
    while True:
        try:
            message, came = receive(other, MOST, 2)
            break
        except BlockingIOError:
            continue
    sending.join()
    assert (message, len(came)) == (bytes(MOST), 1)
    for handle in (near, far, *came):
        os.close(handle)


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"\0\0", "does not go on"), (b"\0\0\0\x09abc", "does not go on"), (b"\xff\xff\xff\xff", "too long")],
)
def test_what_is_no_message_is_an_error(stream: Pair, data: bytes, why: str) -> None:
    one, other = stream
    one.sendall(data)
    one.close()
    with pytest.raises(ConnectionAbortedError, match=why):
        receive(other, MOST, 2)


def test_the_kind_is_what_the_system_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> socket.socket:
        raise OSError(43, "Protocol not supported")

    kind.cache_clear()
    assert kind() is socket.SOCK_SEQPACKET
    kind.cache_clear()
    monkeypatch.setattr(socket, "socket", refused)
    assert kind() is socket.SOCK_STREAM
    kind.cache_clear()


def test_who_is_at_the_other_end(pair: Pair) -> None:
    assert peer_uid(pair[0]) == os.getuid()
