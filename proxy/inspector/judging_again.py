"""Judge again what passes through this process whenever something else is known, and end what may pass no longer.

The front does the same with the connections that it relays by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

LOOK = 0.25  # seconds between looks; each compares two numbers

log = structlog.get_logger("inspector")


class Epoch(Protocol):
    """Rise whenever a verdict may have changed (`proxy.policy.LivePolicy`)."""

    @property
    def epoch(self) -> int:
        """Return the number of the policy in force."""
        ...


async def judge_again(policy: Epoch, end_stopped: Callable[[], Awaitable[int]]) -> None:
    """Have `end_stopped` end what is stopped now, and say how many, at each change until cancelled."""
    judged = policy.epoch
    while True:
        await asyncio.sleep(LOOK)
        if policy.epoch != judged:
            judged = policy.epoch
            ended = await end_stopped()
            if ended:
                log.info("open connections ended that are blocked now", count=ended)
