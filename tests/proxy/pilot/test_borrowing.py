"""The pilot becomes a device and leaves no trace of it, against the real registry and control socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.control.server import ControlServer
from proxy.devices import DeviceDirectory
from proxy.devices.published import PublishedRegistry
from proxy.devices.store import DeviceStore
from proxy.pilot.borrowing import borrowed
from proxy.pilot.clients import PilotError
from proxy.profiles.keys import keys_of
from proxy.supervisor.device_operations import DeviceOperations
from tests.proxy.supervisor.test_tunnel_desk import Registry

KEY = bytes(range(32))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DeviceStore]:
    store = DeviceStore(tmp_path / "devices.json", KEY, lambda: datetime.now(UTC))
    server = ControlServer(tmp_path / "control", DeviceOperations(store).handlers())
    await server.start()
    yield store
    await server.stop()


def known(tmp_path: Path) -> DeviceDirectory:
    return DeviceDirectory("installation", PublishedRegistry(tmp_path / "devices.json"), KEY)


async def test_one_that_is_not_known_is_enrolled_for_the_run(store: DeviceStore, tmp_path: Path) -> None:
    async with borrowed(tmp_path / "control", "phone") as device:
        assert [one.id for one in store.records()] == [device.id]
        found = known(tmp_path).by_credentials(device.user, device.password, "", "")
        assert found and (found.id, found.name) == (device.id, "phone")
    assert store.records() == ()


async def test_one_that_is_known_keeps_its_own(store: DeviceStore, tmp_path: Path) -> None:
    record, own = store.add("phone")
    directory = known(tmp_path)
    for who in ("PHONE", record.id):
        async with borrowed(tmp_path / "control", who) as device:
            assert device.user != own.user
            for token, user, password in (
                (device.token, device.user, device.password),
                (own.token, own.user, own.password),
            ):
                by_token, by_user = directory.by_token(token, "", ""), directory.by_credentials(user, password, "", "")
                assert by_token and by_user and {by_token.id, by_user.id} == {record.id}
        assert directory.by_token(device.token, "", "") is None
        assert directory.by_credentials(device.user, device.password, "", "") is None
        [kept] = store.records()
        assert (kept.token, kept.password, kept.lent_token) == (record.token, record.password, "")


async def test_a_run_that_fails_gives_back_too(store: DeviceStore, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with borrowed(tmp_path / "control", "phone"):
            raise ZeroDivisionError
    assert store.records() == ()


async def test_what_is_refused_is_said(store: DeviceStore, tmp_path: Path) -> None:
    with pytest.raises(PilotError, match="1 to 64 printable characters"):
        async with borrowed(tmp_path / "control", "x" * 65):
            pass
    with pytest.raises(PilotError, match="devices: "):
        async with borrowed(tmp_path / "nobody", "phone"):
            pass


async def test_with_a_tunnel_its_keys_come_too(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "state")
    assert registry.desk is not None
    await registry.desk.start(())
    server = ControlServer(tmp_path / "control", registry.operations.handlers())
    await server.start()
    try:
        async with borrowed(tmp_path / "control", "new", tunnel=True) as device:
            assert device.tunnel
            assert list(registry.backend.peers or {}) == [keys_of(device.tunnel.private_key).public]
        assert not registry.backend.peers
        kept = (await registry.do("device_add", name="kept", keep_key=True))["tunnel"]["private_key"]
        async with borrowed(tmp_path / "control", "kept", tunnel=True) as device:
            assert device.tunnel and device.tunnel.private_key == kept
        await registry.do("device_add", name="its own")
        with pytest.raises(PilotError, match="its own alone has the key of its tunnel"):
            async with borrowed(tmp_path / "control", "its own", tunnel=True):
                pass
        assert not (await registry.do("devices"))["devices"][1].get("lent"), "what was lent is taken back"
    finally:
        await server.stop()


async def test_without_a_tunnel_at_the_gateway_it_says_so(store: DeviceStore, tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"has no tunnel; set `wireguard\.enabled`"):
        async with borrowed(tmp_path / "control", "phone", tunnel=True):
            pass
    assert store.records() == ()
