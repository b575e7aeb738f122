"""Look at the fleet's exposure now and then while the collector runs, where policy lets it feed the risk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from collector.exposures import knowledge_at
from collector.store.database import StoreUnavailableError
from collector.store.exposure_alerts import follow_exposure
from collector.store.fleet import fleet_exposure
from collector.web.parts import PARTS, Parts

_LOG = logging.getLogger(__name__)
_PAUSE = 60.0  # seconds between two looks


async def watching_exposure(app: web.Application) -> AsyncIterator[None]:
    """Follow the exposure while the application runs (an aiohttp cleanup context).

    Where the policy is off, alerts of a time when it was on are resolved, once.
    """
    task = asyncio.create_task(_watch(app[PARTS]))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def look(parts: Parts) -> None:
    """Look once."""
    found = []
    if parts.settings.exposure_raises_risk:
        knowledge = knowledge_at(parts.settings.vulnerability_data)
        found = await parts.database.ask(lambda connection: fleet_exposure(connection, knowledge, parts.clock()))
    if await follow_exposure(parts.database, found, parts.clock()):
        parts.live.changed()


async def _watch(parts: Parts) -> None:
    while True:
        try:
            await look(parts)
            if not parts.settings.exposure_raises_risk:
                return
        except StoreUnavailableError as error:
            _LOG.warning("exposure: %s; trying again", error)
        await asyncio.sleep(_PAUSE)
