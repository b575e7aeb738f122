"""Devices and the tunnel's peers: what one operation changes, both know, and a failure of the tunnel undoes nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.control.protocol import ControlError
from proxy.control.server import Peer
from proxy.devices.published import stamp_of
from proxy.profiles.keys import keys_of, new_keys
from proxy.state import StateDir
from proxy.supervisor import device_operations
from proxy.supervisor.device_operations import DeviceOperations
from proxy.supervisor.tunnel_desk import TunnelDesk
from proxy.wireguard.backend import PeerTraffic
from tests.support.tunnels import ToldBackend

PERSON = Peer(0, 0)
WITH_TUNNEL = Config.model_validate({"wireguard": {"enabled": True, "backend": "kernel", "endpoint": "vpn.example"}})


class Registry:
    """An installation with a tunnel, spoken to by its operations."""

    def __init__(self, folder: Path, config: Config = WITH_TUNNEL) -> None:
        self.state = StateDir(folder)
        self.state.prepare()
        self.backend = ToldBackend()
        self.desk = TunnelDesk.of(config, self.state, self.backend)
        self.operations = DeviceOperations.of(config, self.state, bytes(32), self.desk)

    async def do(self, op: str, **fields: Any) -> dict[str, Any]:
        return dict(await self.operations.handlers()[op](PERSON, fields))


@pytest.fixture
async def registry(tmp_path: Path) -> Registry:
    made = Registry(tmp_path / "state")
    assert made.desk is not None
    await made.desk.start(())
    return made


async def test_a_device_that_is_added_is_a_peer_with_the_keys_that_are_told_once(registry: Registry) -> None:
    made = await registry.do("device_add", name="phone")
    tunnel = made["tunnel"]
    keys = keys_of(tunnel["private_key"])
    assert registry.backend.peers is not None
    assert list(registry.backend.peers) == [keys.public] == [tunnel["public_key"]]
    assert registry.backend.peers[keys.public].addresses == ("10.87.0.2", "fd87:5ea:11::2")
    assert tunnel["endpoint"] == "vpn.example:51820"
    assert made["device"]["credentials"] == ["token", "proxy", "wireguard"]
    again = await registry.do("device_tunnel", device="phone")
    assert again["tunnel"] == {**tunnel, "private_key": ""}
    stored = [path.read_bytes() for path in registry.state.root.rglob("*") if path.is_file()]
    assert not any(keys.private.encode() in text for text in stored)


async def test_a_key_is_kept_only_where_that_is_asked(registry: Registry) -> None:
    made = await registry.do("device_add", name="phone", keep_key=True)
    again = await registry.do("device_tunnel", device="phone")
    assert again["tunnel"] == made["tunnel"]
    turned = await registry.do("device_rotate", device="phone")
    assert turned["tunnel"]["private_key"] not in ("", made["tunnel"]["private_key"])
    assert (await registry.do("device_tunnel", device="phone"))["tunnel"]["private_key"] == ""


async def test_a_device_may_bring_its_own_key(registry: Registry) -> None:
    keys = new_keys()
    made = await registry.do("device_add", name="phone", peer_key=keys.public, keep_key=True)
    assert (made["tunnel"]["public_key"], made["tunnel"]["private_key"]) == (keys.public, "")
    with pytest.raises(ValueError, match="another device has this key"):
        await registry.do("device_add", name="tablet", peer_key=keys.public)
    with pytest.raises(ValueError, match="44 characters"):
        await registry.do("device_add", name="tablet", peer_key="short")


async def test_rotating_keeps_the_place_and_changes_the_key_and_revoking_ends_the_peer(registry: Registry) -> None:
    first = await registry.do("device_add", name="phone")
    await registry.do("device_add", name="tablet")
    turned = await registry.do("device_rotate", device="phone")
    assert turned["tunnel"]["addresses"] == first["tunnel"]["addresses"]
    assert registry.backend.peers is not None
    assert first["tunnel"]["public_key"] not in registry.backend.peers
    assert turned["tunnel"]["public_key"] in registry.backend.peers
    await registry.do("device_revoke", device="phone")
    assert [peer.addresses[0] for peer in registry.backend.peers.values()] == ["10.87.0.3"]
    with pytest.raises(ValueError, match="no device is called 'phone'"):
        await registry.do("device_tunnel", device="phone")


async def test_the_list_tells_when_a_device_was_last_heard(registry: Registry) -> None:
    made = await registry.do("device_add", name="phone")
    key = made["tunnel"]["public_key"]
    registry.backend.seen[key] = PeerTraffic(key, datetime(2026, 1, 1, tzinfo=UTC), "192.0.2.1:5", 7, 9)
    (listed,) = (await registry.do("devices"))["devices"]
    assert listed["tunnel"]["handshake"] == "2026-01-01T00:00:00+00:00"
    registry.backend.broken = "gone"
    (listed,) = (await registry.do("devices"))["devices"]
    assert listed["tunnel"] is None


async def test_a_tunnel_that_fails_keeps_the_registry_and_says_so_until_it_is_mended(registry: Registry) -> None:
    registry.backend.broken = "the interface is gone"
    made = await registry.do("device_add", name="phone")
    assert registry.desk is not None
    assert "the interface is gone" in registry.desk.trouble
    registry.backend.broken = ""
    await registry.do("device_add", name="tablet")
    assert registry.desk.trouble == ""
    assert registry.backend.peers is not None
    assert made["tunnel"]["public_key"] in registry.backend.peers
    registry.backend.trouble = "wireguard-go has ended"
    assert registry.desk.trouble == "wireguard-go has ended"
    await registry.desk.stop()
    assert registry.backend.peers is None
    assert registry.desk.trouble == ""


async def test_without_a_gateway_the_registry_waits_for_the_backend(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "state")
    made = await registry.do("device_add", name="phone")
    assert registry.backend.peers is None
    assert (await registry.do("devices"))["devices"][0]["tunnel"] is None
    desk = TunnelDesk.of(WITH_TUNNEL, registry.state)
    assert desk is not None
    await desk.start(())
    await desk.stop()
    assert made["tunnel"]["private_key"]


async def test_where_the_tunnel_is_off_devices_have_none(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "state", Config())
    assert registry.desk is None
    made = await registry.do("device_add", name="phone")
    assert "tunnel" not in made
    assert made["device"]["addresses"] == []
    await registry.do("device_rotate", device="phone")
    with pytest.raises(ControlError, match=r"phone has no tunnel; set `wireguard.enabled`"):
        await registry.do("device_tunnel", device="phone")
    await registry.do("device_revoke", device="phone")


async def test_a_tunnel_ends_after_the_connections_in_it(registry: Registry) -> None:
    await registry.do("device_add", name="phone")
    front = Peer(7, 0, role="front")
    await registry.operations.handlers()["devices_seen"](front, {"stamp": "an earlier one"})
    revoking = asyncio.create_task(registry.do("device_revoke", device="phone"))
    while registry.operations.records():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert registry.backend.peers, "the news of the end still goes through the tunnel"
    stamp = stamp_of(registry.state.devices)
    await registry.operations.handlers()["devices_seen"](front, {"stamp": stamp})
    await revoking
    assert registry.backend.peers == {}


async def test_a_worker_that_says_nothing_or_has_gone_holds_nobody_up(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_operations, "_FOLLOWED_WITHIN", 0.05)
    front = Peer(7, 0, role="front")
    await registry.operations.handlers()["devices_seen"](front, {"stamp": "an earlier one"})
    await registry.do("device_add", name="phone")
    await registry.do("device_revoke", device="phone")
    assert registry.backend.peers == {}
    monkeypatch.setattr(device_operations, "_FOLLOWED_WITHIN", 60)
    registry.operations.left(front)
    await registry.do("device_add", name="phone")
    async with asyncio.timeout(30):
        await registry.do("device_revoke", device="phone")
