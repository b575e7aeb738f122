"""Listen for queries over UDP. Most are answered from `ReadyAnswers` within a microsecond or two, without a task.

The socket is read directly, many packets a wake-up: a datagram transport costs more than the answer does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from indicators.observation import Device
from proxy.dns.clients import Client, Clients
from proxy.dns.rate import RateLimit
from proxy.dns.ready import ReadyAnswers
from proxy.dns.responder import Came, Responder

_MAX_QUERY = 4096  # octets; a longer datagram is cut, and then is no query
_BATCH = 64  # packets a wake-up, so that other work gets its turn
_MAX_WAITING = 4096  # queries that wait for an upstream; further ones are dropped, and their clients ask again
_SEEN_EVERY = 60.0  # seconds


class Epoch(Protocol):
    """Rise whenever a verdict may have changed (`proxy.policy.LivePolicy`)."""

    @property
    def epoch(self) -> int:
        """Return the number of the policy in force."""
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
    ) -> None:
        self._sock = sock
        self._responder = responder
        self._clients = clients
        self._ready = ready
        self._policy = policy
        self._seen = seen
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        self._loop.add_reader(sock.fileno(), self._readable)

    def _readable(self) -> None:
        now = self._loop.time()
        self._ready.follow(self._policy.epoch)
        receive, send, answer, client_of = self._sock.recvfrom, self._sock.sendto, self._ready.answer, self._clients.of
        limit = self._limit
        for _ in range(_BATCH):
            try:
                packet, peer = receive(_MAX_QUERY)
            except OSError:  # empty, or an ICMP error that some earlier reply met
                return
            client = client_of(peer[0])
            if limit is not None and not limit.takes(client, now):
                reply = limit.over_udp(packet, client)
            else:
                reply = answer(client.tag, packet, now) or self._work_out(packet, client, now, peer)
            if reply is None:
                continue
            try:
                send(reply, peer)
            except OSError:  # the client is gone or its way is full: it asks again
                continue

    def _work_out(self, packet: bytes, client: Client, now: float, peer: Any) -> bytes | None:
        """Answer the long way; what has to wait is sent when it is there."""
        found = self._responder.take(packet, Came(client, now, udp=True))
        if now >= client.seen_again and client.allowed and found is not None:
            client.seen_again = now + _SEEN_EVERY
            self._seen(client.device)
        if isinstance(found, Coroutine):
            self._wait(found, peer)
            return None
        return found if isinstance(found, bytes) else None

    def _wait(self, found: Coroutine[Any, Any, bytes | None], peer: Any) -> None:
        if len(self._waiting) >= _MAX_WAITING:
            found.close()
            return
        task = self._loop.create_task(self._send_later(found, peer))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _send_later(self, found: Coroutine[Any, Any, bytes | None], peer: Any) -> None:
        reply = await found
        if reply is not None:
            try:
                self._sock.sendto(reply, peer)
            except OSError:
                return

    async def close(self) -> None:
        """Stop reading, give up what waits, and close the socket."""
        self._loop.remove_reader(self._sock.fileno())
        for task in list(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        self._sock.close()
