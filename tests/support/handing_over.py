"""A front that judges nothing: it hands every client over to an inspector, before a byte was read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from indicators.observation import Device
from proxy.front.client import Client
from proxy.front.inspectors import Inspectors
from proxy.hand_over import HandOver, Kind


@contextlib.asynccontextmanager
async def handing_over(
    inspector: Path, device: Device, kind: Kind = Kind.HTTP, host: str = "", port: int = 0
) -> AsyncIterator[int]:
    """Listen on a free port of loopback and hand over; yields the port."""
    inspectors = Inspectors([inspector])

    async def serve(client: Client) -> None:
        await client.some()
        await inspectors.give(HandOver(kind, client.data, device, host, port), client)

    server = await asyncio.get_running_loop().create_server(lambda: Client(serve), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        inspectors.close()
