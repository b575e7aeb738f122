from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest

from proxy.front.dialing import dial
from proxy.front.relay import Relay


async def test_the_address_that_answers_is_taken() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    relay = Relay()
    await dial((ip_address("::1"), ip_address("127.0.0.1")), port, relay)
    assert relay.transport is not None
    assert relay.transport.get_extra_info("peername")[:2] == ("127.0.0.1", port)
    relay.abort()
    server.close()


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("127.0.0.1", "127.0.0.2")])
async def test_a_closed_port_is_an_error(addresses: tuple[str, ...]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await dial([ip_address(address) for address in addresses], port, Relay())
