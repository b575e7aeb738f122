"""The front process whole: real listeners, a resolver's and an inspector's socket, and its end."""

from __future__ import annotations

import asyncio
import resource
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from indicators.observation import Device
from indicators.settings import PolicySettings
from indicators.words import Enforcement, Visibility
from proxy import hand_over, judging_again
from proxy.config.load import LoadedConfig
from proxy.config.model import Config
from proxy.dns.wire import Lookup
from proxy.front import service
from proxy.front.client import Client
from proxy.front.inspectors import Inspectors
from proxy.hand_over import HandOver, Kind
from proxy.roles import inspectors
from proxy.state import StateDir
from proxy.worker import WorkerContext
from tests.proxy.front.test_client_hello import real_hello
from tests.support.front import echo, origin
from tests.support.inspecting import LOOPBACK, Reports, TestPolicy
from tests.support.sights import indicator


class Control:
    """Take what the front tells the supervisor."""

    def __init__(self) -> None:
        self.bound: dict[str, str] = {}
        self.ready = asyncio.Event()

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        if op == "ready":
            self.bound = fields["bound"]
            self.ready.set()
        return {"ok": True, "ports": []}


class Lookups:
    """Answer in the resolver's place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Lookup:
        return Lookup((LOOPBACK,), ttl=60)

    async def names(self, address: str, device: Device) -> tuple[str, ...]:
        return ()

    async def close(self) -> None:
        pass


class LivingPolicy(TestPolicy):
    """A policy whose state of knowledge has a number."""

    epoch = 0


def context(folder: Path, control: Control, **proxy: Any) -> WorkerContext:
    state = StateDir(folder / "state")
    state.prepare()
    config = Config.model_validate({"proxy": {"port": 0, "socks_port": 0, **proxy}})
    return WorkerContext(
        config=LoadedConfig(config, folder / "config.yaml"),
        state=state,
        secrets=SimpleNamespace(installation_id="here", device_key=b"k" * 32),  # type: ignore[arg-type]
        policy=LivingPolicy(PolicySettings(), indicator("evil.test")),  # type: ignore[arg-type]
        reporter=Reports(),
        control=control,  # type: ignore[arg-type]
        clock=lambda: datetime.now(UTC),
        stopping=asyncio.Event(),
        role="front",
    )


async def connect(address: str, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return reader, writer


async def test_it_splices_hands_over_judges_again_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LookupClient", Lookups)
    monkeypatch.setattr(service, "_DRAIN", 0.0)
    monkeypatch.setattr(judging_again, "LOOK", 0.01)
    control = Control()
    given = context(tmp_path, control)
    policy: Any = given.policy
    reports: Any = given.reporter
    hello = real_hello("clean.test")
    with hand_over.listen(given.state.run / "inspector") as taker:
        serving = asyncio.create_task(service.serve(given))
        async with asyncio.timeout(20), origin(echo) as port:
            await control.ready.wait()
            assert set(control.bound) == {"http_proxy", "socks"}
            tunnels = [await connect(control.bound["http_proxy"], "clean.test", port) for _ in range(2)]
            for reader, writer in tunnels:
                assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
                writer.write(hello)
                assert await reader.readexactly(len(hello)) == hello
            _, blocked = await connect(control.bound["http_proxy"], "evil.test", port)
            note = await taken(taker)
            assert (note.kind, note.device.listener, b"CONNECT evil.test" in note.data) == (Kind.HTTP, "http", True)
            blocked.close()
            policy.use([indicator("clean.test")])
            policy.epoch += 1
            for reader, writer in tunnels:
                assert await reader.read() == b""
                writer.close()
            while not reports.repeats:
                await asyncio.sleep(0.01)
            assert (reports.done, reports.repeats) == ([("clean.test", Enforcement.RESET)], ["INC-1"])
            given.stopping.set()
            await serving
    with pytest.raises(ConnectionRefusedError):
        await connect(control.bound["http_proxy"], "clean.test", 1)


async def taken(server: socket.socket) -> HandOver:
    """Take one hand-over, its socket closed again."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(server, readable.set)
    await readable.wait()
    loop.remove_reader(server)
    peer = hand_over.accept(server)
    assert peer is not None
    notes: list[HandOver] = []
    with peer:
        while not notes:
            hand_over.receive(peer, lambda note, sock: (notes.append(note), sock.close())[0])
            await asyncio.sleep(0)
    return notes[0]


async def test_a_port_in_use_ends_it_with_its_reason(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            await service.serve(context(tmp_path, Control(), port=port))


def test_files_are_allowed_for_as_many_connections_as_are_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append(limits))
    for limits in ((1024, 4096), (1024, resource.RLIM_INFINITY), (100_000, 100_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda which, limits=limits: limits)
        service._take_descriptors(8192)
    assert asked == [(4096, 4096), (16640, resource.RLIM_INFINITY)]


def test_devices_are_spread_over_inspectors_and_each_keeps_its_own(tmp_path: Path) -> None:
    roles = inspectors(4)
    assert [role.name for role in roles] == ["inspector", "inspector-2", "inspector-3", "inspector-4"]
    spread = Inspectors([tmp_path / role.name for role in roles])
    devices = [Device(f"{number:032x}", "") for number in range(400)]
    numbers = [spread.number_of(device) for device in devices]
    assert numbers == [spread.number_of(device) for device in devices]
    assert all(60 <= numbers.count(number) <= 140 for number in range(4))


async def test_an_inspector_that_is_started_again_is_waited_for(tmp_path: Path) -> None:
    path, handing = tmp_path / "inspector", Inspectors([tmp_path / "inspector"])
    waits = asyncio.Event()
    errors: list[OSError] = []

    async def serve(client: Client) -> None:
        await client.some()
        client.transport.write(b"welcome")
        waits.set()
        try:
            await handing.give(HandOver(Kind.HTTP, client.data, Device("d", "")), client)
        except OSError as error:
            errors.append(error)
            raise

    server = await asyncio.get_running_loop().create_server(lambda: Client(serve), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        await waits.wait()
        assert not path.exists()
        with hand_over.listen(path) as taker:
            assert (await taken(taker)).data == b"hello"
            assert await reader.readexactly(7) == b"welcome", "what was answered is out before the hand-over"
        writer.close()
        handing.close()
        handing._patience = 0
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        while not errors:
            await asyncio.sleep(0.01)
        writer.close()
    server.close()
