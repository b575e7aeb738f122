"""Run the collector on a socket of its own. With port 0 the one that was bound enters the Host allow-list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from types import TracebackType

from aiohttp import web

from collector.app import create_app, now
from collector.certificate import ShownCertificate
from collector.settings import CollectorSettings
from collector.web.access import Role
from collector.web.hosts import bracketed
from collector.web.parts import PARTS

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class CollectorService:
    """Serve from `async with` on until its block ends; open streams are then closed first."""

    def __init__(self, settings: CollectorSettings, clock: Callable[[], datetime] = now) -> None:
        """Take the settings; nothing is opened yet."""
        self._settings = settings
        self._app = create_app(settings, clock)
        self._runner = web.AppRunner(self._app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        self._following: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def address(self) -> str:
        """Return the bound `host:port`; loopback where every address is bound."""
        host = _LOOPBACK.get(self._settings.host, self._settings.host)
        return f"{bracketed(host)}:{self.port}"

    @property
    def url(self) -> str:
        """Return the bound address as a URL."""
        return f"{'https' if self._settings.certificate else 'http'}://{self.address}"

    async def setup_link(self) -> str:
        """Return a link that makes the first administrator's account, once; nothing where there is an account."""
        parts = self._app[PARTS]
        if await parts.people.are_there():
            return ""
        code = await parts.people.invite("", Role.ADMIN, "first start", parts.clock())
        return f"{self._settings.public_url.rstrip('/') or self.url}/invitation?code={code}"

    async def start(self) -> None:
        """Bind and serve.

        Raises OSError for a taken port or an unreadable certificate, StoreUnavailableError without a database.
        """
        shown = self._certificate()
        tls = shown.context if shown else None
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self._settings.host, self._settings.port, ssl_context=tls)
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        self._app[PARTS].hosts.bind(self._settings.host, self.port)
        self._following = asyncio.create_task(shown.follow()) if shown else None

    async def stop(self) -> None:
        """End streams and requests, then close the database."""
        if self._following:
            self._following.cancel()
        await self._runner.cleanup()

    def _certificate(self) -> ShownCertificate | None:
        chain, key = self._settings.certificate, self._settings.certificate_key
        return ShownCertificate(chain, key or chain) if chain else None

    async def __aenter__(self) -> CollectorService:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()
