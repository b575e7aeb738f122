"""One of the judged addresses is dialled, the next where one fails or is silent; whoever loses is let go."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from proxy.front import dialing
from proxy.front.dialing import by_turns, dial
from proxy.front.relay import Relay
from tests.support.deaf import deaf


@asynccontextmanager
async def server(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[int, list[asyncio.StreamWriter]]]:
    """Serve on a port; give it, and the connections that came."""
    came: list[asyncio.StreamWriter] = []
    served = await asyncio.start_server(lambda _, writer: came.append(writer), host, port)
    try:
        yield served.sockets[0].getsockname()[1], came
    finally:
        served.close()
        for writer in came:
            writer.close()


def peer(relay: Relay) -> str:
    assert relay.transport is not None
    return str(relay.transport.get_extra_info("peername")[0])


@pytest.mark.parametrize("refused", ["::1", "127.0.0.2"])
async def test_the_address_that_answers_is_taken(refused: str) -> None:
    async with server() as (port, _):
        relay = await dial((ip_address(refused), ip_address("127.0.0.1")), port, Relay)
        assert peer(relay) == "127.0.0.1"
        relay.abort()


async def test_the_first_that_answers_is_the_only_one_dialled() -> None:
    async with server() as (port, _came), server("127.0.0.2", port) as (_, others):
        relay = await dial((ip_address("127.0.0.1"), ip_address("127.0.0.2")), port, Relay)
        assert (peer(relay), others) == ("127.0.0.1", [])
        relay.abort()


async def test_beside_a_silent_address_the_next_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.front.dialing._STAGGER", 0.01)
    async with asyncio.timeout(20):
        with deaf("127.0.0.2") as port:
            async with server(port=port):
                relay = await dial((ip_address("127.0.0.2"), ip_address("127.0.0.1")), port, Relay)
                assert peer(relay) == "127.0.0.1"
                relay.abort()


async def test_a_silent_address_is_an_error_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.front.dialing._STAGGER", 0.01)
    monkeypatch.setattr("proxy.front.dialing.LIMIT", 0.1)
    with deaf("127.0.0.2") as port, pytest.raises(TimeoutError):
        await dial((ip_address("127.0.0.2"), ip_address("127.0.0.3")), port, Relay)


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("127.0.0.1", "127.0.0.2")])
async def test_a_closed_port_is_an_error(addresses: tuple[str, ...]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await dial([ip_address(address) for address in addresses], port, Relay)


async def test_where_there_is_no_address_there_is_an_error() -> None:
    with pytest.raises(OSError, match="no address"):
        await dial((), 443, Relay)  # nothing is asked of the system, which would take it for this machine


def test_the_families_take_turns() -> None:
    given = [ip_address(text) for text in ("2001:db8::1", "2001:db8::2", "192.0.2.1", "2001:db8::3")]
    assert [str(each) for each in by_turns(given)] == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"]


async def test_an_attempt_that_came_too_late_is_let_go() -> None:
    """The loser of a race may have come about in the same moment as the winner; one that failed is let be."""
    async with server() as (port, _):
        task = asyncio.create_task(dialing._one(ip_address("127.0.0.1"), port, Relay))
        failed = asyncio.create_task(dialing._one(ip_address("127.0.0.2"), port, Relay))
        await asyncio.wait([task, failed])
        for one in (task, failed):
            dialing._give_up(one)
        assert task.result()[0].is_closing()
        assert isinstance(failed.exception(), ConnectionRefusedError)
