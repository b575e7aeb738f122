from __future__ import annotations

import asyncio
import errno
import socket
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hyperframe.frame import GoAwayFrame
from mitmproxy.master import Master

from addons.arrivals import Arrivals
from indicators.observation import Device
from proxy import ca
from proxy.hand_over import HandOver, Kind
from proxy.inspector.engine import Engine, Listener
from proxy.state import StateDir


@pytest.fixture
def confdir(tmp_path: Path) -> Path:
    state = StateDir(tmp_path)
    ca.load_or_create(state, datetime.now(UTC))
    return state.ca_dir


def listener(name: str = "http_proxy", mode: str = "regular", port: int = 0) -> Listener:
    return Listener(name, mode, "127.0.0.1", port)


async def answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_it_binds_all_listeners_says_where_and_frees_them(confdir: Path) -> None:
    engine = Engine([listener(), listener("socks", "socks5")], confdir, [])
    await engine.start()
    bound = engine.bound()
    assert set(bound) == {"http_proxy", "socks"}
    assert [await answers(address) for address in bound.values()] == [True, True]
    await engine.stop()
    assert [await answers(address) for address in bound.values()] == [False, False]
    await engine.stop()


async def test_a_port_in_use_is_an_error_that_names_it_and_nothing_stays_bound(confdir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        engine = Engine([listener(), listener("socks", "socks5", port)], confdir, [])
        with pytest.raises(OSError, match=f"socks cannot listen on 127.0.0.1:{port}: Address already in use") as raised:
            await engine.start()
    assert raised.value.errno == errno.EADDRINUSE
    again = Engine([listener("socks", "socks5", port)], confdir, [])
    await again.start()
    assert again.bound() == {"socks": f"127.0.0.1:{port}"}
    await again.stop()


async def test_a_mode_that_is_none_is_refused(confdir: Path) -> None:
    with pytest.raises(ValueError, match="unknown mode"):
        await Engine([listener(mode="bogus")], confdir, []).start()


async def test_stopping_ends_open_connections(confdir: Path) -> None:
    engine = Engine([listener()], confdir, [])
    await engine.start()
    host, _, port = engine.bound()["http_proxy"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET http://")
    await engine.stop()
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()
    await engine.ended()


async def test_leaves_are_signed_by_our_ca(confdir: Path) -> None:
    engine = Engine([listener()], confdir, [])
    await engine.start()
    assert "Seawall CA on" in str(engine.certificate_store.default_ca.cn)
    await engine.stop()


async def test_ipv6_is_written_with_brackets(confdir: Path) -> None:
    engine = Engine([Listener("http_proxy", "regular", "::1", 0)], confdir, [])
    await engine.start()
    assert engine.bound()["http_proxy"].startswith("[::1]:")
    await engine.stop()


async def test_a_client_that_has_gone_before_it_is_served_leaves_nothing_open(confdir: Path) -> None:
    engine = Engine([], confdir, [])
    await engine.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        near.close()
        with socket.create_connection(server.getsockname()) as upstream:
            reader, writer = await asyncio.open_connection(sock=far)
            given = HandOver(Kind.TUNNEL, b"", Device("d", "a device"), "good.test", 443, (), False, upstream=upstream)
            await engine.serve(given, reader, writer, Arrivals())
            assert writer.is_closing()
            assert upstream.fileno() == -1
    await engine.stop()


async def test_a_start_that_comes_to_nothing_is_an_error(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(master: Master) -> None:
        """Be a master that has nothing to do."""

    monkeypatch.setattr(Master, "run", ends)
    with pytest.raises(RuntimeError, match="ended while it was starting"):
        await Engine([listener()], confdir, []).start()

    async def hangs(master: Master) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Master, "run", hangs)
    monkeypatch.setattr("proxy.inspector.engine._START_WITHIN", 0.01)
    with pytest.raises(TimeoutError, match="did not start within"):
        await Engine([listener()], confdir, []).start()


async def test_frames_of_http2_are_not_written_out(confdir: Path) -> None:
    engine = Engine([], confdir, [])
    await engine.start()
    await engine.stop()
    assert "secret" not in repr(GoAwayFrame(0, additional_data=b"secret"))
