"""The one connection that is kept to an upstream: opened once for all who need it, and not lost with who asked first.

An opening goes on when its asker's time is over: on a slow line the next question finds the connection ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

_OPEN_WITHIN = 4.0  # seconds
_GONE_AFTER = 1.5  # seconds in which a peer that was asked sent nothing at all


class Connection(Protocol):
    """What is kept."""

    def retire(self) -> None:
        """Take no more questions; those that wait are still answered."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class Silence:
    """Know how long a peer that was asked has sent nothing: one that is cut off on its way says no word of it."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._since: float | None = None

    def asked(self) -> None:
        """Take note of a question."""
        if self._since is None:
            self._since = self._now()

    def ended(self) -> None:
        """Take note that something came, whatever it was."""
        self._since = None

    @property
    def is_long(self) -> bool:
        """Say whether the peer is to be taken for gone."""
        return self._since is not None and self._now() - self._since > _GONE_AFTER


class Kept[C: Connection]:
    """Hold at most one connection."""

    def __init__(self, open_one: Callable[[], Awaitable[C]]) -> None:
        self._open_one = open_one
        self._opening: asyncio.Task[C] | None = None
        self.current: C | None = None

    async def fitting(self, takes: Callable[[C], bool]) -> C:
        """Return the kept connection if it takes a question, else a new one. Raises OSError."""
        if self.current is not None and takes(self.current):
            return self.current
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    async def _open(self) -> C:
        try:
            async with asyncio.timeout(_OPEN_WITHIN):
                found = await self._open_one()
        except TimeoutError:
            raise ConnectionAbortedError("no connection in time") from None
        self.retire()
        self.current = found
        return found

    def _opened(self, task: asyncio.Task[C]) -> None:
        self._opening = None
        if not task.cancelled():
            task.exception()  # taken note of by who waits, if anybody does

    def retire(self) -> None:
        """Let the connection end when what it carries is answered."""
        if self.current is not None:
            self.current.retire()

    async def close(self) -> None:
        """End the connection, and one that is being opened."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self.current is not None:
            await self.current.close()
            self.current = None
