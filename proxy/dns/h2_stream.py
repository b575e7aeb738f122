"""One HTTP/2 connection to a DNS-over-HTTPS server: each question a request, many at once (RFC 8484). h2 speaks it.

Bytes in and out only: what is asked and whether an answer fits is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError

from proxy.dns.kept import Silence
from proxy.dns.records import BadReplyError

_IDLE = 30.0  # seconds without anything from the server
_MAX_BODY = 65_535  # octets
_MAX_PENDING = 100
_LAST_STREAM = 1 << 30  # stream ids do not come back


@dataclass(slots=True)
class _Request:
    answer: asyncio.Future[bytes]
    body: bytearray = field(default_factory=bytearray)


class Http2Connection:
    """Send requests and hand each response's body to who waits for it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Iterable[tuple[str, str]]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._headers = list(headers)
        self._http = H2Connection(H2Configuration(header_encoding=None))
        self._requests: dict[int, _Request] = {}
        self._retired = False
        self._silence = Silence()
        self._pinged = False
        self._http.initiate_connection()
        self._flush()
        self._task = asyncio.create_task(self._read())

    def takes(self) -> bool:
        """Say whether another request may be sent."""
        room = min(self._http.remote_settings.max_concurrent_streams, _MAX_PENDING)
        return not self._retired and not self._task.done() and len(self._requests) < room

    async def ask(self, packet: bytes) -> bytes:
        """Return the response's body. Raises ConnectionError, or BadReplyError for what is no DNS message."""
        stream = self._http.get_next_available_stream_id()
        if stream > _LAST_STREAM:
            self.retire()
        self._silence.asked()
        request = self._requests[stream] = _Request(asyncio.get_running_loop().create_future())
        try:
            self._http.send_headers(stream, [*self._headers, ("content-length", str(len(packet)))])
            self._http.send_data(stream, packet, end_stream=True)
            self._flush()
            await self._writer.drain()
            return await request.answer
        except ProtocolError as problem:
            raise ConnectionAbortedError(f"HTTP/2: {problem}") from None
        finally:
            del self._requests[stream]
            if not request.answer.done() or request.answer.cancelled():
                self._give_up(stream)

    def _give_up(self, stream: int) -> None:
        """Cancel a request, and ask the server for a sign of life; one that has been silent for long is left."""
        self._retired |= self._silence.is_long
        with contextlib.suppress(ProtocolError):
            self._http.reset_stream(stream, 8)  # CANCEL
            if not self._pinged:
                self._http.ping(bytes(8))
                self._pinged = True
            self._flush()

    def _flush(self) -> None:
        data = self._http.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)

    async def _read(self) -> None:
        problem = ConnectionResetError("the upstream closed the connection")
        try:
            while not (self._retired and not self._requests):
                async with asyncio.timeout(_IDLE):
                    data = await self._reader.read(65_535)
                if not data:
                    break
                self._silence.ended()
                self._pinged = False
                for event in self._http.receive_data(data):
                    self._take(event)
                self._flush()
        except (OSError, ProtocolError) as error:
            problem = ConnectionResetError(str(error) or "no answer")
        finally:
            self._retired = True
            self._writer.close()
            self._fail(list(self._requests), problem)

    @singledispatchmethod
    def _take(self, event: Event) -> None:
        """Most events need nothing: h2 has answered them."""

    @_take.register
    def _(self, event: ResponseReceived) -> None:
        found = dict(event.headers or ())
        status = found.get(b":status", b"").decode("latin-1")
        if status != "200":
            self._fail([event.stream_id], BadReplyError(f"HTTP status {status:.3}"))
        elif found.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/dns-message":
            self._fail([event.stream_id], BadReplyError("an answer that is no DNS message"))

    @_take.register
    def _(self, event: DataReceived) -> None:
        self._http.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        request = self._requests.get(event.stream_id)
        if request is not None:
            request.body += event.data or b""
            if len(request.body) > _MAX_BODY:
                self._fail([event.stream_id], BadReplyError("longer than a DNS message can be"))

    @_take.register
    def _(self, event: StreamEnded) -> None:
        request = self._requests.get(event.stream_id)
        if request is not None and not request.answer.done():
            request.answer.set_result(bytes(request.body))

    @_take.register
    def _(self, event: StreamReset) -> None:
        self._fail([event.stream_id], ConnectionResetError("the upstream gave the question up"))

    @_take.register
    def _(self, event: ConnectionTerminated) -> None:
        """Finish what the server still answers; what it did not take is to be asked anew."""
        self._retired = True
        last = event.last_stream_id or 0
        self._fail([stream for stream in self._requests if stream > last], ConnectionResetError("GOAWAY"))

    def _fail(self, streams: list[int], problem: Exception) -> None:
        for stream in streams:
            request = self._requests.get(stream)
            if request is not None and not request.answer.done():
                request.answer.set_exception(problem)

    def retire(self) -> None:
        """Take no more requests; those that wait are still answered."""
        self._retired = True

    async def close(self) -> None:
        """End the connection."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
