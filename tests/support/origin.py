"""An origin on loopback that records: plain HTTP, HTTPS with a certificate of its own, and a server that speaks first.

Every accepted TCP connection is counted, whether or not a request or a handshake follows, so that a test can hold that
a blocked destination got none.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.authority import make_certificate

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

GREETING = b"220 origin.test ready\r\n"


@dataclass(frozen=True, slots=True)
class Got:
    """Hold one request as the origin received it."""

    method: str
    host: str
    path: str
    body: bytes
    tls: bool
    headers: dict[str, str]


@dataclass
class Origin:
    """Serve and record. `answers` maps a path to what is answered; other paths get `hello from HOST`."""

    certificate: Path
    key: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[Got] = field(default_factory=list)
    connections: int = 0
    http_port: int = 0
    https_port: int = 0
    raw_port: int = 0
    said: list[bytes] = field(default_factory=list)

    @property
    def der(self) -> bytes:
        """Return the certificate as it stands in a handshake."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())

    @property
    def thumbprint(self) -> str:
        """Return the certificate's SHA-1 thumbprint."""
        return hashlib.sha1(self.der).hexdigest()

    @property
    def paths(self) -> list[str]:
        """Return the paths asked for, in order."""
        return [got.path for got in self.requests]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.requests.append(
            Got(request.method, request.host, request.path_qs, body, request.secure, dict(request.headers))
        )
        answer = self.answers.get(request.path)
        if answer is not None:
            return await answer(request)  # type: ignore[arg-type]
        return web.Response(text=f"hello from {request.host}", content_type="text/html")

    async def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(GREETING)
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                self.said.append(data)
                writer.write(b"you said " + data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def origin(folder: Path, *names: str) -> AsyncIterator[Origin]:
    """Run an origin whose certificate names `names`."""
    found = Origin(folder / "origin.pem", folder / "origin.key")
    make_certificate(found.certificate, found.key, *names)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(found.certificate, found.key)
    server = web.Server(found.handle)

    def factory() -> Any:
        found.connections += 1
        return server()

    loop = asyncio.get_running_loop()
    plain = await loop.create_server(factory, "127.0.0.1", 0)
    secure = await loop.create_server(factory, "127.0.0.1", 0, ssl=tls)
    raw = await asyncio.start_server(found.greet, "127.0.0.1", 0)
    found.http_port, found.https_port, found.raw_port = (
        listening.sockets[0].getsockname()[1] for listening in (plain, secure, raw)
    )
    try:
        yield found
    finally:
        for listening in (plain, secure, raw):
            listening.close()
        await server.shutdown(0.2)
