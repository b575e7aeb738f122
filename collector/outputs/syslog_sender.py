"""Send notices to a syslog server by UDP, TCP or TLS, the connection kept between batches. No retry here."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from collector.outputs.addresses import resolve
from collector.outputs.notice import Notice
from collector.outputs.settings import OutputSettings
from collector.outputs.syslog import framed, message
from indicators.addresses import is_private_by_spelling

_SECONDS = 15.0
_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_DATAGRAM = 8192  # bytes; a longer one is cut


class SyslogSender:
    """Keep one connection to one server."""

    most = 200

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        parts = urlsplit(settings.url)
        self._scheme, self._host = parts.scheme, parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._name = socket.gethostname()

    async def send(self, notices: Sequence[Notice], now: datetime) -> None:
        """Deliver a batch. Raises OSError, TimeoutError or ssl.SSLError; a stream is then opened anew."""
        texts = [message(notice, self._settings.format, self._name) for notice in notices]
        try:
            async with asyncio.timeout(_SECONDS):
                await (self._datagrams(texts) if self._scheme == "udp" else self._stream(texts))
        except BaseException:
            await self.close()
            raise

    async def _datagrams(self, texts: Sequence[bytes]) -> None:
        addresses = await resolve(self._host, self._port, private=is_private_by_spelling(self._host))
        family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            for text in texts:
                cut = text[:_DATAGRAM].decode("utf-8", "ignore").encode()
                await asyncio.get_running_loop().sock_sendto(sending, cut, (addresses[0], self._port))

    async def _stream(self, texts: Sequence[bytes]) -> None:
        """Write, and look whether the server has hung up: a write into a closed connection fails only the next time."""
        if self._reader is not None and (self._reader.at_eof() or self._reader.exception()):
            await self.close()
        writer = self._writer or await self._open()
        for text in texts:
            writer.write(framed(text))
        await writer.drain()
        await asyncio.sleep(0)
        if self._reader is not None and self._reader.at_eof():
            raise ConnectionResetError("the server closed the connection")

    async def _open(self) -> asyncio.StreamWriter:
        addresses = await resolve(self._host, self._port, private=is_private_by_spelling(self._host))
        context = None
        if self._scheme == "tls":
            context = await asyncio.to_thread(ssl.create_default_context)
            if self._settings.trust:
                context.load_verify_locations(self._settings.trust)
        self._reader, self._writer = await self._connected(addresses, context)
        return self._writer

    async def _connected(
        self, addresses: Sequence[str], context: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Try a name's addresses in turn: a server on 127.0.0.1 is not found at the `::1` that `localhost` is first."""
        name = self._host if context else None
        for address in addresses[:-1]:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(address, self._port, ssl=context, server_hostname=name)
        return await asyncio.open_connection(addresses[-1], self._port, ssl=context, server_hostname=name)

    async def close(self) -> None:
        """Close the connection."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
