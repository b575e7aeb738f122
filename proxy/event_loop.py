"""The event loop of processes that carry much traffic: uvloop, calling task factories as asyncio's own loop does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import uvloop


class Loop(uvloop.Loop):
    """Keep from a task factory what nobody asked for.

    uvloop hands each one `eager_start`, also where it is None, and the `asyncio.eager_task_factory` that mitmproxy sets
    takes it only in later releases of Python 3.13.
    """

    def set_task_factory(self, factory: Any) -> None:
        """Set what makes tasks; None for the usual way."""
        super().set_task_factory(factory and _as_asyncio_calls(factory))


def _as_asyncio_calls(factory: Any) -> Any:
    def made(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> Any:
        return factory(loop, work, **{name: value for name, value in more.items() if value is not None})

    return made
