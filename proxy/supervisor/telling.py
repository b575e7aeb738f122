"""Tell the collector how the gateway is: at each change, and now and then. What is told is put together elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

INTERVAL = 10.0  # seconds between tellings where nothing changes
LOOK = 0.5  # seconds between looks for a change

log = structlog.get_logger("supervisor")

type Tell = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Hand a status in; return an empty string, or what went wrong."""


async def tell_status(status: Callable[[], Mapping[str, Any]], tell: Tell, now: Callable[[], float]) -> None:
    """Tell until cancelled. What could not be told is tried again at the next look. `now` is in steady seconds."""
    told: Mapping[str, Any] | None = None
    next_time = 0.0
    while True:
        current = status()
        if current != told or now() >= next_time:
            trouble = await tell(current)
            log.debug("status told", trouble=trouble)
            if not trouble:
                told, next_time = current, now() + INTERVAL
        await asyncio.sleep(LOOK)
