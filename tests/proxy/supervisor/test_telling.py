"""A status is told at each change, again after a failure, and now and then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import pytest

from proxy.supervisor import telling
from proxy.supervisor.telling import INTERVAL, tell_status


async def test_when_a_status_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "LOOK", 0.0)
    told: list[tuple[float, object]] = []
    status, now, trouble = {"mode": "enforce"}, 0.0, ["nobody is there"]
    looks = 0

    def look() -> Mapping[str, Any]:
        nonlocal looks
        looks += 1
        return dict(status)

    async def tell(what: Mapping[str, Any]) -> str:
        told.append((now, what["mode"]))
        return trouble.pop() if trouble else ""

    async def looked() -> None:
        before = looks
        while looks < before + 3:
            await asyncio.sleep(0)

    running = asyncio.create_task(tell_status(look, tell, lambda: now))
    async with asyncio.timeout(20):
        await looked()
        assert told == [(0.0, "enforce"), (0.0, "enforce")]  # the first met with trouble
        now = INTERVAL / 2
        await looked()
        assert len(told) == 2
        status["mode"] = "audit"
        await looked()
        assert told[2:] == [(INTERVAL / 2, "audit")]
        now = INTERVAL * 1.5
        await looked()
        assert told[3:] == [(INTERVAL * 1.5, "audit")]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
