"""The tunnels follow the registry of devices: its real file, written by the real store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from indicators.membership import Membership, Rule
from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy.config.sections.wireguard import WireguardConfig
from proxy.control.server import Peer
from proxy.devices import DeviceDirectory
from proxy.devices.published import PublishedRegistry
from proxy.devices.seats import Seats
from proxy.devices.store import DeviceStore
from proxy.profiles.keys import new_keys
from proxy.wireguard.userspace import following as module
from proxy.wireguard.userspace.device_tunnel import TunnelSpec
from proxy.wireguard.userspace.following import Following
from proxy.wireguard.userspace.server_key import own_keys
from proxy.wireguard.userspace.tunnels import Tunnel, Tunnels

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SERVER = new_keys()
US = Peer(1, 1)


@dataclass
class Here:
    """Hold what a test looks at: the registry's writer, who follows it, and the specs of open tunnels."""

    store: DeviceStore
    following: Following
    opened: dict[str, TunnelSpec] = field(default_factory=dict)
    heard: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    fails: bool = False

    def make(self, spec: TunnelSpec) -> Tunnel:
        async def start() -> None:
            if self.fails:
                raise OSError("in use")
            self.opened[spec.device.id] = spec

        async def stop() -> None:
            del self.opened[spec.device.id]

        return cast("Tunnel", SimpleNamespace(spec=spec, port=spec.port, start=start, stop=stop))


@pytest.fixture
def here(tmp_path: Path) -> Here:
    path, key = tmp_path / "devices.json", b"k" * 32
    seats = Seats.of(WireguardConfig(ports="2001-2003"), needs_port=True)
    registry = PublishedRegistry(path)
    made = Here(DeviceStore(path, key, lambda: NOW, seats), cast("Following", None))

    async def cut(device: str) -> None:
        """Have nothing open."""

    tunnels = Tunnels(made.make, cut, {})
    made.following = Following(registry, DeviceDirectory("here", registry, key), SERVER, tunnels, made.heard)
    return made


async def told(op: Callable[..., Awaitable[object]]) -> object:
    return await op(US, {})


async def test_every_device_with_a_place_has_a_listener_with_the_keys_of_both_sides(here: Here) -> None:
    key = new_keys().public
    phone, _ = here.store.add("phone", "children", key)
    here.store.add("television")  # known by its token alone
    assert await told(here.following.handlers()["apply"]) == {"problems": []}
    device = Device(phone.id, "phone", "children", IdentifiedBy.WIREGUARD, "10.87.0.2", "wireguard")
    assert here.opened == {phone.id: TunnelSpec(device, 2001, own_keys(SERVER, phone.id).private, key)}
    here.store.revoke("phone")
    await told(here.following.handlers()["apply"])
    assert here.opened == {}


async def test_it_sees_changes_by_itself_and_tries_again_what_failed(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.01)
    here.fails = True
    following = asyncio.create_task(here.following.run())
    phone, _ = here.store.add("phone", peer_key=new_keys().public)
    async with asyncio.timeout(10):
        while not (await here.following.apply(US, {}))["problems"]:
            await asyncio.sleep(0.01)
        here.fails = False
        while phone.id not in here.opened:
            await asyncio.sleep(0.01)
        other, _ = here.store.add("other", peer_key=new_keys().public)
        while other.id not in here.opened:
            await asyncio.sleep(0.01)
    following.cancel()


async def test_what_is_told_of_peers_is_when_and_from_where_they_were_heard(here: Here) -> None:
    keys = [new_keys().public for _ in range(2)]
    phone, _ = here.store.add("phone", peer_key=keys[0])
    here.store.add("silent", peer_key=keys[1])
    here.heard[phone.id] = (NOW, "192.0.2.7:51000")
    found = {"handshake": "2026-11-30T00:00:00+00:00", "endpoint": "192.0.2.7:51000", "received": 0, "sent": 0}
    assert await told(here.following.handlers()["traffic"]) == {"traffic": {keys[0]: found}}


async def test_a_device_that_was_replaced_between_two_looks_waits_for_the_next(here: Here, tmp_path: Path) -> None:
    here.store.add("phone", peer_key=new_keys().public)
    elsewhere = DeviceDirectory("here", PublishedRegistry(tmp_path / "none.json"), b"k" * 32)
    here.following._directory = elsewhere
    await here.following.take_over()
    assert here.opened == {}


async def test_other_rules_of_groups_move_devices_without_touching_their_tunnels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.01)
    rules = [Membership()]
    devices: dict[str, Device] = {}
    path, key = tmp_path / "devices.json", b"k" * 32
    store = DeviceStore(path, key, lambda: NOW, Seats.of(WireguardConfig(ports="2001-2003"), needs_port=True))
    made = Here(store, cast("Following", None))

    async def cut(device: str) -> None:
        raise AssertionError("nothing ends")

    directory = DeviceDirectory("here", PublishedRegistry(path), key, rules=lambda: rules[0])
    following = Following(PublishedRegistry(path), directory, SERVER, Tunnels(made.make, cut, devices), {})
    phone, _ = store.add("phone", peer_key=new_keys().public)
    running = asyncio.create_task(following.run())
    async with asyncio.timeout(10):
        while phone.id not in devices:
            await asyncio.sleep(0.01)
        assert devices[phone.id].group == "default"
        rules[0] = Membership((("kids", (Rule(names=("phone",)),)),))
        while devices[phone.id].group != "kids":
            await asyncio.sleep(0.01)
    running.cancel()
