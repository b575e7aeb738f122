"""The tunnels' process, whole: started, told of devices by the real backend, and stopped."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from proxy.config.model import Config
from proxy.config.sections.proxy import ProxyConfig
from proxy.config.sections.wireguard import WireguardConfig
from proxy.devices.seats import Seats
from proxy.devices.store import DeviceStore
from proxy.profiles.keys import new_keys
from proxy.wireguard.backend import peers_of
from proxy.wireguard.userspace import service
from proxy.wireguard.userspace.backend import UserspaceBackend
from tests.proxy.inspector.test_service import Control, context


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("0.0.0.0", 0))
        return int(sock.getsockname()[1])


def is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("0.0.0.0", port))
        except OSError:
            return True
    return False


async def test_devices_come_and_go_while_it_runs(tmp_path: Path) -> None:
    port = free_port()
    tunnel = WireguardConfig(enabled=True, backend="userspace", ports=f"{port}-{port}")
    config = Config(proxy=ProxyConfig(port=0, socks_port=0), wireguard=tunnel)
    control = Control(own_ports={"ok": True, "ports": []})
    given = context(tmp_path, control, config)
    secrets = SimpleNamespace(installation_id="here", waiver_key=b"k" * 32, device_key=b"d" * 32)
    given = replace(given, secrets=secrets, role="tunnel")  # type: ignore[arg-type]
    store = DeviceStore(given.state.devices, b"d" * 32, lambda: datetime.now(UTC), Seats.of(tunnel, needs_port=True))
    serving = asyncio.create_task(service.serve(given))
    backend = UserspaceBackend(given.state.tunnel_socket)
    async with asyncio.timeout(30):
        while ("ready", {"bound": {}}) not in control.calls:
            await asyncio.sleep(0.01)
        assert not is_bound(port)
        store.add("phone", peer_key=new_keys().public)
        await backend.apply(peers_of(store.records()))
        assert is_bound(port)
        with pytest.raises(ValueError, match=r"wireguard\.ports"):
            store.add("one too many", peer_key=new_keys().public)
        store.revoke("phone")
        await backend.apply(peers_of(store.records()))
        assert not is_bound(port)
        assert await backend.traffic() == {}
        given.stopping.set()
        await serving
    assert backend.trouble == ""
    assert not given.state.tunnel_socket.exists()
