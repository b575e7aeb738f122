"""Take over the connections that the front hands to this inspector. What becomes of them is for mitmproxy.

The front's process is known by its user (see `proxy.hand_over`); a connection that comes otherwise never gets here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from indicators.observation import Device
from proxy import hand_over
from proxy.hand_over import HandOver

log = logging.getLogger(__name__)

type Serve = Callable[[HandOver, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Taker:
    """Listen at the inspector's socket and have each client served."""

    def __init__(self, path: Path, serve: Serve) -> None:
        self._path = path
        self._serve = serve
        self._server: socket.socket | None = None
        self._fronts: set[socket.socket] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._clients: dict[asyncio.StreamWriter, Device] = {}

    def start(self) -> None:
        """Bind the socket. Raises OSError."""
        self._server = hand_over.listen(self._path)
        asyncio.get_running_loop().add_reader(self._server, self._accept)

    def close(self) -> None:
        """Take nothing more; clients that were taken go on until the engine ends them."""
        loop = asyncio.get_running_loop()
        for each in (*self._fronts, *((self._server,) if self._server else ())):
            loop.remove_reader(each)
            each.close()
        self._fronts.clear()
        self._server = None
        self._path.unlink(missing_ok=True)

    def end(self, gone: Callable[[Device], bool]) -> int:
        """Cut the clients of devices that are gone; return how many."""
        found = [writer for writer, device in self._clients.items() if gone(device)]
        for writer in found:
            writer.transport.abort()
        return len(found)

    def _accept(self) -> None:
        assert self._server is not None  # noqa: S101 - only called while it listens
        try:
            front = hand_over.accept(self._server)
        except OSError as problem:  # gone again, or no descriptor left
            log.warning("a front could not be let in: %s", problem)
            return
        if front is None:
            log.warning("a process of another user wanted to hand a connection over")
            return
        self._fronts.add(front)
        asyncio.get_running_loop().add_reader(front, self._receive, front)

    def _receive(self, front: socket.socket) -> None:
        try:
            if hand_over.receive(front, self._take):
                return
        except (OSError, ValueError, KeyError) as problem:
            log.warning("a hand-over could not be read: %s", problem)
        asyncio.get_running_loop().remove_reader(front)
        self._fronts.discard(front)
        front.close()

    def _take(self, given: HandOver, client: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._run(given, client), name="a client that was handed over")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _run(self, given: HandOver, client: socket.socket) -> None:
        try:
            reader, writer = await _opened(given.data, client)
        except OSError as problem:
            client.close()
            _has_gone(given, problem)
            return
        self._clients[writer] = given.device
        try:
            await self._serve(given, reader, writer)
        except OSError as problem:
            writer.transport.abort()  # it owns the socket now
            _has_gone(given, problem)
        finally:
            del self._clients[writer]


def _has_gone(given: HandOver, problem: OSError) -> None:
    log.debug("a client that was handed over has gone: %s", problem)
    if given.upstream:
        given.upstream.close()


async def _opened(data: bytes, client: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a client's stream; the bytes already read stand before all that still comes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    reader.feed_data(data)  # before the transport is there: it may read at once
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, client)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
