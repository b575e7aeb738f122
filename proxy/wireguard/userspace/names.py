"""DNS in the tunnel, to whichever resolver it was sent: each question goes to ours as it came, with its device.

mitmproxy's own DNS layer is not used: it mixes up answers of one message id, and drops EDNS.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, cast

from indicators.observation import Device
from proxy.dns.clients import Client
from proxy.dns.responder import Came
from proxy.dns.tcp import TcpListener
from proxy.wireguard.userspace.stream import Stream

_AT_ONCE = 65535  # bytes
_IDLE = 20.0  # seconds without a question over UDP
_AT_SAME_TIME = 64  # questions of one pair of addresses that wait

log = logging.getLogger(__name__)


class Queries(Protocol):
    """Answer raw queries (`proxy.dns.lookup.LookupClient`)."""

    async def query(self, packet: bytes, device: Device) -> bytes:
        """Return the answer, empty where silence is right. Raises OSError or ValueError."""
        ...


class TunnelNames:
    """Serve the streams of port 53. `device_of` says who has a stream's tunnel, None once it was revoked."""

    def __init__(self, queries: Queries, seen: Callable[[Device], None], idle: float = _IDLE) -> None:
        self._queries = queries
        self._seen = seen
        self._idle = idle

    async def datagrams(self, stream: Stream, device: Device) -> None:
        """Answer questions over UDP until none has come for a while."""
        room = asyncio.Semaphore(_AT_SAME_TIME)
        self._seen(device)
        async with asyncio.TaskGroup() as group:
            while packet := await _read(stream, self._idle):
                await room.acquire()
                group.create_task(self._answered(stream, packet, device, room))

    async def connection(self, stream: Stream, device: Device) -> None:
        """Answer questions over TCP (RFC 7766)."""
        client = Client(device)
        loop = asyncio.get_running_loop()
        listener = TcpListener(self._answer, lambda _: client, self._seen, loop.time)
        reader = asyncio.StreamReader()
        feeding = asyncio.create_task(_feed(stream, reader))
        try:
            await listener.handle(reader, cast("asyncio.StreamWriter", stream))
        finally:
            feeding.cancel()

    async def _answered(self, stream: Stream, packet: bytes, device: Device, room: asyncio.Semaphore) -> None:
        try:
            reply = await self._answer(packet, Came(Client(device), 0.0))
            if reply:
                stream.write(reply)
        except OSError as problem:
            log.debug("a device did not get its answer: %s", problem)
        finally:
            room.release()

    async def _answer(self, packet: bytes, came: Came) -> bytes | None:
        """Return an answer, None where silence is right: a resolver that is being started again is asked anew."""
        try:
            return await self._queries.query(packet, came.client.device) or None
        except (OSError, ValueError) as problem:
            log.warning("a question from a tunnel was not answered: %s", problem)
            return None


async def _read(stream: Stream, within: float) -> bytes:
    """Return the next datagram; nothing when none comes any more."""
    try:
        async with asyncio.timeout(within):
            return await stream.read(_AT_ONCE)
    except (OSError, TimeoutError):
        return b""


async def _feed(stream: Stream, reader: asyncio.StreamReader) -> None:
    """Copy a stream into a reader that can wait for a number of bytes."""
    try:
        while found := await stream.read(_AT_ONCE):
            reader.feed_data(found)
    except OSError as problem:
        log.debug("a connection for DNS broke: %s", problem)
    finally:
        reader.feed_eof()
