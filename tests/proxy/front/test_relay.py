"""Relays on real sockets: a slow reader must slow the sender, and an end must travel."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from proxy.front.relay import Relay, join


async def relayed() -> tuple[socket.socket, socket.socket, Relay, Relay]:
    """Return both outer ends of a tunnel, and its two relays."""
    loop = asyncio.get_running_loop()
    near, inner_near = socket.socketpair()
    far, inner_far = socket.socketpair()
    client, upstream = Relay(), Relay()
    join(client, upstream)
    for relay, sock in ((client, inner_near), (upstream, inner_far)):
        sock.setblocking(False)
        await loop.connect_accepted_socket(lambda relay=relay: relay, sock)  # type: ignore[misc]
    near.setblocking(False)
    far.setblocking(False)
    return near, far, client, upstream


async def test_a_slow_reader_holds_the_sender_back_and_nothing_is_lost() -> None:
    near, far, client, upstream = await relayed()
    loop = asyncio.get_running_loop()
    total = 0
    async with asyncio.timeout(10):
        while client.transport is not None and client.transport.is_reading():  # until the tunnel pushes back
            with contextlib.suppress(BlockingIOError):
                total += near.send(bytes(65536))
            await asyncio.sleep(0)
        assert upstream.transport is not None
        assert upstream.transport.get_write_buffer_size() < 1_000_000
        near.shutdown(socket.SHUT_WR)
        read = 0
        while data := await loop.sock_recv(far, 1 << 20):
            read += len(data)
    assert read == total == client.received
    for sock in (near, far):
        sock.close()
    client.abort()
    upstream.abort()


async def test_each_side_may_end_by_itself() -> None:
    near, far, client, upstream = await relayed()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        near.shutdown(socket.SHUT_WR)
        assert await loop.sock_recv(far, 10) == b""
        await loop.sock_sendall(far, b"still here")
        assert await loop.sock_recv(near, 20) == b"still here"
        far.close()
        assert await loop.sock_recv(near, 10) == b""
        near.close()
        while not (client.transport is None or client.transport.is_closing()):
            await asyncio.sleep(0)
    assert upstream.has_ended


async def test_dropping_one_side_leaves_the_other_to_its_owner() -> None:
    near, far, client, upstream = await relayed()
    upstream.abort()
    async with asyncio.timeout(10):
        assert await asyncio.get_running_loop().sock_recv(far, 10) == b""
    assert client.transport is not None
    assert not client.transport.is_closing()
    client.abort()
    near.close()
    far.close()


async def dialled_early() -> tuple[socket.socket, socket.socket, Relay, Relay]:
    """Return both outer ends, and two relays of which neither knows the other yet."""
    near, far, client, upstream = await relayed()
    client.peer = upstream.peer = None
    return near, far, client, upstream


async def test_what_a_server_says_before_anybody_listens_is_kept_in_order() -> None:
    near, far, client, upstream = await dialled_early()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        await loop.sock_sendall(far, b"220 ready")
        while not upstream.received:
            await asyncio.sleep(0)
        await loop.sock_sendall(far, b" when you are")
        join(client, upstream)
        said = b""
        while len(said) < len(b"220 ready when you are"):
            said += await loop.sock_recv(near, 100)
        await loop.sock_sendall(near, b"HELO")
        assert await loop.sock_recv(far, 10) == b"HELO"
    assert said == b"220 ready when you are"
    client.cut()
    near.close()
    far.close()


async def test_a_server_that_left_before_anybody_listened_ends_the_tunnel() -> None:
    near, far, client, upstream = await dialled_early()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        far.close()
        while upstream.transport and not upstream._gone:
            await asyncio.sleep(0)
        client.meet(upstream)
        upstream.meet(client)
        assert await loop.sock_recv(near, 10) == b""
    client.abort()
    near.close()


async def test_what_arrives_without_a_transport_is_counted_and_a_lonely_relay_does_nothing() -> None:
    lonely = Relay()
    lonely.get_buffer(-1)[:3] = b"abc"
    lonely.buffer_updated(3)
    lonely.pause_writing()
    lonely.resume_writing()
    assert lonely.received == 3
    assert lonely.eof_received() is False
    lonely.connection_lost(None)
    lonely.meet(Relay())
    lonely.abort()
