"""Listen for queries over a stream: pipelined, answered as they get ready, ended when idle (RFC 7766, RFC 7858).

Plain TCP and TLS alike: who the client is and how a packet is answered is handed in.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable

from indicators.observation import Device
from proxy.dns.clients import Client
from proxy.dns.rate import RateLimit
from proxy.dns.responder import Came

IDLE = 10.0  # seconds without a query
_MAX_CONNECTIONS = 512
_MAX_OF_ONE = 128  # connections of one client, so that others find room
_MAX_PIPELINED = 64  # questions of one connection that wait at the same time
_SEND_WITHIN = 10.0  # seconds


class TcpListener:
    """Serve connections until closed; `handle` goes to `asyncio.start_server`.

    `who` tells the client of a connection, None for one that may not ask; it is asked again at each query, since a
    device's token may have been revoked meanwhile.
    """

    def __init__(
        self,
        answer: Callable[[bytes, Came], Awaitable[bytes | None]],
        who: Callable[[asyncio.StreamWriter], Client | None],
        seen: Callable[[Device], None],
        clock: Callable[[], float],
        limit: RateLimit | None = None,
        idle: float = IDLE,
        *,
        at_most: int = _MAX_CONNECTIONS,
        of_one: int = _MAX_OF_ONE,
    ) -> None:
        self._answer_to = answer
        self._who = who
        self._seen = seen
        self._clock = clock
        self._limit = limit
        self._idle = idle
        self._at_most = at_most
        self._of_one = of_one
        self._by_client: Counter[bytes] = Counter()
        self._open: set[asyncio.Task[None]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection. One too many, or one from a client that may not ask, is closed at once."""
        task = asyncio.current_task()
        client = self._who(writer)
        if task is None or client is None or not self._has_room(client):
            writer.close()
            return
        self._open.add(task)
        self._by_client[client.tag] += 1
        try:
            self._seen(client.device)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.TaskGroup() as group:
                    await self._serve(reader, writer, group)
        except* (OSError, TimeoutError):
            pass  # the client is gone
        finally:
            self._open.discard(task)
            self._left(client)
            writer.close()

    def _has_room(self, client: Client) -> bool:
        return len(self._open) < self._at_most and self._by_client[client.tag] < self._of_one

    def _left(self, client: Client) -> None:
        self._by_client[client.tag] -= 1
        if not self._by_client[client.tag]:
            del self._by_client[client.tag]

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, group: asyncio.TaskGroup
    ) -> None:
        room = asyncio.Semaphore(_MAX_PIPELINED)
        while True:
            try:
                async with asyncio.timeout(self._idle):
                    size = int.from_bytes(await reader.readexactly(2))
                    packet = await reader.readexactly(size)
            except (TimeoutError, OSError, asyncio.IncompleteReadError):
                return
            client = self._who(writer)
            if client is None:
                return
            await room.acquire()
            group.create_task(self._answer(packet, writer, client, room))

    async def _answer(
        self, packet: bytes, writer: asyncio.StreamWriter, client: Client, room: asyncio.Semaphore
    ) -> None:
        try:
            reply = await self._reply(packet, client)
            if reply is None:
                writer.close()  # what cannot be read ends the connection: its framing is not to be trusted
                return
            writer.write(len(reply).to_bytes(2) + reply)
            async with asyncio.timeout(_SEND_WITHIN):
                await writer.drain()
        finally:
            room.release()

    async def _reply(self, packet: bytes, client: Client) -> bytes | None:
        now = self._clock()
        if self._limit is not None and not self._limit.takes(client, now):
            return self._limit.over_tcp(packet, client)
        return await self._answer_to(packet, Came(client, now))

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
