"""Bound what deliveries cost: how large one may be, and how many may be under way. No event is looked at here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from collector.settings import IngestLimits
from collector.web.errors import Refused


class Intake:
    """Admit a bounded number of deliveries; the rest are told when to come again."""

    def __init__(self, limits: IngestLimits) -> None:
        self._limits = limits
        self._working = asyncio.Semaphore(limits.working)
        self._under_way = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places in which a body is read and kept. Raises Refused (429) when all are taken."""
        if self._under_way >= self._limits.working + self._limits.waiting:
            raise Refused(429, "too many deliveries at once: send this batch again later", self._limits.retry_after)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    @property
    def turn(self) -> asyncio.Semaphore:
        """Give the turn to decode and write: few at a time, because decoding costs ten times the body's memory."""
        return self._working

    async def read(self, request: web.Request) -> bytes:
        """Return the inflated body. Raises Refused: 413 too large, 408 too slow, 400 damaged."""
        declared = request.content_length or 0
        if declared > self._limits.body_bytes:
            raise Refused(413, f"body: larger than {self._limits.body_bytes} bytes; send smaller batches")
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.seconds):
                async for part in request.content.iter_any():
                    body += part
                    self._check(request, len(body))
        except TimeoutError:
            raise Refused(408, f"body: did not arrive within {self._limits.seconds:g} s") from None
        except web.RequestPayloadError:
            raise Refused(400, "body: ends early, or its Content-Encoding is damaged") from None
        return bytes(body)

    def _check(self, request: web.Request, inflated: int) -> None:
        """Count both sides of gzip; aiohttp inflates piece by piece, so a bomb stops here long before it is whole."""
        limits, sent = self._limits, request.content.total_compressed_bytes or inflated
        if sent > limits.body_bytes:
            raise Refused(413, f"body: larger than {limits.body_bytes} bytes; send smaller batches")
        if inflated > limits.inflated_bytes:
            raise Refused(413, f"body: inflates to more than {limits.inflated_bytes} bytes; send smaller batches")
