from __future__ import annotations

import asyncio
import errno
import hashlib
import inspect
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from mitmproxy import connection, options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.proxy import commands, events, layer, mode_specs
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.server import ConnectionHandler, ConnectionIO

from proxy.inspector.handler import Handler
from proxy.inspector.hooks import Hooks
from proxy.work import Work

WRITTEN_AGAINST = {
    ConnectionHandler.server_event: "a2b42657ebe8bf6d",
    ConnectionHandler.hook_task: "9ac7970160526268",
    ConnectionHandler.drain_writers: "6b57434604561e3e",
    ConnectionHandler.close_connection: "c0d10cc05dd65b80",
    ProxyConnectionHandler.handle_hook: "9f8b52fd798203c9",
}

type Script = Callable[[layer.Layer, events.Event], Iterator[commands.Command]]


@pytest.mark.parametrize("replaced", WRITTEN_AGAINST, ids=lambda replaced: replaced.__qualname__)
def test_what_is_replaced_is_what_it_was(replaced: Any) -> None:
    digest = hashlib.sha256(inspect.getsource(replaced).encode()).hexdigest()
    assert digest.startswith(WRITTEN_AGAINST[replaced]), "mitmproxy has changed it: compare it with Handler anew"


@dataclass
class AtOnceHook(commands.StartHook):
    data: list[str]


@dataclass
class InTimeHook(commands.StartHook):
    data: list[str]


@dataclass
class AsideHook(commands.StartHook):
    data: list[str]
    blocking = False


class Addon:
    name = "told"

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()

    def at_once(self, data: list[str]) -> None:
        data.append("at once")

    def aside(self, data: list[str]) -> None:
        data.append("aside")

    async def in_time(self, data: list[str]) -> None:
        await self.may_go_on.wait()
        data.append("in time")


class Scripted(layer.Layer):
    script: Script

    def _handle_event(self, event: events.Event) -> Iterator[commands.Command]:  # type: ignore[override]
        if isinstance(event, events.ConnectionClosed):
            yield commands.CloseConnection(self.context.client)
        else:
            yield from self.script(self, event)


@dataclass
class Opened:
    near: socket.socket
    handler: Handler
    addon: Addon
    task: asyncio.Task[None]

    async def said(self, size: int = 100) -> bytes:
        async with asyncio.timeout(10):
            return await asyncio.get_running_loop().sock_recv(self.near, size)


@asynccontextmanager
async def opened(script: Script) -> AsyncIterator[Opened]:
    """Serve the far end of a TCP connection by a layer that follows a script."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    master, addon = Master(options.Options()), Addon()
    master.addons.add(addon, Proxyserver())
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        reader, writer = await asyncio.open_connection(sock=far)
        mode = mode_specs.ProxyMode.parse("regular")
        handler = Handler(master, reader, writer, master.options, mode, Hooks(master.addons), work=Work())
        handler.layer = Scripted(handler.layer.context)
        handler.layer.script = script
        near.setblocking(False)
        task = loop.create_task(handler.handle_client())
        try:
            yield Opened(near, handler, addon, task)
        finally:
            near.close()
            async with asyncio.timeout(10):
                await task


def close(of: layer.Layer) -> commands.Command:
    return commands.CloseConnection(of.context.client)


def say(of: layer.Layer, word: bytes) -> commands.Command:
    return commands.SendData(of.context.client, word)


async def test_a_hook_that_nobody_waits_in_is_done_before_the_next_command() -> None:
    seen: list[str] = []

    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.Start):
            yield AsideHook(seen)
            yield AtOnceHook(seen)
            seen.append("after")
            yield say(of, ",".join(seen).encode())

    async with opened(script) as client:
        assert seen == ["aside", "at once", "after"]  # no turn of the loop has passed since
        assert await client.said() == b"aside,at once,after"


async def test_a_hook_that_waits_holds_its_layer_and_keeps_the_order_of_events() -> None:
    seen: list[str] = []

    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.DataReceived):
            if not seen:
                seen.append("asked")
                yield InTimeHook(seen)
            seen.append(event.data.decode())
            yield say(of, ",".join(seen).encode())

    async with opened(script) as client:
        client.near.send(b"first")
        while not seen:
            await asyncio.sleep(0)
        client.near.send(b"second")
        for _ in range(20):
            await asyncio.sleep(0)
        assert seen == ["asked"]
        client.addon.may_go_on.set()
        said = b""
        while not said.endswith(b"second"):
            said += await client.said()
        assert seen == ["asked", "in time", "first", "second"]


async def test_a_client_that_is_refused_before_its_task_is_noted_is_closed_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.Start):
            yield AtOnceHook([])
            yield close(of)
            yield close(of)

    async with opened(script) as client:
        assert await client.said() == b""
        async with asyncio.timeout(10):
            await client.task
    assert "crashed" not in caplog.text


async def test_a_layer_may_end_one_direction_sleep_and_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mitmproxy.proxy.server")

    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.Start):
            yield commands.Log("well begun")
            yield commands.RequestWakeup(0.001)
        elif isinstance(event, events.Wakeup):
            yield say(of, b"woken")
            yield commands.CloseTcpConnection(of.context.client, half_close=True)
        elif isinstance(event, events.DataReceived):
            yield close(of)

    async with opened(script) as client:
        assert await client.said() == b"woken"
        assert await client.said() == b""
        client.near.send(b"still heard")
        async with asyncio.timeout(10):
            await client.task
    assert "well begun" in caplog.text


async def test_what_is_meant_for_a_connection_that_is_gone_is_dropped() -> None:
    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.Start):
            gone = connection.Server(address=("127.0.0.1", 1))
            yield commands.SendData(gone, b"too late")
            yield commands.CloseConnection(gone)
            yield say(of, b"fine")

    async with opened(script) as client:
        assert await client.said() == b"fine"


async def test_a_layer_that_breaks_is_told_and_the_next_event_is_still_taken(caplog: pytest.LogCaptureFixture) -> None:
    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.Start):
            yield commands.Command()
        elif isinstance(event, events.DataReceived):
            yield say(of, event.data)

    async with opened(script) as client:
        client.near.send(b"on")
        assert await client.said() == b"on"
    assert "something that is not known" in caplog.text


async def test_an_upstream_that_cannot_be_reached_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()

    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.Start):
            error = yield commands.OpenConnection(connection.Server(address=closed))
            yield say(of, str(error).encode())

    async with opened(script) as client:
        assert b"[Errno %d]" % errno.ECONNREFUSED in await client.said(1000)


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.Start):
            yield say(of, bytes(32 * 1024 * 1024))

    async with opened(script) as client:
        drained = asyncio.ensure_future(client.handler.drain_writers())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not drained.done()
        while not drained.done():
            await client.said(1 << 20)
        await drained


async def test_what_is_said_in_one_go_leaves_in_one_call_and_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[bytes]] = []
    writelines = asyncio.StreamWriter.writelines

    def counted(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
        calls.append(pieces)
        writelines(writer, pieces)

    monkeypatch.setattr(asyncio.StreamWriter, "writelines", counted)

    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.DataReceived):
            yield say(of, b"one ")
            yield AtOnceHook([])
            yield say(of, b"two")
            yield close(of)

    async with opened(script) as client:
        client.near.send(b"go")
        said = b""
        while more := await client.said():
            said += more
    assert (said, calls) == (b"one two", [[b"one ", b"two"]])


async def test_each_piece_for_a_datagram_connection_is_a_datagram() -> None:
    class Datagrams:
        def __init__(self) -> None:
            self.sent: list[bytes] = []

        def is_closing(self) -> bool:
            return False

        def write(self, datagram: bytes) -> None:
            self.sent.append(datagram)

    datagrams, peer = Datagrams(), connection.Server(address=("127.0.0.1", 1), transport_protocol="udp")

    def script(of: layer.Layer, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.DataReceived):
            yield commands.SendData(peer, b"one")
            yield commands.SendData(peer, b"two")
            yield say(of, b"sent")

    async with opened(script) as client:
        client.handler.transports[peer] = ConnectionIO(writer=datagrams)  # type: ignore[arg-type]
        client.near.send(b"go")
        assert await client.said() == b"sent"
        del client.handler.transports[peer]
    assert datagrams.sent == [b"one", b"two"]
