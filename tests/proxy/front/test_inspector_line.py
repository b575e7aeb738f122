"""What becomes of a client whose inspector is stuck, has gone, or comes back: one of the two has it, never both."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from indicators.observation import Device
from proxy import hand_over
from proxy.front.inspector_line import LOOKS, InspectorLine
from proxy.front.sender import Answer, Sender
from proxy.hand_over import HandOver, Kind
from tests.support.gateway import wait_for


@dataclass
class There:
    """An inspector's end that does something only when told to, and the line to it."""

    path: Path
    server: socket.socket
    line: InspectorLine
    taken: list[bytes] = field(default_factory=list)
    fronts: list[socket.socket] = field(default_factory=list)

    def give(self, name: bytes) -> asyncio.Task[None]:
        return asyncio.create_task(self._give(name))

    async def _give(self, name: bytes) -> None:
        ours, client = socket.socketpair()
        with ours, client:
            await self.line.give(HandOver(Kind.HTTP, name, Device("d", "")), ours.fileno())

    def wakes(self) -> None:
        """Take all that waits on every connection."""
        with contextlib.suppress(BlockingIOError):
            while front := hand_over.accept(self.server):
                self.fronts.append(front)
        for front in list(self.fronts):
            if not hand_over.receive(front, self._take):
                self.fronts.remove(front)
                front.close()

    async def runs(self) -> None:
        while True:
            self.wakes()
            await asyncio.sleep(0.005)

    def dies(self) -> None:
        for end in (self.server, *self.fronts):
            end.close()
        self.fronts.clear()

    def _take(self, given: HandOver, client: socket.socket) -> None:
        self.taken.append(given.data)
        client.close()


@contextlib.asynccontextmanager
async def inspector(folder: Path, look: float = 0.05) -> AsyncIterator[There]:
    path = folder / "i"
    there = There(path, hand_over.listen(path), InspectorLine(path, look))
    try:
        async with asyncio.timeout(60):
            yield there
    finally:
        there.line.close()
        there.dies()


async def test_who_is_taken_is_let_go_of(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        running = asyncio.create_task(there.runs())
        await there.give(b"a")
        await asyncio.gather(*(there.give(name) for name in (b"b", b"c")))
        running.cancel()
        assert sorted(there.taken) == [b"a", b"b", b"c"]


async def test_one_that_is_stuck_gets_nothing_until_it_answers_and_takes_nobody_late(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        handed = [there.give(name) for name in (b"a", b"b")]
        for each in handed:
            with pytest.raises(ConnectionAbortedError, match="does not answer"):
                await each
        with pytest.raises(TimeoutError):
            await there.give(b"at once")
        running = asyncio.create_task(there.runs())

        async def again() -> bool:
            with contextlib.suppress(TimeoutError):
                await there.give(b"c")
                return True
            return False

        await wait_for(again)
        running.cancel()
        assert there.taken == [b"c"]


async def test_one_that_answers_slowly_is_not_given_up(tmp_path: Path) -> None:
    async with inspector(tmp_path, look=0.2) as there:
        handed = [there.give(b"0")]
        for turn in range(1, 2 * LOOKS):  # none of its answers is quick, and somebody always waits
            await asyncio.sleep(0.2)
            handed.append(there.give(b"%d" % turn))
            there.wakes()
        running = asyncio.create_task(there.runs())
        await asyncio.gather(*handed)
        running.cancel()
        assert len(there.taken) == 2 * LOOKS


async def test_a_front_that_was_held_up_itself_hears_first_what_was_said_meanwhile(tmp_path: Path) -> None:
    async with inspector(tmp_path, look=1000) as there:
        handed = there.give(b"a")
        await asyncio.sleep(0)
        there.line._missed = LOOKS - 1
        there.wakes()
        there.line._look()
        await handed
        assert there.line._missed == 0


async def test_one_that_has_gone_leaves_who_was_not_taken_to_be_given_again(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        taken = there.give(b"a")
        await asyncio.sleep(0)
        there.wakes()
        left = there.give(b"b")
        await asyncio.sleep(0)
        there.dies()
        await taken
        with pytest.raises(ConnectionAbortedError, match="has gone"):
            await left
        with pytest.raises(ConnectionRefusedError):
            await there.give(b"nobody is there")
        there.server = hand_over.listen(there.path)
        running = asyncio.create_task(there.runs())
        await there.give(b"c")
        running.cancel()
        assert there.taken == [b"a", b"c"]


async def test_its_going_may_show_first_when_something_is_sent(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        left = there.give(b"a")
        await asyncio.sleep(0)
        there.dies()
        with pytest.raises(ConnectionError):
            await there._give(b"b")
        with pytest.raises(ConnectionAbortedError):
            await left


async def test_a_stuck_one_that_is_killed_is_waited_for_like_any_that_starts(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        with pytest.raises(ConnectionAbortedError, match="does not answer"):
            await there.give(b"a")
        there.dies()

        async def is_refused() -> bool:
            try:
                await there.give(b"b")
            except (TimeoutError, ConnectionAbortedError):
                return False
            except ConnectionRefusedError:
                return True
            pytest.fail("nobody is there")

        await wait_for(is_refused)


async def test_one_that_goes_in_the_moment_in_which_it_is_given_up(tmp_path: Path) -> None:
    async with inspector(tmp_path, look=1000) as there:
        handed = there.give(b"a")
        await asyncio.sleep(0)
        there.fronts.append(hand_over.accept(there.server))  # type: ignore[arg-type]
        there.server.close()
        there.path.unlink()
        there.line._missed = LOOKS - 1
        there.line._look()
        with pytest.raises(ConnectionAbortedError):
            await handed
        with pytest.raises(FileNotFoundError):
            await there.give(b"b")


async def test_where_not_even_a_connection_finds_room_it_is_asked_at_a_later_look(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        there.server.listen(0)
        with pytest.raises(ConnectionAbortedError):
            await there.give(b"a")
        assert there.line._sender is None
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await there.give(b"b")
            there.line._look()
        running = asyncio.create_task(there.runs())
        await wait_for(lambda: not there.line._silent)
        await there.give(b"c")
        running.cancel()
        assert there.taken == [b"c"]


async def test_one_without_room_for_another_descriptor_is_given_the_client_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inspector(tmp_path) as there:
        refused = [Answer(1, taken=False)]
        monkeypatch.setattr(Sender, "answers", lambda sender: (refused, True))
        handed = there.give(b"a")
        await asyncio.sleep(0)
        there.line._hear()
        with pytest.raises(BlockingIOError):
            await handed


async def test_who_waits_no_longer_harms_nobody(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        gone, stays = there.give(b"a"), there.give(b"b")
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        there.wakes()
        await stays
        assert there.taken == [b"a", b"b"]
        leaving = there.give(b"c")
        await asyncio.sleep(0)
        leaving.cancel()
        there.line.close()
        assert leaving.cancelled() or await asyncio.wait({leaving})
