"""Serve `/metrics` on a port of its own, to callers with the read token whose Host names this listener."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from proxy.endpoints import spell
from proxy.metrics.exposition import CONTENT_TYPE, render

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class MetricsEndpoint:
    """Serve until cancelled. `status` is asked at each scrape."""

    def __init__(self, host: str, port: int, token: str, status: Callable[[], Mapping[str, Any]]) -> None:
        self._host, self._port = host, port
        self._token = token.encode()
        self._status = status
        self.address = ""

    async def run(self) -> None:
        """Listen and serve. Raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._answer)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
            self._port = runner.addresses[0][1]
            self.address = spell(self._host, self._port)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        """Answer a scrape. Loopback is not trust: a page may send requests here, and a name may be pointed here."""
        names = {f"{name}:{self._port}" for name in _LOOPBACK} | {self.address}
        if request.headers.get("Host", "").lower() not in names or "Origin" in request.headers:
            raise web.HTTPMisdirectedRequest(text="this listener does not go by that name\n")
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode("utf-8", "replace"), self._token):
            raise web.HTTPUnauthorized(text="the read token is needed\n", headers={"WWW-Authenticate": "Bearer"})
        headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=render(self._status()), headers=headers)
