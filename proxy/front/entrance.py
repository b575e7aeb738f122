"""One accepted connection, from its first byte until it is spliced, handed over or refused.

It reads the greeting, asks `Crossing` whether the connection may pass untouched, and does what follows. It never
decrypts, never answers a request itself but for the proxy protocols' own replies, and judges nothing.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from indicators.observation import Device
from proxy.front.client_hello import NotTlsError, looks_like_tls, read_client_hello
from proxy.front.crossing import Crossing, Passage
from proxy.front.dialing import dial
from proxy.front.greetings import (
    NO_AUTHENTICATION,
    SUCCEEDED,
    UNREACHABLE,
    Asked,
    GreetingError,
    may_be_connect,
    read_connect,
    read_socks_methods,
    read_socks_request,
)
from proxy.front.relay import Relay, join
from proxy.hand_over import HandOver

WEB_PORTS = frozenset((80, 443, 853, 8080, 8443))
"""Ports where the client speaks first; elsewhere upstream is dialled at once, or SSH and SMTP would wait forever."""
BEFORE_VERDICT = 30.0  # seconds for a client to say where it wants to go
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_HTTP_METHODS = tuple(f"{name} ".encode() for name in "GET HEAD POST PUT DELETE OPTIONS PATCH TRACE".split())


@dataclass(frozen=True, slots=True)
class Doorway:
    """Hold what all connections of one listener share."""

    listener: str  # "http" or "socks"
    crossing: Crossing
    device_of: Callable[[str, str], Device]
    hand_over: Callable[[HandOver, int], None]
    tunnels: weakref.WeakSet[Relay]


class Entrance(asyncio.Protocol):
    """Take one connection through its greeting."""

    def __init__(self, doorway: Doorway) -> None:
        self._door = doorway
        self._data = b""
        self._ended = False
        self._news: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._task = asyncio.get_running_loop().create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Keep what was sent until somebody asks for it."""
        self._data += data
        self._wake()

    def eof_received(self) -> None:
        """Note that the client will send nothing more."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was under way."""
        self._ended = True
        if self._task:
            self._task.cancel()

    def _wake(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    async def _more(self) -> None:
        """Wait for more bytes. Raises ConnectionAbortedError when none will come."""
        if self._ended:
            raise ConnectionAbortedError("the client ended within its greeting")
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(BEFORE_VERDICT) as limit:
                served = self._http if self._door.listener == "http" else self._socks
                await served(limit)
        except GreetingError as error:
            self._transport.write(error.reply)
            self._transport.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self._transport.abort()

    async def _http(self, limit: asyncio.Timeout) -> None:
        """Serve CONNECT; all else is for the inspector, which reads every request of the connection."""
        while not self._data:
            await self._more()
        asked = await self._connect_request() if may_be_connect(self._data) else None
        passage = await self._passage(asked) if asked else None
        if asked is None or passage is None:
            self._give_away()
            return
        self._data = asked.rest
        await self._pass(passage, _ESTABLISHED, _BAD_GATEWAY, limit)

    async def _connect_request(self) -> Asked | None:
        while may_be_connect(self._data):
            asked = read_connect(self._data)
            if asked:
                return asked
            await self._more()
        return None

    async def _socks(self, limit: asyncio.Timeout) -> None:
        while not (length := read_socks_methods(self._data)):
            await self._more()
        self._transport.write(NO_AUTHENTICATION)
        self._data = self._data[length:]
        while not (asked := read_socks_request(self._data)):
            await self._more()
        self._data = asked.rest
        passage = await self._passage(asked)
        if passage:
            await self._pass(passage, SUCCEEDED, UNREACHABLE, limit)
            return
        self._transport.write(SUCCEEDED)
        while not self._data:
            await self._more()
        self._give_away(asked.host, asked.port)

    async def _passage(self, asked: Asked) -> Passage | None:
        peer = self._transport.get_extra_info("peername")
        device = self._door.device_of(str(peer[0]) if peer else "", self._door.listener)
        return await self._door.crossing.destination(device, asked.host, asked.port)

    async def _pass(self, passage: Passage, welcome: bytes, sorry: bytes, limit: asyncio.Timeout) -> None:
        if passage.port not in WEB_PORTS:
            await self._let_server_speak(passage, welcome, sorry, limit)
            return
        self._transport.write(welcome)
        if not await self._may_pass(passage):
            self._give_away(passage.host, passage.port)
            return
        upstream = Relay()
        await dial(passage.addresses, passage.port, upstream)
        self._join(upstream, passage)

    async def _let_server_speak(self, passage: Passage, welcome: bytes, sorry: bytes, limit: asyncio.Timeout) -> None:
        """Dial at once and pass on what the server says, while the client's first bytes are held until judged."""
        upstream = Relay()
        try:
            await dial(passage.addresses, passage.port, upstream)
        except (OSError, TimeoutError):
            self._transport.write(sorry)
            self._transport.close()
            return
        try:
            self._transport.write(welcome)
            limit.reschedule(None)  # both sides may be silent for as long as they like
            upstream.peer = _half(self._transport)
            clear = await self._may_pass(passage)
        except BaseException:
            upstream.abort()
            raise
        if clear:
            self._join(upstream, passage)
            return
        upstream.abort()
        if upstream.received:  # the inspector could not repeat what the server said
            self._transport.abort()
        else:
            self._give_away(passage.host, passage.port)

    async def _may_pass(self, passage: Passage) -> bool:
        """Read the first bytes until they show whether the inspector is needed."""
        while not self._data:
            await self._more()
        while looks_like_tls(self._data):
            try:
                hello = read_client_hello(self._data)
            except NotTlsError:
                return False
            if hello:
                return self._door.crossing.may_splice(passage, hello.server_name)
            await self._more()
        if passage.port in WEB_PORTS:
            return False
        while any(method.startswith(self._data) for method in _HTTP_METHODS):
            await self._more()
        return not self._data.startswith(_HTTP_METHODS)

    def _join(self, upstream: Relay, passage: Passage) -> None:
        """Make the two sockets one tunnel; this object is out of the way from here on."""
        self._door.crossing.count(passage)
        client = _half(self._transport)
        join(client, upstream)
        self._door.tunnels.add(upstream)
        if upstream.transport and self._data:
            upstream.transport.write(self._data)
        self._data, self._task = b"", None
        self._transport.set_protocol(client)

    def _give_away(self, host: str = "", port: int = 0) -> None:
        """Hand the socket to an inspector with all that was read, and let go of it."""
        given = HandOver(self._door.listener, self._data, host, port)
        self._task = None
        self._transport.pause_reading()
        try:
            self._door.hand_over(given, self._transport.get_extra_info("socket").fileno())
        finally:
            self._transport.abort()


def _half(transport: asyncio.Transport) -> Relay:
    half = Relay()
    half.transport = transport
    return half
