"""Go on with an exchange that the front has begun: its request was sent, and the server has begun to answer.

mitmproxy would connect and ask again, which a link that is good for one download does not bear. So the connection it
opens for that request is the front's: the request it writes is dropped, and only then comes what the server has sent.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

_HEAD_ENDS = b"\r\n\r\n"

type Connect = Callable[..., Awaitable[Any]]


class Begun:
    """Hold a server's connection, and what it has answered so far to the client's first request, which had no body."""

    def __init__(self, sock: socket.socket, answered: bytes) -> None:
        self.answered = answered
        self._sock: socket.socket | None = sock

    @property
    def place(self) -> tuple[str, int]:
        """Return the address and port of the server; none when the connection was taken or is gone."""
        try:
            where: tuple[Any, ...] = self._sock.getpeername() if self._sock else ()
        except OSError:
            where = ()
        return (str(where[0]), int(where[1])) if len(where) > 1 else ("", 0)

    def take(self) -> socket.socket | None:
        """Return the connection, once."""
        sock, self._sock = self._sock, None
        return sock

    def close(self) -> None:
        """Close the connection unless it was taken."""
        sock = self.take()
        if sock:
            sock.close()


_begun: ContextVar[Begun | None] = ContextVar("begun", default=None)


def go_on(begun: Begun) -> None:
    """Let the next connection that this task opens be the one that was begun."""
    _begun.set(begun)


async def connection(own: Connect, factory: Callable[[], Any], *where: Any, **more: Any) -> Any:
    """Stand in for a loop's `create_connection`: return the begun connection, if this task has one, else a new one."""
    begun = _begun.get()
    sock = begun.take() if begun else None
    if begun is None or sock is None:
        return await own(factory, *where, **more)
    transport, holding = await own(_Holding, sock=sock)
    transport.pause_reading()
    protocol = factory()
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    return _Asked(transport, protocol, begun.answered + holding.data, ended=holding.ended), protocol


class _Holding(asyncio.Protocol):
    """Keep what a server goes on to say before anybody can pause it: a loop may read as soon as it has a socket."""

    def __init__(self) -> None:
        self.data = b""
        self.ended = False

    def data_received(self, data: bytes) -> None:
        """Keep more."""
        self.data += data

    def eof_received(self) -> bool:
        """Note that there is no more, and leave the connection open for what is still to be written."""
        self.ended = True
        return True


class _Asked:
    """Drop the first head that is written to a transport, then let its answer come; all else is the transport's.

    `ended` says that the server has said all: its answer is followed by the end.
    """

    def __init__(
        self, transport: asyncio.Transport, protocol: asyncio.Protocol, answered: bytes, *, ended: bool
    ) -> None:
        self._transport = transport
        self._protocol = protocol
        self._answered = answered
        self._ended = ended
        self._written: bytes | None = b""

    def write(self, data: bytes) -> None:
        """Write what follows the first head."""
        if self._written is None:
            self._transport.write(data)
            return
        self._written += data
        _, ended, rest = self._written.partition(_HEAD_ENDS)
        if not ended:
            return
        self._written = None
        self._transport.resume_reading()
        self._protocol.data_received(self._answered)
        if self._ended and not self._protocol.eof_received():
            self._transport.close()
        if rest:
            self._transport.write(rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
