"""Ask the resolver from another process of the gateway: one connection, many questions at once, reconnected when lost.

Nothing is judged or kept here. A resolver that cannot be reached is an error for the caller, never an empty answer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indicators.observation import Address, Device
from indicators.words import Visibility
from proxy.dns.wire import Lookup, device_to_json, frame, lookup_from_json, read_frame

_TIMEOUT = 6.0  # seconds; the resolver itself answers within five
_PAUSE = 0.05  # seconds between attempts


class ResolverUnreachableError(ConnectionError):
    """Say that our resolver did not answer."""


class LookupClient:
    """Ask over the resolver's socket. Made in any loop, used in one."""

    def __init__(self, socket_path: Path, within: float = _TIMEOUT) -> None:
        self._path = socket_path
        self._within = within
        self._numbers = itertools.count(1)
        self._connecting = asyncio.Lock()
        self._connection: _Connection | None = None

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Lookup:
        """Return the judged addresses of a host. Raises ResolverUnreachableError.

        `reach` is the most that can be seen of the connection these addresses are for: with `URL`, a host that only
        some path-level indicator could change is not blocked here. Nothing is reported: the caller judges and reports.
        """
        found = await self._ask({"op": "lookup", "host": host, "device": device_to_json(device), "reach": reach})
        return lookup_from_json(found)

    async def query(self, packet: bytes, device: Device) -> bytes:
        """Return the answer to a raw query, blocked or not; empty where silence is right. The resolver reports.

        Raises ResolverUnreachableError.
        """
        encoded = base64.b64encode(packet).decode()
        found = await self._ask({"op": "query", "packet": encoded, "device": device_to_json(device)})
        return base64.b64decode(found["packet"])

    async def give(self, device: Device, name: str, addresses: Sequence[Address], ttl: int) -> None:
        """Tell which addresses a client was given for a name, by another process. Raises ResolverUnreachableError."""
        told = {"name": name, "addresses": [str(address) for address in addresses], "ttl": ttl}
        await self._ask({"op": "given", "device": device_to_json(device), **told})

    async def names(self, address: str, device: Device) -> tuple[str, ...]:
        """Return the names that our DNS gave this client an address for, the newest first, four at most.

        A hint for connections that show no name. Raises ResolverUnreachableError, ValueError for no address.
        """
        found = await self._ask({"op": "names", "address": address, "device": device_to_json(device)})
        return tuple(str(name) for name in found["names"])

    async def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._within):
                found = await self._try_twice({"id": next(self._numbers), **body})
        except (OSError, TimeoutError) as problem:
            raise ResolverUnreachableError(
                f"the resolver did not answer: {str(problem) or 'no answer in time'}"
            ) from None
        if "problem" in found:
            raise ValueError(found["problem"])
        return found

    async def _try_twice(self, body: dict[str, Any]) -> dict[str, Any]:
        connection = await self._connected()
        try:
            return await connection.ask(body)
        except ConnectionError:  # the resolver was started again meanwhile
            connection = await self._connected()
            return await connection.ask(body)

    async def _connected(self) -> _Connection:
        async with self._connecting:
            if self._connection is None or self._connection.is_over:
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> _Connection:
        """Wait for a resolver that is being started again, as long as the caller does."""
        while True:
            try:
                return _Connection(*await asyncio.open_unix_connection(self._path))
            except (FileNotFoundError, ConnectionError):
                await asyncio.sleep(_PAUSE)

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


class _Connection:
    """Send questions and hand each answer to who waits for it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._task = asyncio.create_task(self._read())

    @property
    def is_over(self) -> bool:
        return self._task.done()

    async def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[body["id"]] = answer
        try:
            if self.is_over:
                raise ConnectionResetError("the connection is over")
            self._writer.write(frame(body))
            await self._writer.drain()
            return await answer
        finally:
            self._waiting.pop(body["id"], None)

    async def _read(self) -> None:
        try:
            while True:
                body = await read_frame(self._reader)
                answer = self._waiting.get(body.get("id", 0))
                if answer is not None and not answer.done():
                    answer.set_result(body)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._writer.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("the resolver closed the connection"))

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
