"""One accepted connection before it is spliced, handed over or refused: its bytes, its deadline, its end.

What is done with a client is another's (`greeting.py`, `passing.py`); here only waiting, and what follows from errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from socket import SO_LINGER, SOL_SOCKET, socket
from typing import cast

from proxy.front.greetings import GreetingError
from proxy.front.held_elsewhere import end_for_all
from proxy.front.stream import Stream

BEFORE_VERDICT = 30.0  # seconds for a client to say where it wants to go
_AT_ONCE = struct.pack("ii", 1, 0)


class Client(Stream):
    """Hold one client until it is settled.

    `waiting` holds the clients that are not settled, longest first; each puts itself in and takes itself out. Whoever
    has that ends those past their `deadline`: one look at all of them costs less than a timer for each.
    """

    __slots__ = ("_serve", "_task", "_waiting", "address", "deadline", "held_elsewhere", "leave", "leaves_at_end")

    def __init__(
        self, serve: Callable[[Client], Awaitable[None]], waiting: MutableMapping[Client, None] | None = None
    ) -> None:
        super().__init__()
        self._waiting = {} if waiting is None else waiting
        self.address = ""
        self.leaves_at_end = False  # its last byte means that it has gone
        self.held_elsewhere = False  # an inspector that does not take it has a copy of the socket in its queue
        self.leave: Callable[[], None] | None = None  # gives its place free; see `proxy.front.shares`
        self._serve = serve
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._waiting[self] = None
        loop = asyncio.get_running_loop()
        self.deadline: float | None = loop.time() + BEFORE_VERDICT
        self._task = asyncio.Task(self._run(), loop=loop, eager_start=True)

    def eof_received(self) -> bool:
        """Note that no more will come."""
        super().eof_received()
        if self.leaves_at_end:
            self.transport.abort()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was under way."""
        super().connection_lost(exc)
        if self.held_elsewhere:
            end_for_all(self.transport)
        if leave := self.keep_place():
            leave()
        self._waiting.pop(self, None)
        if self._task:
            self._task.cancel()

    @property
    def socket(self) -> socket:
        """Return the socket itself."""
        return cast("socket", self.transport.get_extra_info("socket"))

    def leave_at_end(self) -> None:
        """Take its last byte for its going, also one that has come: who has asked and ended waits for nothing."""
        self.leaves_at_end = True
        if self.has_ended:
            self.transport.abort()

    def settle(self) -> None:
        """Count no more among the undecided, until `unsettle`."""
        self._waiting.pop(self, None)

    def unsettle(self) -> None:
        """Count among the undecided again, as the one that has been so for the shortest time."""
        if not self.transport.is_closing():
            self._waiting[self] = None

    def must_speak(self) -> None:
        """Set the deadline anew."""
        self.deadline = asyncio.get_running_loop().time() + BEFORE_VERDICT

    def may_wait(self) -> None:
        """Lift the deadline: from here on both sides may be silent for as long as they like."""
        self.deadline = None

    def is_late(self, now: float) -> bool:
        """Say whether it has not said in time what it wants; `now` is the loop's time."""
        return self.deadline is not None and now >= self.deadline

    def keep_place(self) -> Callable[[], None] | None:
        """Return what gives its place free, which is the caller's to do from now on."""
        leave, self.leave = self.leave, None
        return leave

    def let_go(self) -> bytes:
        """Return what was sent and not taken; this object is out of the way from here on."""
        self._waiting.pop(self, None)
        self._task = None
        return self.take()

    def reset(self) -> None:
        """Break the connection off, so that no client takes what it has read for the whole."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(SOL_SOCKET, SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def refuse(self, reply: bytes) -> None:
        """Send a last answer and close."""
        self.transport.write(reply)
        self.transport.close()

    async def _run(self) -> None:
        try:
            await self._serve(self)
        except GreetingError as error:
            self.refuse(error.reply)
        except (OSError, TimeoutError):
            self.transport.abort()
