"""The front inside the tunnel: bound before the interface is there, and open to devices alone."""

from __future__ import annotations

import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indicators.words import IdentifiedBy
from proxy.config.model import Config
from proxy.devices import DeviceDirectory
from proxy.devices.published import PublishedRegistry
from proxy.devices.seats import Seats
from proxy.devices.store import DeviceStore
from proxy.front import tunnel_entries as module
from proxy.front.greetings import GreetingError
from proxy.front.tunnel_entries import TunnelClients, tunnel_entries
from proxy.reachable import reachable

CONFIG = Config.model_validate({"wireguard": {"enabled": True, "backend": "kernel", "corporate": ["10.20.0.0/16"]}})
linux = pytest.mark.skipif(sys.platform != "linux", reason="IP_FREEBIND is Linux'")


@pytest.fixture
def store(tmp_path: Path) -> DeviceStore:
    seats = Seats.of(CONFIG.wireguard)
    return DeviceStore(tmp_path / "devices.json", bytes(32), lambda: datetime(2026, 1, 1, tzinfo=UTC), seats)


@pytest.fixture
def directory(tmp_path: Path) -> DeviceDirectory:
    return DeviceDirectory("i", PublishedRegistry(tmp_path / "devices.json"), bytes(32))


def test_a_device_is_known_by_its_address_until_it_is_revoked(store: DeviceStore, directory: DeviceDirectory) -> None:
    record, _ = store.add("phone", peer_key="K")
    clients = TunnelClients(directory)
    assert clients.admits("10.87.0.2")
    assert not clients.admits("10.87.0.3")
    assert clients.guarded("10.87.0.2")
    assert not clients.knows_passwords
    found = clients.by_address("fd87:5ea:11::2", "transparent")
    assert (found.id, found.identified_by, found.listener) == (record.id, IdentifiedBy.WIREGUARD, "transparent")
    assert clients.by_password("u", "p", "10.87.0.2", "transparent") is None
    store.revoke("phone")
    assert not clients.admits("10.87.0.2")
    with pytest.raises(GreetingError, match="no longer known"):
        clients.by_address("10.87.0.2", "transparent")


@linux
def test_all_listeners_are_bound_before_the_interface_is_there(directory: DeviceDirectory) -> None:
    entries = tunnel_entries(CONFIG, directory)
    try:
        assert {entry.name: entry.sock.getsockname()[:2] for entry in entries} == {
            "tunnel": ("10.87.0.1", 4870),
            "tunnel_page_http": ("10.87.0.1", 4871),
            "tunnel_page_https": ("10.87.0.1", 4872),
            "tunnel_v6": ("fd87:5ea:11::1", 4870),
            "tunnel_page_http_v6": ("fd87:5ea:11::1", 4871),
            "tunnel_page_https_v6": ("fd87:5ea:11::1", 4872),
        }
        assert [entry.listener for entry in entries[:3]] == ["transparent", "page_http", "page_https"]
        assert all(isinstance(entry.clients, TunnelClients) for entry in entries)
    finally:
        for entry in entries:
            entry.sock.close()


@linux
def test_a_port_that_is_taken_is_named_and_nothing_stays_open(
    directory: DeviceDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[socket.socket] = []
    real = module.freely_bound

    def noted(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
        if len(made) == 4:
            raise OSError("taken")
        made.append(real(host, port, kind))
        return made[-1]

    monkeypatch.setattr(module, "freely_bound", noted)
    with pytest.raises(OSError, match="taken"):
        tunnel_entries(CONFIG, directory)
    assert len(made) == 4
    assert {sock.fileno() for sock in made} == {-1}


@pytest.mark.parametrize("tunnel", [{}, {"enabled": True, "backend": "userspace"}])
def test_without_an_interface_there_is_no_listener(directory: DeviceDirectory, tunnel: dict[str, object]) -> None:
    config = Config.model_validate({"wireguard": {**tunnel, "corporate": ["10.20.0.0/16"]}})
    assert tunnel_entries(config, directory) == []
    assert [str(one) for one in reachable(config)] == (["10.20.0.0/16"] if tunnel else [])
