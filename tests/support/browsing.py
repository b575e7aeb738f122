"""A client that goes through the proxy as a browser or an app would: plain HTTP, CONNECT and SOCKS5, with TLS or not.

It says what it saw: the status of CONNECT or SOCKS, the certificate, each answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h11

_WITHIN = 15.0  # seconds


class RefusedError(Exception):
    """Say that the proxy refused: `status` is that of CONNECT or the reply of SOCKS, `body` what came with it."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass
class Answer:
    """Hold one answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Line:
    """A connection through the proxy to one destination."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    scheme: str
    host: str
    port: int
    absolute: bool = False  # plain requests to an HTTP proxy name the whole URL
    conn: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    @property
    def certificate(self) -> bytes:
        """Return the server's certificate as we were shown it."""
        found = self.writer.get_extra_info("ssl_object")
        return bytes(found.getpeercert(binary_form=True)) if found else b""

    async def ask(
        self,
        path: str = "/",
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        host: str | None = None,
    ) -> Answer:
        """Send one request and read its answer. Raises ConnectionError when the connection ends before it."""
        async with asyncio.timeout(_WITHIN):
            named = host or (self.host if self.port in (80, 443) else f"{self.host}:{self.port}")
            target = f"{self.scheme}://{self.host}:{self.port}{path}" if self.absolute else path
            given = {"Host": named, "Accept": "text/html", "User-Agent": "test/1", **(headers or {})}
            if body:
                given["Content-Length"] = str(len(body))
            sent = [h11.Request(method=method, target=target, headers=list(given.items()))]
            for event in (*sent, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()):
                self.writer.write(self.conn.send(event) or b"")
            return await self._answer()

    async def _answer(self) -> Answer:
        status, headers, body = 0, {}, b""
        while True:
            event = self.conn.next_event()
            if event is h11.NEED_DATA:
                data = await self.reader.read(65536)
                if not data and self.conn.their_state is not h11.SEND_BODY:
                    raise ConnectionResetError("closed before an answer")
                self.conn.receive_data(data)
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode().lower(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                with contextlib.suppress(h11.ProtocolError):
                    self.conn.start_next_cycle()
                return Answer(status, headers, body)
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("closed before an answer")


@contextlib.asynccontextmanager
async def line(
    url: str,
    *,
    http: int = 0,
    socks: int = 0,
    trust: Path | None = None,
    sni: str | None = None,
    protocols: Sequence[str] = ("http/1.1",),
) -> AsyncIterator[Line]:
    """Open a connection to a URL's host, through the HTTP proxy or SOCKS5, with TLS for `https` and `tls` (the latter
    without offering HTTP).

    `trust` are the authorities that the client trusts; `sni` is a name other than the URL's. Raises RefusedError,
    ssl.SSLError and OSError as a client meets them.
    """
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0]
    host, _, given = authority.rpartition(":") if ":" in authority.rpartition("]")[2] else (authority, "", "")
    port = int(given or {"http": 80, "https": 443}.get(scheme, 0))
    async with asyncio.timeout(_WITHIN):
        reader, writer = await asyncio.open_connection("127.0.0.1", http or socks)
    try:
        async with asyncio.timeout(_WITHIN):
            absolute = bool(http) and scheme == "http"
            if socks:
                await _socks(reader, writer, host.strip("[]"), port)
            elif not absolute:
                await _connect(reader, writer, host, port)
            if scheme in ("https", "tls"):
                await writer.start_tls(
                    _context(trust, list(protocols) if scheme == "https" else []),
                    server_hostname=sni or host.strip("[]"),
                )
        yield Line(reader, writer, scheme, host, port, absolute)
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def fetch(url: str, *, http: int = 0, socks: int = 0, trust: Path | None = None, **more: object) -> Answer:
    """Open a connection, ask once, close."""
    path = "/" + url.partition("://")[2].partition("/")[2]
    async with line(url, http=http, socks=socks, trust=trust) as opened:
        return await opened.ask(path, **more)  # type: ignore[arg-type]


def _context(trust: Path | None, protocols: list[str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trust)
    if trust is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: test/1\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if status != 200:
        length = next((int(row[15:]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")), 0)
        raise RefusedError(status, await reader.readexactly(length))


async def _socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    writer.write(b"\x05\x01\x00")
    if await reader.readexactly(2) != b"\x05\x00":
        raise RefusedError(-1)
    name = host.encode()
    writer.write(b"\x05\x01\x00\x03" + bytes((len(name),)) + name + struct.pack("!H", port))
    reply = await reader.readexactly(10)
    if reply[1]:
        raise RefusedError(reply[1])
