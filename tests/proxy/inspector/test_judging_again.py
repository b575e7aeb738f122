"""What passes is judged again once for each change of what is known."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import pytest

from proxy.inspector import judging_again as module
from proxy.inspector.judging_again import judge_again


@dataclass
class Policy:
    """Hold a number."""

    epoch: int = 3


async def test_each_change_is_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.001)
    policy, looked = Policy(), list[int]()

    async def end_stopped() -> int:
        looked.append(policy.epoch)
        return policy.epoch % 2

    running = asyncio.create_task(judge_again(policy, end_stopped))
    await asyncio.sleep(0)  # it takes note of the policy that it begins with
    async with asyncio.timeout(10):
        for epoch in (4, 5):
            policy.epoch = epoch
            while epoch not in looked:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
    assert looked == [4, 5]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
