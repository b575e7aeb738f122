from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest

from proxy.roles import FRONT, INSPECTOR, Role
from proxy.supervisor import child as module
from proxy.supervisor import recycling
from proxy.supervisor.child import Child
from proxy.supervisor.recycling import MOST_MEMORY, SILENT, Recycling, memory_of
from tests.support.gateway import wait_for

CODE = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(3)); print('here', flush=True); time.sleep(60)"


class Nursery:
    """One child, and what is known of it."""

    def __init__(self, role: Role) -> None:
        self.lines: list[str] = []
        self.child = Child(role, [sys.executable, "-u", "-c", CODE], self.lines.append)
        self.now = 1000.0
        self.heard: float | None = 1000.0
        self.memory = 0
        self.recycling = Recycling([self.child], lambda name: self.heard, lambda pid: self.memory, lambda: self.now)


@pytest.fixture(params=[FRONT, INSPECTOR], ids=["front", "inspector"])
async def nursery(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nursery]:
    monkeypatch.setattr(module, "_WAITS", (0.0,))
    made = Nursery(request.param)
    running = asyncio.create_task(made.child.run())
    await wait_for(lambda: made.lines)
    made.child.ready.set()
    yield made
    await made.child.stop()
    await running


async def test_a_process_that_says_nothing_is_killed_and_started_anew(nursery: Nursery) -> None:
    nursery.now += SILENT
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
    nursery.memory = MOST_MEMORY + 1
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


def test_memory_is_that_of_the_process_alone() -> None:
    assert 1_000_000 < memory_of(os.getpid()) < 4_000_000_000
    assert memory_of(2**22 + 1) == 0
