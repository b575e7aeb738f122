"""What is open is judged again at each change, a slice at a time; what is stopped now is ended and reported."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from indicators.observation import Observation
from indicators.verdict import CLEAN, Verdict
from indicators.words import Action, Enforcement, Stage
from proxy import judging_again as module
from proxy.judging_again import Open, end_stopped, judge_again
from tests.support.inspecting import Reports
from tests.support.sights import PHONE

_BLOCK = Verdict(Action.BLOCK, "listed")


@dataclass
class Policy:
    """Block some names, with a number that rises."""

    epoch: int = 3
    blocked: set[str] = field(default_factory=set)

    def judge(self, seen: Observation) -> Verdict:
        return _BLOCK if seen.hosts[0] in self.blocked else CLEAN


@dataclass
class Door:
    """Hold what is open, by name."""

    names: list[str]
    looks: int = 0

    def opened(self) -> Iterator[Open]:
        self.looks += 1
        for name in tuple(self.names):
            yield Observation(Stage.TLS, PHONE, hosts=(name,)), partial(self.names.remove, name)


async def test_each_change_is_one_look_and_what_is_stopped_is_told_once_with_a_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.001)
    policy, reports, door = Policy(), Reports(), Door(["evil.test", "good.test", "evil.test"])
    running = asyncio.create_task(judge_again(policy, reports, door.opened))
    await asyncio.sleep(0)  # it takes note of the policy that it begins with
    async with asyncio.timeout(20):
        policy.blocked, policy.epoch = {"other.test"}, 4
        while door.looks < 1:
            await asyncio.sleep(0.001)
        assert (door.names, reports.done) == (["evil.test", "good.test", "evil.test"], [])
        policy.blocked, policy.epoch = {"evil.test"}, 5
        while not reports.repeats:
            await asyncio.sleep(0.001)
    assert (door.names, door.looks) == (["good.test"], 2)
    assert (reports.done, reports.repeats) == ([("evil.test", Enforcement.RESET)], ["INC-1"])
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_others_get_their_turn_between_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE", 2)
    door, judged, seen_between = Door(["a.test", "b.test", "c.test"]), list[str](), list[int]()

    def judge(seen: Observation) -> Verdict:
        judged.append(seen.hosts[0])
        return CLEAN

    asyncio.get_running_loop().call_soon(lambda: seen_between.append(len(judged)))
    assert await end_stopped(door.opened(), judge) == []
    assert (len(judged), seen_between) == (3, [2])
