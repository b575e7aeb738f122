"""Roles for tests: each does one thing that a real role might do, right or wrong."""

from __future__ import annotations

import asyncio

from proxy.worker import WorkerContext


async def listening(context: WorkerContext) -> None:
    """Bind the collector's port, say so, serve until told to stop."""
    port = context.config.config.collector.port
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    await context.ready({"collector": f"127.0.0.1:{port}"})
    await context.stopping.wait()
    server.close()


async def failing(context: WorkerContext) -> None:
    """Break at the start."""
    raise OSError("the port is haunted")


async def giving_up(context: WorkerContext) -> None:
    """Return without having been told to stop."""


async def deaf(context: WorkerContext) -> None:
    """Never be ready and never end."""
    await asyncio.Event().wait()
