"""Apply the retention in the background while the collector runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from collector.store.database import StoreUnavailableError
from collector.store.retention import sweep
from collector.web.parts import PARTS

_LOG = logging.getLogger(__name__)
_PAUSE = 3600.0  # seconds between two sweeps


async def sweeping(app: web.Application) -> AsyncIterator[None]:
    """Sweep at start and every hour while the application runs (an aiohttp cleanup context)."""
    task = asyncio.create_task(_sweep_often(app))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _sweep_often(app: web.Application) -> None:
    parts = app[PARTS]
    while True:
        try:
            settings = parts.settings
            if removed := await sweep(parts.database, parts.clock(), settings.retention, settings.retention_of):
                _LOG.info("retention: removed %d rows", removed)
                parts.live.changed()
        except StoreUnavailableError as error:
            _LOG.warning("retention: %s; trying again in an hour", error)
        await asyncio.sleep(_PAUSE)
