"""A device's listener in a running mitmproxy: real sockets, no client (that needs root, see `test_phone.py`)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from indicators.observation import Device
from proxy import ca
from proxy.inspector.engine import Engine
from proxy.profiles.keys import new_keys
from proxy.state import StateDir
from proxy.wireguard.userspace.device_tunnel import DeviceTunnel, TunnelSpec
from proxy.wireguard.userspace.stream import Stream
from tests.support.tunnel_streams import FakeStream

PHONE = Device("d", "phone")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    state = StateDir(tmp_path / "state")
    ca.load_or_create(state, datetime.now(UTC))
    made = Engine((), state.ca_dir, [])
    await made.start()
    yield made
    await made.stop()


def is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("0.0.0.0", port))
        except OSError:
            return True
    return False


def spec(port: int = 0, **keys: str) -> TunnelSpec:
    return TunnelSpec(PHONE, port, **{"server_key": new_keys().private, "peer_key": new_keys().public, **keys})


async def nobody(device: str, stream: Stream) -> None:
    raise AssertionError(device)


async def test_a_port_is_held_until_it_is_closed_and_free_at_once(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tunnel = DeviceTunnel(spec(), "", engine.manager, nobody)
    assert tunnel.port == 0
    await tunnel.start()
    port = tunnel.port
    assert is_bound(port)
    assert {host for host, _ in tunnel.listen_addrs} == {"0.0.0.0", "::"}
    taken = DeviceTunnel(spec(port), "", engine.manager, nobody)
    with pytest.raises(OSError, match=f"{port}"):
        await taken.start()
    await tunnel.stop()
    assert not is_bound(port)
    rotated = DeviceTunnel(spec(port), "", engine.manager, nobody)
    await rotated.start()
    assert rotated.port == port
    await rotated.stop()
    for secret in (tunnel.spec.server_key, rotated.spec.server_key):
        assert secret not in caplog.text
        assert secret not in repr(tunnel.spec)


async def test_what_is_no_key_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="key"):
        await DeviceTunnel(spec(peer_key="none"), "127.0.0.1", engine.manager, nobody).start()


async def test_a_stream_belongs_to_the_device_of_its_listener(engine: Engine) -> None:
    taken: list[Any] = []

    async def take(device: str, stream: Stream) -> None:
        taken.append((device, stream))

    stream = FakeStream("tcp", "203.0.113.10", 80)
    tunnel = DeviceTunnel(spec(), "127.0.0.1", engine.manager, take)
    await tunnel.handle_stream(stream)
    assert taken == [("d", stream)]


async def test_a_device_that_is_hung_up_on_loses_its_connections_and_others_keep_theirs(engine: Engine) -> None:
    """Two clients in mitmproxy; the layer that mitmproxy itself has for routed traffic waits for both to speak."""
    from addons.arrivals import Arrivals
    from proxy.hand_over import HandOver, Kind

    arrivals = Arrivals()
    streams = {name: FakeStream("tcp", "203.0.113.10", 80) for name in ("d", "e")}
    serving = {
        name: asyncio.create_task(
            engine.serve(
                HandOver(Kind.TUNNEL, b"", Device(name, name), "203.0.113.10", 80),
                cast("asyncio.StreamReader", stream),
                cast("asyncio.StreamWriter", stream),
                arrivals,
            )
        )
        for name, stream in streams.items()
    }
    async with asyncio.timeout(10):
        while len(arrivals) < 2:
            await asyncio.sleep(0)
        engine.hang_up("d", arrivals)
        await serving["d"]
    assert streams["d"].closed.is_set()
    assert not streams["e"].closed.is_set()
    engine.hang_up("e", arrivals)
    async with asyncio.timeout(10):
        await serving["e"]
    layer = DeviceTunnel(spec(), "", engine.manager, nobody).make_top_layer(cast("Any", _context()))
    assert type(layer).__name__ == "TransparentProxy"


def _context() -> object:
    from mitmproxy import connection, options
    from mitmproxy.proxy.context import Context

    return Context(connection.Client(peername=("10.87.0.2", 1), sockname=("203.0.113.10", 80)), options.Options())
