from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator

import pytest

from proxy.roles import FRONT, INSPECTOR, Role
from proxy.supervisor import child as module
from proxy.supervisor import recycling
from proxy.supervisor.burning import WINDOW
from proxy.supervisor.child import Child
from proxy.supervisor.recycling import (
    ENDS_WITHIN,
    MOST_MEMORY,
    SILENT,
    SILENT_INSPECTOR,
    Recycling,
    Told,
    Used,
    used_by,
)
from tests.support.gateway import wait_for

SPINS = (
    "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(3)); print('here', flush=True)\nwhile True: pass"
)
STAYS = "import signal, time; signal.signal(15, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
CODE = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(3)); print('here', flush=True); time.sleep(60)"


class Nursery:
    """One child, and what is known of it."""

    def __init__(self, role: Role, code: str = CODE) -> None:
        self.lines: list[str] = []
        self.child = Child(role, [sys.executable, "-u", "-c", code], self.lines.append)
        self.now = 1000.0
        self.heard: float | None = 1000.0
        self.work = 0
        self.used = Used(0, 0.0)
        self.recycling = Recycling([self.child], self.told, lambda pid: self.used, lambda: self.now)

    def told(self, name: str) -> Told | None:
        return None if self.heard is None else Told(self.heard, self.work)

    def passes(self, seconds: float, share: float = 0.0, work: int = 0) -> None:
        """Let time pass in which the process tells of itself, uses a share of a core and does some work."""
        end = self.now + seconds
        while self.now < end:
            self.now += 5.0
            self.heard = self.now
            self.used = Used(0, self.used.cpu + 5.0 * share)
            self.work += round(5.0 * work)
            self.recycling.look()


@contextlib.asynccontextmanager
async def raised(made: Nursery) -> AsyncIterator[Nursery]:
    running = asyncio.create_task(made.child.run())
    try:
        await wait_for(lambda: made.lines)
        made.child.ready.set()
        yield made
    finally:
        await made.child.stop()
        await running


@pytest.fixture(params=[FRONT, INSPECTOR], ids=["front", "inspector"])
async def nursery(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nursery]:
    monkeypatch.setattr(module, "_WAITS", (0.0,))
    async with raised(Nursery(request.param)) as made:
        yield made


async def test_a_process_that_says_nothing_is_killed_and_started_anew(nursery: Nursery) -> None:
    nursery.now += SILENT_INSPECTOR if nursery.child.role is INSPECTOR else SILENT
    nursery.recycling.look()
    assert nursery.child.ready.is_set(), "that is still in time"
    nursery.now += 1
    nursery.recycling.look()
    nursery.recycling.look()
    await wait_for(lambda: len(nursery.lines) == 2)
    assert nursery.child.restarts == 1


async def test_one_that_was_never_heard_of_is_left_alone(nursery: Nursery) -> None:
    nursery.heard, nursery.now = None, 1e9
    nursery.recycling.look()
    assert nursery.child.ready.is_set()


async def test_an_inspector_that_has_grown_is_asked_to_end_and_nobody_else(nursery: Nursery) -> None:
    nursery.used = Used(MOST_MEMORY + 1, 0.0)
    nursery.recycling.look()
    if nursery.child.role is FRONT:
        assert nursery.child.ready.is_set()
        return
    await wait_for(lambda: len(nursery.lines) == 2)


async def test_it_looks_now_and_then(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recycling, "_LOOK", 0.001)
    nursery.now += SILENT + 1
    looking = asyncio.create_task(nursery.recycling.run())
    await wait_for(lambda: len(nursery.lines) == 2)
    looking.cancel()


@pytest.mark.parametrize(
    ("share", "work", "recycled"),
    [
        (1.0, 0, True),
        (1.0, 10, True),  # a few clients beside it, who are no reason for it
        (0.9, 5, True),
        (1.0, 700, False),  # files alone, of which a step costs the most
        (1.0, 3000, False),
        (0.4, 0, False),
        (0.0, 0, False),
    ],
)
async def test_an_inspector_that_burns_cpu_is_asked_to_end_and_one_that_is_busy_never(
    nursery: Nursery, share: float, work: int, recycled: bool
) -> None:
    nursery.passes(3 * WINDOW, share, work)
    assert nursery.child.ready.is_set() is not (recycled and nursery.child.role is INSPECTOR)


async def test_work_that_is_not_told_yet_is_waited_for(nursery: Nursery) -> None:
    nursery.passes(WINDOW / 2, 1.0, 500)
    for _ in range(5):  # a busy one may tell late
        nursery.now += 5.0
        nursery.used = Used(0, nursery.used.cpu + 5.0)
        nursery.recycling.look()
    nursery.work += 12_500
    nursery.passes(WINDOW, 1.0, 500)
    assert nursery.child.ready.is_set()


async def test_one_that_spins_but_answers_is_recycled_by_what_it_really_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITS", (0.0,))
    monkeypatch.setattr("proxy.supervisor.burning.WINDOW", 1.0)
    monkeypatch.setattr("proxy.supervisor.burning.MOST_SHARE", 0.05)  # of a machine that may be busy with others
    began = time.monotonic()
    async with raised(Nursery(INSPECTOR, SPINS)) as made:
        recycling = Recycling([made.child], lambda name: Told(time.monotonic(), 0))

        def is_recycled() -> bool:
            recycling.look()
            return len(made.lines) == 2

        await wait_for(is_recycled, 60)
        assert time.monotonic() - began > 1.0
        assert made.child.restarts == 1


async def test_one_that_does_not_end_when_asked_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITS", (0.0,))
    async with raised(Nursery(INSPECTOR, STAYS)) as made:
        made.used = Used(MOST_MEMORY + 1, 0.0)
        made.recycling.look()
        made.now += ENDS_WITHIN
        made.recycling.look()
        first = made.child.pid
        assert first, "it has its time"
        made.now += 1.0
        made.recycling.look()
        await wait_for(lambda: len(made.lines) == 2)
        assert made.child.pid != first
        made.recycling.look()
        assert made.recycling._asked == {}


def test_what_a_process_uses_is_its_own() -> None:
    mine = used_by(os.getpid())
    assert 1_000_000 < mine.memory < 4_000_000_000
    assert 0.0 < mine.cpu <= time.process_time() + 0.1
    assert used_by(2**22 + 1) == Used(0, 0.0)
