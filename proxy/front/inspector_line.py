"""One inspector as the front sees it: what it was handed and has not taken yet, and whether it still takes anything.

A process that is stuck keeps its socket open, and the kernel goes on queueing for it. So each hand-over waits for an
answer; when none comes for some looks in a row, all that wait are withdrawn and it gets nothing more until it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog

from proxy.front.sender import Answer, Sender
from proxy.hand_over import HandOver

LOOK = 1.0  # seconds between looks at an inspector that somebody waits for
LOOKS = 5  # looks without an answer; time in which this process itself was held up counts as one

log = structlog.get_logger("front")


class InspectorLine:
    """Hand sockets to the inspector that listens at a path, through all its starts."""

    def __init__(self, path: Path, look: float = LOOK) -> None:
        self._path = path
        self._every = look
        self._sender: Sender | None = None
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._silent = False  # it let lie what it was handed, and has not answered since
        self._heard = False  # since the last look
        self._missed = 0  # looks in a row
        self._timer: asyncio.TimerHandle | None = None

    async def give(self, given: HandOver, client: int) -> None:
        """Hand over the socket with this descriptor and wait until it is taken.

        Raises OSError when it is not, and then never will be: it may be given again, or served otherwise.
        """
        if self._silent:
            raise TimeoutError("the inspector does not answer")
        try:
            number = self._connected().send(given, client)
        except ConnectionError:
            self._withdraw("the inspector has gone")
            raise
        taken = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._watch()
        try:
            await taken
        finally:
            if self._waiting.get(number) is taken:  # another connection counts anew
                del self._waiting[number]

    def close(self) -> None:
        """Close the connection; what was not taken is withdrawn."""
        if self._timer:
            self._timer.cancel()
        self._withdraw("the front ends")

    def _connected(self) -> Sender:
        if self._sender is None:
            self._sender = Sender(self._path)
            asyncio.get_running_loop().add_reader(self._sender.fileno(), self._hear)
        return self._sender

    def _hear(self) -> None:
        """Take the answers that have come."""
        if self._sender is None:
            return
        answers, lasts = self._sender.answers()
        self._settle(answers)
        if not lasts:
            self._silent = False  # whoever is silent is not there any more
            self._withdraw("the inspector has gone")

    def _settle(self, answers: Iterable[Answer]) -> None:
        for answer in answers:
            self._heard = True
            taken = self._waiting.get(answer.number)
            if taken is None or taken.done():
                continue
            if answer.taken:
                taken.set_result(None)
            else:
                taken.set_exception(BlockingIOError("the inspector has no room for another connection"))
        if self._heard and self._silent:
            self._silent = False
            log.info("an inspector answers again", inspector=self._path.name)

    def _withdraw(self, why: str) -> None:
        """End the connection: what was not answered by now is not taken, and never will be."""
        sender, self._sender = self._sender, None
        if sender is not None:
            asyncio.get_running_loop().remove_reader(sender.fileno())
            self._settle(sender.end())
        waiting, self._waiting = self._waiting, {}
        for taken in waiting.values():
            if not taken.done():
                taken.set_exception(ConnectionAbortedError(why))

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._look)

    def _look(self) -> None:
        """Count the looks at which somebody waited and no answer had come since the one before."""
        self._timer = None
        self._hear()  # this process may have been held up itself: what stands there has been said
        self._missed = 0 if self._heard or not self._waiting else self._missed + 1
        self._heard = False
        if self._missed >= LOOKS:
            self._give_up()
        elif self._silent and self._sender is None:
            self._ask()
        if self._waiting or self._silent:
            self._watch()

    def _give_up(self) -> None:
        log.warning(
            "an inspector does not take what it is handed", inspector=self._path.name, waiting=len(self._waiting)
        )
        self._missed = 0
        self._withdraw("the inspector does not answer")
        self._heard, self._silent = False, True
        self._ask()

    def _ask(self) -> None:
        """Ask for a sign of life over a new connection; the old one's queue is what was withdrawn."""
        try:
            self._connected().ask()
        except BlockingIOError:
            return  # not even a connection finds room: at the next look
        except OSError:
            self._silent = False  # nobody is there: it is being started again
