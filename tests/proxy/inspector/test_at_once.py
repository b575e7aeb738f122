"""A stream's hooks are called where it asks for them: with a real HTTP stream, whose commands are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from mitmproxy import http, options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client
from mitmproxy.master import Master
from mitmproxy.proxy import context, events
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream
from mitmproxy.proxy.layers.http._events import RequestEndOfMessage, RequestHeaders
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook

from proxy.inspector import at_once
from proxy.inspector.hooks import Hooks
from tests.support.wrapped import digest_of

STREAM = HttpStream._handle_event
WRITTEN_AGAINST = {STREAM: "e3cbfef7310ae81f"}

at_once.install()


def test_what_is_wrapped_is_what_it_was() -> None:
    assert digest_of(STREAM) == WRITTEN_AGAINST[STREAM], "mitmproxy has changed it: look at the seam anew"


class Told:
    """Take a request's hooks."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def requestheaders(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        self.said.append(flow.request.path)
        return None

    def request(self, flow: http.HTTPFlow) -> None:
        self.said.append("request")


class Answering(Told):
    """Answer at the first of them."""

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(204)


class Waiting(Told):
    """Wait in the first of them."""

    begun = 0

    def requestheaders(self, flow: http.HTTPFlow) -> Awaitable[None]:
        self.begun += 1
        return self._later()

    async def _later(self) -> None:
        await asyncio.sleep(0)
        self.said.append("later")


def headers() -> RequestHeaders:
    return RequestHeaders(1, http.Request.make("GET", "http://origin.test/page"), end_stream=True)


def stream(*addons: object, offered: bool = True) -> tuple[HttpStream, Hooks]:
    """Return a stream at the end of a stack of its own, and who calls hooks."""
    master = Master(options.Options())
    master.addons.add(Proxyserver(), *addons)
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0)
    where, hooks = context.Context(client, master.options), Hooks(master.addons)
    if offered:
        at_once.offer(client, hooks)
    HttpLayer(where, HTTPMode.regular)
    return HttpStream(where, 1), hooks


def asked_for(of: HttpStream) -> list[str]:
    """Send a request into a stream and return what it asks for, up to what it waits for."""
    made = (events.Start(), headers(), RequestEndOfMessage(1))
    return [type(command).__name__ for event in made for command in of.handle_event(event)]


async def test_hooks_that_nobody_waits_in_never_leave_the_stream() -> None:
    told = Told()
    made, _ = stream(told)
    assert asked_for(made) == ["GetHttpConnection"]
    assert told.said == ["/page", "request"]


async def test_one_that_waits_is_asked_for_as_ever_and_is_begun_once() -> None:
    told = Waiting()
    made, hooks = stream(told)
    (hook,) = [*made.handle_event(events.Start()), *made.handle_event(headers())]
    assert isinstance(hook, HttpRequestHeadersHook)
    rest = at_once.begin(hook, hooks)
    assert rest is not None
    assert told.begun == 1
    await rest
    assert list(made.handle_event(events.HookCompleted(hook))) == []
    assert [type(found).__name__ for found in made.handle_event(RequestEndOfMessage(1))] == ["GetHttpConnection"]
    assert told.said == ["later", "request"]


async def test_a_client_to_whom_nothing_is_offered_asks_through_all_layers() -> None:
    told = Told()
    made, hooks = stream(told, offered=False)
    (hook,) = [*made.handle_event(events.Start()), *made.handle_event(headers())]
    assert told.said == []
    assert at_once.begin(hook, hooks) is None  # type: ignore[arg-type]
    assert told.said == ["/page"]


async def test_an_answer_of_a_handler_is_what_the_stream_goes_on_with() -> None:
    made, _ = stream(Answering())
    assert set(asked_for(made)) == {"SendHttp", "DropStream"}  # nothing is asked of a server
