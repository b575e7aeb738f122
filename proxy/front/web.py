"""The requests of one connection in plain HTTP, one after the other: to the proxy itself, or inside a tunnel.

Each is read, judged and written anew; a verdict on the first says nothing about the second. Between two requests the
connection can change hands as it could before the first: what is for the inspector is handed over with its bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from proxy.front.client import Client
from proxy.front.crossing import Passage
from proxy.front.doorway import Caller, Doorway
from proxy.front.exchange import BeyondUsError, Exchange, Served
from proxy.front.greetings import Request, read_request
from proxy.front.requests import Way, way_of
from proxy.front.stream import Stream
from proxy.front.upstreams import Upstreams
from proxy.hand_over import HandOver

IDLE = 120.0  # seconds that a connection is kept without a request
_LINGER = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Begun:
    """Hold a server's connection whose answer the inspector is to take, and where it was judged to lead."""

    upstream: Stream
    passage: Passage


type Give = Callable[[Caller, Begun | None], Awaitable[None]]


class Web:
    """Serve one client's requests. `give` hands the client over, with a server's connection if that has answered."""

    def __init__(self, client: Client, door: Doorway, give: Give, inside: Passage | None = None) -> None:
        self._client = client
        self._door = door
        self._give = give
        self._inside = inside
        self._upstreams = Upstreams()

    async def next(self) -> Request | None:
        """Wait for the next request; nothing when the client has no more."""
        client = self._client
        while not (request := read_request(client.data)):
            if client.has_ended and not client.data.strip(b"\r\n"):
                return None
            await client.more()
        return request

    async def serve(self, caller: Caller, request: Request) -> bool:
        """Serve one request; false when the client has ended, or is another's from here on."""
        client, agent = self._client, request.headers.get("user-agent", "")
        way = await way_of(self._door, caller, request, self._inside)
        if way is None:
            await self._give(caller, None)
            return False
        self._door.reporter.device_seen(caller.device, agent)
        head = client.data[: request.head]
        client.data = client.data[request.head :]
        exchange = Exchange(client, self._door, caller, request, way)
        try:
            await self._settled(exchange, way)
        except BeyondUsError as beyond:
            client.data = head + client.data
            beyond.upstream.transport.pause_reading()
            await self._give(caller, Begun(beyond.upstream, way.passage))
            return False
        if exchange.switched:
            return False
        if exchange.lasts and await self._is_asked_again():
            return True
        await self.end()
        return False

    async def end(self) -> None:
        """Close the client's connection once it has read all: closed with bytes unread, it would lose the answer."""
        client = self._client
        client.may_wait()
        client.transport.write_eof()
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_LINGER):
                while True:
                    client.take()
                    await client.more()
        client.transport.close()

    def close(self) -> None:
        """Close the connections to servers."""
        self._upstreams.close()

    async def _settled(self, exchange: Exchange, way: Way) -> None:
        """Run an exchange; meanwhile the client is one of the open connections, not of the undecided."""
        client = self._client
        ended = self._door.tunnels.add(Served(way.passage, way.said, client))
        client.settle()
        client.may_wait()
        try:
            await exchange.run(self._upstreams)
        finally:
            ended()
        if not exchange.switched:
            client.unsettle()

    async def _is_asked_again(self) -> bool:
        """Wait for the beginning of another request."""
        client = self._client
        try:
            async with asyncio.timeout(IDLE):
                await client.some()
        except (TimeoutError, ConnectionError):
            return False
        client.must_speak()
        return True


def with_answer(given: HandOver, begun: Begun | None) -> HandOver:
    """Add the connection of a server that has answered already to what is handed over."""
    if begun is None:
        return given
    place = begun.passage
    return replace(
        given,
        host=place.host,
        port=place.port,
        addresses=place.addresses,
        upstream=begun.upstream.transport.get_extra_info("socket"),
        answered=begun.upstream.data,
    )
