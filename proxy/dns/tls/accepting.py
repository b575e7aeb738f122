"""Accept connections within a limit, in all and for one client address, and speak TLS on those that are let in.

A place counts from the moment a connection is accepted, so that handshakes which never end use it up too. What is
said over the connection is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

HANDSHAKE_WITHIN = 5.0  # seconds
_ACCEPT_AGAIN = 0.5  # seconds after a failure to accept, such as no file descriptor left
_END_WITHIN = 0.5  # seconds that open connections are given to end by themselves

type Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Places:
    """Count connections. `in_all` bounds all of them, `each` those of one client address."""

    in_all: int
    each: int
    taken: Counter[str] = field(default_factory=Counter)

    def take(self, client: str) -> bool:
        """Take a place; false when there is none left, and then nothing is to be given back."""
        if self.taken.total() >= self.in_all or self.taken[client] >= self.each:
            return False
        self.taken[client] += 1
        return True

    def give_back(self, client: str) -> None:
        """Free a place that was taken."""
        self.taken[client] -= 1
        if self.taken[client] <= 0:
            del self.taken[client]


class Acceptor:
    """Run `handle` for every connection to a listening socket that finds a place; the others are closed at once."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, places: Places, handle: Handle) -> None:
        self._sock = sock
        self._context = context
        self._places = places
        self._handle = handle
        self._open: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(self._sock)
            except OSError as problem:
                log.warning("a connection could not be accepted: %s", problem)
                await asyncio.sleep(_ACCEPT_AGAIN)
                continue
            self._admit(connection, peer[0])
            await asyncio.sleep(0)  # a flood that is always ready must not keep the loop from those who are served

    def _admit(self, connection: socket.socket, client: str) -> None:
        if not self._places.take(client):
            connection.close()
            return
        task = asyncio.create_task(self._serve(connection))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        task.add_done_callback(lambda _: self._places.give_back(client))

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            connection.setblocking(False)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_WITHIN
            )
        except OSError:  # also of TLS, and of time
            connection.close()
            return
        try:
            await self._until_gone(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        except Exception:
            log.exception("a connection failed")
        finally:
            transport.close()

    async def _until_gone(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the handler until it ends or the client has gone; hypercorn keeps idling after a client that went."""
        async with asyncio.TaskGroup() as group:
            handling = group.create_task(self._run(reader, writer))
            gone = group.create_task(_closed(writer))
            await asyncio.wait((handling, gone), return_when=asyncio.FIRST_COMPLETED)
            handling.cancel()
            gone.cancel()

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._handle(reader, writer)

    async def close(self) -> None:
        """Stop accepting, then end what is open."""
        self._accepting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._accepting
        self._sock.close()
        if self._open:
            await asyncio.wait(self._open, timeout=_END_WITHIN)
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


async def _closed(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # it was reset
        await writer.wait_closed()
