"""Keep every output told: read what it has not been told yet, send it, note how far it has come. At least once.

The database is the queue: nothing piles up in memory, nothing is lost by a restart, and taking in events never waits
for an output. One that fails is tried again after a growing pause; what its receiver refuses for good is skipped and
counted.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import aiohttp
from aiohttp import web

from collector.live import Live
from collector.outputs.backlog import Position, Signer, next_notices, note_result, position_of
from collector.outputs.notice import Notice
from collector.outputs.settings import OutputSettings
from collector.outputs.syslog_sender import SyslogSender
from collector.outputs.webhook import BusyError, RefusedError, Webhook
from collector.store.database import Database, StoreUnavailableError
from collector.web.parts import PARTS

_LOG = logging.getLogger(__name__)
_WAITS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)  # seconds before each further try
_REFUSALS = 3  # after which a refused batch is skipped
_LOOK = 30.0  # seconds between looks where nothing was announced


class Sender(Protocol):
    """Deliver a batch, or raise."""

    most: int

    async def send(self, notices: Sequence[Notice], now: datetime) -> None:
        """Deliver."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def sender_of(settings: OutputSettings) -> Sender:
    """Return what sends for an output. Raises OSError or ssl.SSLError where its authorities cannot be read."""
    return Webhook(settings) if settings.is_webhook else SyslogSender(settings)


class Output:
    """Keep one output told until cancelled."""

    def __init__(
        self, settings: OutputSettings, database: Database, live: Live, clock: Callable[[], datetime], signer: Signer
    ) -> None:
        self._settings, self._database, self._live = settings, database, live
        self._clock, self._signer = clock, signer
        self._failures = 0
        self._refusals = 0

    async def run(self) -> None:
        """Send what is there, then wait for more."""
        sender = sender_of(self._settings)
        try:
            with self._live.watching() as watcher:
                position = await position_of(self._database, self._settings.name)
                while True:
                    watcher.clear()
                    pause = await self._turn(sender, position)
                    if pause is None:
                        with suppress(TimeoutError):
                            async with asyncio.timeout(_LOOK):
                                await watcher.wait()
                    else:
                        await asyncio.sleep(pause)
        finally:
            await sender.close()

    async def _turn(self, sender: Sender, position: Position) -> float | None:
        """Send one batch; return how long to wait before the next, or nothing when all was told."""
        kinds = self._settings.send
        notices = await next_notices(self._database, position, kinds, sender.most, self._signer)
        if not notices:
            return None
        told = {str(notices[0].kind): notices[-1].seq}
        try:
            await sender.send(notices, self._clock())
        except RefusedError as error:
            return await self._refused(str(error), told, len(notices), position)
        except (BusyError, OSError, ssl.SSLError, TimeoutError, aiohttp.ClientError) as error:
            return await self._failed(error)
        self._failures = self._refusals = 0
        position.update(told)
        await note_result(self._database, self._settings.name, self._clock(), told=told)
        return self._settings.interval if self._settings.is_webhook else 0.0

    async def _refused(self, words: str, told: Position, count: int, position: Position) -> float:
        self._refusals += 1
        if self._refusals < _REFUSALS:
            await note_result(self._database, self._settings.name, self._clock(), error=words)
            return _WAITS[self._refusals]
        self._refusals = 0
        position.update(told)
        error = f"{words}; {count} notices were skipped"
        await note_result(self._database, self._settings.name, self._clock(), told=told, skipped=count, error=error)
        _LOG.warning("output %s: %s", self._settings.name, error)
        return self._settings.interval

    async def _failed(self, error: Exception) -> float:
        words = str(error) or type(error).__name__
        await note_result(self._database, self._settings.name, self._clock(), error=words)
        if not self._failures:
            _LOG.warning("output %s: %s; trying again", self._settings.name, words)
        wait = _WAITS[min(self._failures, len(_WAITS) - 1)]
        self._failures += 1
        return max(wait, error.seconds if isinstance(error, BusyError) else 0.0)


async def dispatching(app: web.Application) -> AsyncIterator[None]:
    """Run every configured output while the application runs (an aiohttp cleanup context)."""
    parts = app[PARTS]
    tasks = [
        asyncio.create_task(_kept_running(Output(one, parts.database, parts.live, parts.clock, parts.sign_risk)))
        for one in parts.settings.outputs
    ]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_running(output: Output) -> None:
    while True:
        try:
            await output.run()
        except (StoreUnavailableError, OSError, ssl.SSLError) as error:
            _LOG.warning("outputs: %s; beginning again in %g s", error, _WAITS[2])
            await asyncio.sleep(_WAITS[2])
