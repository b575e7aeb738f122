"""Speak HTTP/1.1 and HTTP/2 on connections that were let in, for an ASGI application. The protocol is hypercorn's.

hypercorn's own `serve` accepts without a limit, so its protocol is run here on connections that others accepted.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework, LifespanState


class HttpServer:
    """Serve connections one by one. It logs nothing: requests say what people look up."""

    def __init__(self, application: Any, idle: float) -> None:
        """`idle` is the seconds after which a connection without a request ends."""
        self._application = ASGIWrapper(cast(ASGIFramework, application))
        self._context = WorkerContext(None)
        self._config = Config()
        self._config.accesslog = None
        self._config.errorlog = None
        self._config.include_server_header = False
        self._config.keep_alive_timeout = idle

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        loop = asyncio.get_running_loop()
        await TCPServer(self._application, loop, self._config, self._context, LifespanState(), reader, writer)

    async def stop(self) -> None:
        """Have connections end when their present request is answered."""
        await self._context.terminated.set()
