"""Ask an upstream over a stream (TCP; TLS when told): one kept connection, questions pipelined (RFC 7766, RFC 7858).

An answer is matched by id and question; anything else on the connection ends it, for its peer is not to be trusted.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from proxy.dns.bootstrap import Bootstrap
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Asking
from proxy.dns.kept import Kept, Silence
from proxy.dns.records import BadReplyError

_IDLE = 10.0  # seconds after the last answer
_MAX_PENDING = 256


class StreamUpstream:
    """Hold at most one connection to an upstream, opened when first needed."""

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext | None, bootstrap: Bootstrap) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._bootstrap = bootstrap
        self._kept = Kept(self._open)

    async def ask(self, asking: Asking) -> bytes:
        """Return the answer's packet. Raises OSError or BadReplyError; the caller limits the time.

        A kept connection may have been closed by its peer unseen: the question is then asked once more on a new one.
        """
        kept = self._kept.current
        if kept is not None and kept.takes(asking):
            with contextlib.suppress(ConnectionError, BadReplyError):
                return await kept.ask(asking)
        connection = await self._kept.fitting(lambda connection: connection.takes(asking))
        return await connection.ask(asking)

    async def _open(self) -> _Connection:
        return _Connection(*await self._bootstrap.connect(self._endpoint, self._tls))

    def retire(self) -> None:
        """Let the connection end when what it carries is answered, or at its idle time."""
        self._kept.retire()

    async def close(self) -> None:
        """End the connection."""
        await self._kept.close()


class _Connection:
    """Send questions and hand each answer to who waits for it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, tuple[Asking, asyncio.Future[bytes]]] = {}
        self._retired = False
        self._silence = Silence()
        self._task = asyncio.create_task(self._read())

    def takes(self, asking: Asking) -> bool:
        return not (
            self._retired or self._task.done() or asking.id in self._waiting or len(self._waiting) >= _MAX_PENDING
        )

    async def ask(self, asking: Asking) -> bytes:
        """Return the answer. Who gives up leaves the question waiting: its answer may still come, to be dropped.

        Where nothing at all has come for long, the connection takes no more: the next question opens another.
        """
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[asking.id] = (asking, answer)
        self._silence.asked()
        self._writer.write(len(asking.packet).to_bytes(2) + asking.packet)
        try:
            await self._writer.drain()
            return await answer
        except asyncio.CancelledError:
            self._retired |= self._silence.is_long
            raise

    def retire(self) -> None:
        """Take no more questions; those that wait are still answered."""
        self._retired = True

    async def _read(self) -> None:
        problem: Exception = ConnectionResetError("the upstream closed the connection")
        try:
            while True:
                async with asyncio.timeout(_IDLE):
                    size = int.from_bytes(await self._reader.readexactly(2))
                    packet = await self._reader.readexactly(size)
                self._silence.ended()
                self._deliver(packet)
                if self._retired and not self._waiting:
                    return
        except (OSError, asyncio.IncompleteReadError, BadReplyError) as error:
            problem = error if isinstance(error, BadReplyError) else ConnectionResetError(str(error) or "no answer")
        finally:
            self._retired = True
            self._writer.close()
            for _, answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(problem)

    def _deliver(self, packet: bytes) -> None:
        asking, answer = self._waiting.get(int.from_bytes(packet[:2]), (None, None))
        if asking is None or answer is None or not asking.belongs(packet):
            raise BadReplyError("an answer that nobody asked for")
        del self._waiting[asking.id]
        if not answer.done():
            answer.set_result(packet)

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
