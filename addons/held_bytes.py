"""Share out how many bytes of bodies are held at the same time, among all flows of one process.

First come, first served: a small body does not overtake a large one that waits, so that everyone's turn comes. Nothing
here knows a flow.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

IN_ALL = 96 * 1024 * 1024  # bytes
_BEYOND = 2  # times as much, with all that cannot wait


class Holder(NamedTuple):
    """Name one body by its client and flow."""

    client: str
    flow: str


@dataclass(slots=True)
class HeldBytes:
    """Count bytes by who holds them. What is larger than `in_all` counts as all of it: it is held alone."""

    in_all: int = IN_ALL
    _held: dict[Holder, int] = field(default_factory=dict)
    _turns: deque[tuple[Holder, int, asyncio.Future[bool]]] = field(default_factory=deque)

    @property
    def held(self) -> int:
        """Return the bytes that are held."""
        return sum(self._held.values())

    @property
    def waiting(self) -> int:
        """Return how many wait for their turn."""
        return len(self._turns)

    def take_now(self, who: Holder, size: int, beyond: bool = False) -> bool:
        """Take `size` bytes if there is room and nobody waits.

        `beyond` is for who cannot wait: he goes before those who do, and finds twice the room.
        """
        size = min(size, self.in_all)
        room = self.in_all * (_BEYOND if beyond else 1) - self.held
        if size > room or (self._turns and not beyond):
            return False
        self._held[who] = size
        return True

    async def take(self, who: Holder, size: int, within: float) -> bool:
        """Wait for `size` bytes; false when there was no room `within` so many seconds, or the client has gone.

        A caller that is cancelled while it waits takes nothing.
        """
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._turns.append((who, min(size, self.in_all), turn))
        self._next()
        taken = False
        try:
            async with asyncio.timeout(within):
                taken = await turn
        except TimeoutError:
            pass
        finally:
            if not taken:
                self.give_back(who)
        return taken

    def give_back(self, who: Holder) -> None:
        """Free what `who` holds or waits for, if anything; the next in turn go on."""
        self._held.pop(who, None)
        self._end_turns(lambda one: one == who)

    def gone(self, client: str) -> None:
        """Free everything that a client's flows hold or wait for."""
        for who in [who for who in self._held if who.client == client]:
            del self._held[who]
        self._end_turns(lambda one: one.client == client)

    def _end_turns(self, ended: Callable[[Holder], bool]) -> None:
        for entry in [entry for entry in self._turns if ended(entry[0])]:
            self._turns.remove(entry)
            if not entry[2].done():
                entry[2].set_result(False)
        self._next()

    def _next(self) -> None:
        while self._turns and self.held + self._turns[0][1] <= self.in_all:
            who, size, turn = self._turns.popleft()
            if not turn.done():
                self._held[who] = size
                turn.set_result(True)
