"""The supervisor's end, against a real control socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proxy.control.server import ControlServer, Peer
from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.userspace.backend import UserspaceBackend

PEER = TunnelPeer("d", "key", ("10.87.0.2", "fd87:5ea:11::2"), 51821)


@asynccontextmanager
async def process(path: Path, *problems: str) -> AsyncIterator[list[str]]:
    """Stand in for the tunnels' process; yields what it was asked."""
    asked: list[str] = []

    async def apply(peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append("apply")
        return {"problems": list(problems)}

    async def traffic(peer: Peer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        found = PeerTraffic("key", datetime(2026, 11, 30, tzinfo=UTC), "192.0.2.7:51000")
        return {"traffic": {"key": found.to_json()}}

    server = ControlServer(path, {"apply": apply, "traffic": traffic})
    await server.start()
    try:
        yield asked
    finally:
        await server.stop()


async def test_a_change_is_in_force_when_the_process_has_answered(tmp_path: Path) -> None:
    backend = UserspaceBackend(tmp_path / "tunnels")
    async with process(tmp_path / "tunnels") as asked:
        await backend.start([PEER])
        assert asked == [], "the process takes them from the registry when it starts"
        await backend.apply([])
        await backend.block([])
        assert asked == ["apply"]
        assert backend.trouble == ""
        expected = PeerTraffic("key", datetime(2026, 11, 30, tzinfo=UTC), "192.0.2.7:51000")
        assert await backend.traffic() == {"key": expected}
        await backend.stop()


async def test_devices_without_a_tunnel_are_trouble_that_is_told(tmp_path: Path) -> None:
    backend = UserspaceBackend(tmp_path / "tunnels")
    async with process(tmp_path / "tunnels", "no tunnel for 'phone': in use"):
        await backend.apply([PEER, TunnelPeer("e", "other", (), 0)])
    assert backend.trouble == (
        "no tunnel for 'phone': in use; 1 devices have no port: name more in `wireguard.ports`, then rotate them"
    )


async def test_a_process_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    backend = UserspaceBackend(tmp_path / "tunnels")
    with pytest.raises(TunnelError, match="process of the tunnels"):
        await backend.apply([])
    with pytest.raises(TunnelError, match="process of the tunnels"):
        await backend.traffic()
