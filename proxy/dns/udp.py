"""Listen for queries over UDP. Most are answered from `ReadyAnswers` within a microsecond or two, without a task.

The socket is read directly, many packets a wake-up (`datagrams.py`): a datagram transport costs more than the answer
does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from indicators.observation import Device
from proxy.dns.alike import AlikeAnswers
from proxy.dns.clients import Client
from proxy.dns.own_address import datagrams_of
from proxy.dns.rate import RateLimit
from proxy.dns.ready import ReadyAnswers
from proxy.dns.responder import Came, Responder, Waits
from proxy.policy_port import Epoch

_MAX_WAITING = 4096  # queries that wait for an upstream; further ones are dropped, and their clients ask again
_MAX_WAITING_OF_ONE = 1024  # of one client, so that others find room
_SEEN_EVERY = 60.0  # seconds


class Clients(Protocol):
    """Know who asks."""

    def of(self, source: str | bytes) -> Client:
        """Return the client behind a source address as the socket gives it: text, or packed."""
        ...

    def renew(self) -> None:
        """Forget what may be otherwise now."""
        ...


class UdpListener:
    """Serve one bound UDP socket until closed."""

    def __init__(
        self,
        sock: socket.socket,
        responder: Responder,
        clients: Clients,
        ready: ReadyAnswers,
        policy: Epoch,
        seen: Callable[[Device], None],
        *,
        limit: RateLimit | None = None,
        alike: AlikeAnswers | None = None,
    ) -> None:
        self._sock = sock
        self._datagrams = datagrams_of(sock)
        self._responder = responder
        self._clients = clients
        self._ready = ready
        self._policy = policy
        self._seen = seen
        self._limit = limit
        self._alike = alike
        self._loop = asyncio.get_running_loop()
        self._waiting = 0  # queries
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        sock.setblocking(False)
        self._loop.add_reader(sock.fileno(), self._readable)

    def _readable(self) -> None:
        now = self._loop.time()
        epoch = self._policy.epoch
        self._ready.follow(epoch)
        self._clients.renew()
        if self._alike is not None:
            self._alike.follow(epoch, now)
        answer, client_of, limit = self._ready.answer, self._clients.of, self._limit
        replies: list[tuple[int, bytes]] = []
        for place, (packet, source) in enumerate(self._datagrams.receive()):
            client = client_of(source)
            if limit is not None and not limit.takes(client, now):
                reply = limit.over_udp(packet, client)
            else:
                reply = answer(client.tag, packet, now) or self._work_out(packet, client, now, place)
            if reply is not None:
                replies.append((place, reply))
        self._datagrams.send(replies)

    def _work_out(self, packet: bytes, client: Client, now: float, place: int) -> bytes | None:
        """Answer what is not ready: like another, or the long way; what has to wait is sent when it is there."""
        if self._alike is not None and now < client.seen_again:
            reply = self._alike.answer(client, packet, now)
            if reply is not None:
                return reply
        found = self._responder.take(packet, Came(client, now, udp=True))
        if now >= client.seen_again and client.allowed and found is not None:
            client.seen_again = now + _SEEN_EVERY
            self._seen(client.device)
        if isinstance(found, Waits):
            self._wait(found, self._datagrams.peer(place), client)
            return None
        return found

    def _wait(self, what: Waits, peer: Any, client: Client) -> None:
        if self._waiting >= _MAX_WAITING or client.waiting >= _MAX_WAITING_OF_ONE:
            return
        self._waiting += 1
        client.waiting += 1
        if not self._responder.begin(what, partial(self._send_later, peer, client)):
            task = self._loop.create_task(self._send_when_there(what, peer, client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _send_later(self, peer: Any, client: Client, reply: bytes) -> None:
        self._waited(client)
        if not self._closed:
            self._datagrams.send_one(reply, peer)

    async def _send_when_there(self, what: Waits, peer: Any, client: Client) -> None:
        try:
            self._datagrams.send_one(await self._responder.wait(what), peer)
        finally:
            self._waited(client)

    def _waited(self, client: Client) -> None:
        self._waiting -= 1
        client.waiting -= 1

    async def close(self) -> None:
        """Stop reading, give up what waits, and close the socket."""
        self._loop.remove_reader(self._sock.fileno())
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sock.close()
