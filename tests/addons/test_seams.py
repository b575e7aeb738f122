"""The seams are cut into functions of mitmproxy: when one of those changes, this must be looked at again."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from ipaddress import ip_address
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from mitmproxy.proxy.layers import modes, tls
from mitmproxy.proxy.layers.http import HttpStream

from addons import holding, seams
from addons.deadlines import Deadlines
from tests.addons.conftest import Start
from tests.support.browsing import RefusedError, fetch, line
from tests.support.deaf import attempts, deaf
from tests.support.inspecting import Led

seams.install()
holding.install()

CUT = {
    "ClientTLSLayer.receive_handshake_data": tls.ClientTLSLayer.receive_handshake_data,
    "ClientTLSLayer.start_server_tls": tls.ClientTLSLayer.start_server_tls,
    "TLSLayer.start_tls": tls.TLSLayer.start_tls,
    "HttpStream.send_response": HttpStream.send_response,
    "HttpStream.handle_protocol_error": HttpStream.handle_protocol_error,
    "HttpStream.state_wait_for_response_headers": HttpStream.state_wait_for_response_headers,
    "HttpStream.handle_connect_finish": HttpStream.handle_connect_finish,
}


@pytest.mark.parametrize("name", CUT)
def test_the_functions_that_we_lean_on_are_there(name: str) -> None:
    assert inspect.isgeneratorfunction(CUT[name])


def test_installing_twice_changes_nothing() -> None:
    before = (HttpStream.make_server_connection, modes.Socks5Proxy.state_connect, HttpStream.send_response)
    seams.install()
    holding.install()
    assert before == (HttpStream.make_server_connection, modes.Socks5Proxy.state_connect, HttpStream.send_response)
    assert HttpStream.handle_connect_regular is seams._handle_connect
    assert modes.DestinationKnown.finish_start is seams._finish_start


async def test_a_client_that_says_nothing_is_hung_up_on(start: Start) -> None:
    gateway, _ = await start()
    shorten(gateway.addons, speak=0.05)
    for port, first in ((gateway.http, b""), (gateway.http, b"GET http"), (gateway.socks, b"\x05")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
    async with line("tcp://good.test:443/", http=gateway.http) as opened, asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            assert await opened.reader.read() == b""


async def test_a_server_that_does_not_accept_is_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, _ = await start()
    shorten(gateway.addons, connect=0.05)
    loop = asyncio.get_running_loop()

    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    async def connect(port: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        monkeypatch.setattr(loop, "create_connection", never)
        writer.write(b"CONNECT good.test:9 HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n")
        writer.close()
        return int(head.split()[1])

    assert await connect(gateway.http) == 502


@pytest.mark.parametrize("asks", ["GET http://good.test:{} HTTP/1.1", "CONNECT good.test:{} HTTP/1.1", "SOCKS"])
async def test_a_client_that_leaves_while_its_server_is_being_dialled_is_let_go(start: Start, asks: str) -> None:
    """By SOCKS, where it may have said all that it has to say, once the server's time is over."""
    gateway, _ = await start()
    shorten(gateway.addons, connect=0.5 if asks == "SOCKS" else 30)
    with deaf() as port:
        before = attempts(port)
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.socks if asks == "SOCKS" else gateway.http)
        if asks == "SOCKS":
            writer.write(b"\x05\x01\x00\x05\x01\x00\x03\x09good.test" + port.to_bytes(2))
        else:
            writer.write(f"{asks.format(port)}\r\nHost: good.test:{port}\r\n\r\n".encode())
        async with asyncio.timeout(10):
            while attempts(port) == before:
                await asyncio.sleep(0.01)
            writer.write_eof()
            while attempts(port) > before or gateway.engine._open_connections():
                await asyncio.sleep(0.01)
        writer.close()


@pytest.mark.parametrize("asks", ["GET http://good.test:{} HTTP/1.1", "CONNECT good.test:{} HTTP/1.1"])
async def test_where_one_address_does_not_answer_the_next_is_taken(start: Start, asks: str) -> None:
    gateway, _ = await start()
    gateway.resolver.known["good.test"] = Led((ip_address("127.0.0.2"), ip_address("127.0.0.1")))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    with deaf("127.0.0.2") as port:
        server = await asyncio.start_server(serve, "127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http)
        writer.write(f"{asks.format(port)}\r\nHost: good.test:{port}\r\n\r\n".encode())
        async with asyncio.timeout(8):  # less than the ten seconds that all of them have
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        server.close()


def shorten(addons: list[object], speak: float = 30.0, connect: float = 30.0) -> None:
    for addon in addons:
        if isinstance(addon, Deadlines):
            addon._speak_within, addon._connect_within = speak, connect


async def test_a_connection_at_work_is_left_alone(start: Start) -> None:
    gateway, site = await start()
    shorten(gateway.addons, speak=0.1, connect=0.1)
    async with line(f"tcp://good.test:{site.raw_port}/", socks=gateway.socks) as opened, asyncio.timeout(20):
        for _ in range(4):
            opened.writer.write(b"x")
            await asyncio.sleep(0.05)
        assert await opened.reader.readuntil(b"x") != b""


async def test_nothing_of_raw_traffic_is_kept_and_no_way_around_us_is_offered(start: Start) -> None:
    gateway, site = await start()
    flows: list[Any] = []

    class Watch:
        name = "watch"

        def tcp_message(self, flow: Any) -> None:
            flows.append(flow)

    gateway.engine._master.addons.add(Watch())
    async with line(f"tcp://good.test:{site.raw_port}/", socks=gateway.socks) as opened, asyncio.timeout(20):
        for _ in range(3):
            opened.writer.write(b"some words")
            await opened.reader.readuntil(b"words")
    assert flows
    assert all(flow.messages == [] for flow in flows)

    async def answer(_: Any) -> Any:
        return web.Response(headers={"Alt-Svc": 'h3=":443"'})

    site.answers["/alt"] = answer
    found = await fetch(f"http://good.test:{site.http_port}/alt", http=gateway.http)
    assert "alt-svc" not in found.headers


async def test_a_refusal_by_socks_says_that_it_is_a_rule(start: Start) -> None:
    gateway, _ = await start()
    with pytest.raises(RefusedError) as refused:
        await fetch(f"tcp://127.0.0.1:{gateway.http}/", socks=gateway.socks)
    assert refused.value.status == 2


async def test_websocket_messages_pass_and_are_not_kept(start: Start) -> None:
    gateway, site = await start()
    flows: list[Any] = []

    class Watch:
        name = "watch"

        def websocket_message(self, flow: Any) -> None:
            flows.append(flow)

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    gateway.engine._master.addons.add(Watch())
    site.answers["/ws"] = echo
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://good.test:{site.http_port}/ws", proxy=f"http://127.0.0.1:{gateway.http}") as socket,
    ):
        for word in "one", "two":
            await socket.send_str(word)
            assert await socket.receive_str(timeout=5) == word
    assert len(flows) == 4
    assert flows[0].websocket.messages == []


async def test_a_server_may_close_and_a_client_that_goes_early_is_forgotten(start: Start) -> None:
    gateway, site = await start()
    visits = next(addon for addon in gateway.addons if addon.__class__.__name__ == "DestinationGate")._visits  # type: ignore[attr-defined]
    async with line(f"https://good.test:{site.https_port}/", http=gateway.http, trust=site.certificate) as opened:
        await opened.ask()
        assert len(visits) == 1
    async with asyncio.timeout(20):
        while len(visits):
            await asyncio.sleep(0.01)
