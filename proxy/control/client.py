"""The worker's and the command line's end of the control socket. It knows no operation by name."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from pathlib import Path
from typing import Any

from proxy.control.protocol import MAX_REPLY, ControlError, decode, encode

CONNECT_TIMEOUT = 5.0  # seconds
CALL_TIMEOUT = 15.0  # seconds; longer than the supervisor's own limit for a generation to be held


class ControlClient:
    """Speak to the supervisor over one connection, opened by the first call; calls may overlap."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._opening = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask for one operation and return the reply's fields.

        Raises ControlError with the supervisor's reason, or when it is not there or does not answer in time.
        """
        writer = await self._connected()
        number = next(self._ids)
        reply = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                writer.write(encode({"op": op, "id": number, **fields}))
                await writer.drain()
                answer: dict[str, Any] = await reply
        except TimeoutError:
            raise ControlError(f"the gateway did not answer `{op}` within {CALL_TIMEOUT:.0f} s") from None
        except OSError as error:
            raise ControlError(f"the connection to the gateway broke: {error}") from None
        finally:
            del self._waiting[number]
        if answer.get("ok") is not True:
            raise ControlError(str(answer.get("error", "refused")))
        return answer

    async def lost(self) -> None:
        """Wait until the connection has been lost: a worker then ends, because nobody supervises it any more."""
        await self._lost.wait()

    async def close(self) -> None:
        """Close the connection; waiting calls fail."""
        if self._writer:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        if self._reading:
            await asyncio.wait({self._reading})

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._opening:
            if self._lost.is_set():
                raise ControlError("the connection to the gateway was lost")
            if self._writer is None:
                reader, self._writer = await self._open()
                self._reading = asyncio.create_task(self._read(reader), name="control replies")
            return self._writer

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                return await asyncio.open_unix_connection(str(self._path), limit=MAX_REPLY)
        except (OSError, TimeoutError) as error:
            raise ControlError(f"the gateway is not running (nobody answers at {self._path}: {error})") from None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._resolve(decode(line))
        except (OSError, ValueError, ControlError):
            pass  # a broken connection and a broken line end alike
        finally:
            self._fail_all()

    def _resolve(self, answer: dict[str, Any]) -> None:
        reply = self._waiting.get(answer.get("id", 0))
        if reply and not reply.done():
            reply.set_result(answer)

    def _fail_all(self) -> None:
        self._lost.set()
        if self._writer:
            self._writer.close()
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(ControlError("the connection to the gateway was lost"))
