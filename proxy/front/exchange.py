"""One request in plain HTTP and its answer, passed on; or given to the inspector, which then has both ends.

Bodies are streamed no faster than the reader takes them. A server that ends in the middle breaks the client's
connection off too, so that nobody takes a part for the whole. What may be passed on is decided in `requests.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from addons.named_bodies import is_named
from indicators.observation import Observation
from indicators.verdict import CLEAN
from indicators.words import Enforcement, Stage
from proxy.front.bodies import Body, BodyError, UntilEnd
from proxy.front.client import Client
from proxy.front.crossing import Passage
from proxy.front.doorway import Caller, Doorway
from proxy.front.greetings import BAD_REQUEST, GreetingError, Request
from proxy.front.messages import (
    Response,
    ResponseError,
    body_of_request,
    body_of_response,
    is_last,
    read_response,
    size_of_response,
    tokens,
    write_request,
    write_response,
)
from proxy.front.relay import Relay, join
from proxy.front.requests import Way
from proxy.front.stream import Stream
from proxy.front.tunnels import Tunnel
from proxy.front.upstreams import Upstreams

STALLED = 600.0  # seconds without a byte of an answer, or without a byte of it being read
SLOW_BODY = 60.0  # seconds without a byte of a request's body
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    b"Seawall: the site cannot be reached, or its answer cannot be read.\n"
)
_AGAIN = frozenset(("GET", "HEAD", "OPTIONS"))


class BeyondUsError(Exception):
    """Say that the inspector must take the answer. The server's connection, with all it sent, is `upstream`."""

    def __init__(self, upstream: Stream) -> None:
        super().__init__("the answer is for the inspector")
        self.upstream = upstream


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """Hold a client whose request is being served, as `Tunnels` knows open connections."""

    passage: Passage
    server_name: str
    client: Client

    def cut(self) -> None:
        """Drop the client; its end drops the server."""
        self.client.reset()


class Exchange:
    """Serve one request of a client.

    `lasts` says whether another may follow on the client's connection, `switched` that it is a tunnel from here on.
    """

    def __init__(self, client: Client, door: Doorway, caller: Caller, request: Request, way: Way) -> None:
        h2c = "h2c" in tokens(request.headers.get("upgrade", ""))
        self._client = client
        self._door = door
        self._caller = caller
        self._request = replace(request, upgrades=False) if h2c else request
        self._way = way
        self._has_body = not body_of_request(request).done
        self.lasts = not is_last(request.headers)
        self.switched = False

    async def run(self, upstreams: Upstreams) -> None:
        """Pass the request and its answer on. Raises BeyondUsError, GreetingError, OSError and TimeoutError."""
        if not self._has_body:
            self._client.leave_at_end()
        try:
            upstream, response = await self._answered(upstreams)
            if response.status == 101:
                self._switch(upstreams, upstream, response)
                return
            await self._respond(upstream, response)
        finally:
            self._client.leaves_at_end = False
        if self.lasts and response.keeps_alive and not upstream.has_ended:
            upstreams.keep(self._way.passage, upstream)
        else:
            upstreams.drop()

    async def _answered(self, upstreams: Upstreams) -> tuple[Stream, Response]:
        """Send the request and return its final response, read so far as its head. Tries a kept connection first."""
        passage = self._way.passage
        kept = upstreams.kept(passage) if self._request.method in _AGAIN and not self._has_body else None
        if kept is not None:
            try:
                return kept, await self._asked(kept)
            except ConnectionError as problem:  # the server had closed it meanwhile (RFC 9112, 9.3.1)
                upstreams.drop()
                if kept.data:
                    raise GreetingError(f"no answer: {problem}", BAD_GATEWAY) from None
        try:
            upstream = await upstreams.dialled(passage)
            seen = Observation(Stage.HTTP, self._caller.device, (passage.host,), port=passage.port)
            self._door.reporter.report(seen, CLEAN, Enforcement.PASSED)
            return upstream, await self._asked(upstream)
        except (OSError, TimeoutError) as problem:
            raise GreetingError(f"no answer: {problem}", BAD_GATEWAY) from None

    async def _asked(self, upstream: Stream) -> Response:
        """Send the request; return the head of the answer, interim ones passed on."""
        await upstream.write(write_request(self._request, self._way.target, self._way.host))
        body = body_of_request(self._request)
        if body.done:
            return await self._final(upstream)
        sending = asyncio.create_task(self._send(upstream, body), name="a request's body")
        answer = asyncio.create_task(self._final(upstream), name="an answer's head")
        try:
            await asyncio.wait((sending, answer), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                self._unless_the_clients_fault(sending)
            return await answer
        finally:
            answer.cancel()
            if not body.done:  # the server has answered without waiting for the rest
                self.lasts = False
                sending.cancel()

    def _unless_the_clients_fault(self, sending: asyncio.Task[None]) -> None:
        """Raise what ended the client's body; a server that reads no more of it may still answer."""
        problem = sending.exception()
        if problem and (not isinstance(problem, ConnectionError) or self._client.has_ended):
            raise problem

    async def _send(self, upstream: Stream, body: Body) -> None:
        """Pass the request's body on as it comes."""
        try:
            await _pass_on(self._client, upstream, body, SLOW_BODY)
            self._client.leave_at_end()
        except BodyError as error:
            raise GreetingError(str(error), BAD_REQUEST) from None
        except TimeoutError:
            raise GreetingError("the request's body does not go on") from None

    async def _final(self, upstream: Stream) -> Response:
        while True:
            response = await self._head(upstream)
            if not response.is_interim:
                break
            upstream.data = upstream.data[response.head :]
            await self._client.write(write_response(response, last=False))
        if self._way.looks and self._is_beyond_us(response):
            raise BeyondUsError(upstream)
        upstream.data = upstream.data[response.head :]
        return response

    async def _head(self, upstream: Stream) -> Response:
        try:
            async with asyncio.timeout(STALLED):
                while not (response := read_response(upstream.data)):
                    await upstream.more()
        except ResponseError as error:
            if self._way.looks:
                raise BeyondUsError(upstream) from None
            raise GreetingError(f"an answer that cannot be read: {error}", BAD_GATEWAY) from None
        return response

    def _is_beyond_us(self, response: Response) -> bool:
        """Say whether a body is one that policy names, or a part of a file, which counts as not seen."""
        if response.status == 101:
            return False
        size = size_of_response(response, self._request.method)
        if size == 0:
            return False
        headers = response.headers
        kind, said = headers.get("content-type", ""), headers.get("content-disposition", "")
        return response.status == 206 or is_named(self._way.target, kind, said, size)

    async def _respond(self, upstream: Stream, response: Response) -> None:
        body = body_of_response(response, self._request.method)
        self.lasts = self.lasts and not isinstance(body, UntilEnd)
        try:
            await self._client.write(write_response(response, last=not self.lasts))
            await _pass_on(upstream, self._client, body, STALLED)
        except (BodyError, ConnectionError, TimeoutError) as problem:
            if not (isinstance(body, UntilEnd) and upstream.has_ended and not upstream.is_broken):
                self._client.reset()
                raise ConnectionAbortedError(f"the server's answer broke off: {problem}") from None

    def _switch(self, upstreams: Upstreams, upstream: Stream, response: Response) -> None:
        """Relay bytes from here on: both ends have agreed on another protocol (RFC 9110, 15.2.2)."""
        upstreams.release()
        client, near, far = self._client, Relay(), Relay()
        near.transport, far.transport = client.transport, upstream.transport
        client.transport.write(write_response(response, last=False) + upstream.take())
        join(near, far)
        tunnel = Tunnel(self._way.passage, self._way.said, near, far)
        near.on_end = self._door.tunnels.add(tunnel, client.keep_place())
        ended = client.has_ended
        upstream.transport.write(client.let_go())
        client.transport.set_protocol(near)
        upstream.transport.set_protocol(far)
        client.read_on()
        upstream.read_on()
        if (ended and near.eof_received() is False) or upstream.has_ended:
            near.cut()
        self.switched = True


async def _pass_on(source: Stream, sink: Stream, body: Body, stalled: float) -> None:
    """Pass a body on. Raises BodyError, ConnectionError where it breaks off, TimeoutError where it does not go on."""
    while not body.done:
        async with asyncio.timeout(stalled):
            await source.some()
            await sink.write(body.feed(source.take()))
    source.data = body.rest + source.data
