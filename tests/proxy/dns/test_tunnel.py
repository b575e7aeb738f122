"""Who asks inside the tunnel: devices by their address, from the moment they are added until they are revoked."""

from __future__ import annotations

import socket
import sys
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from indicators.words import IdentifiedBy
from proxy.config.model import Config
from proxy.devices import DeviceDirectory
from proxy.devices.published import PublishedRegistry
from proxy.devices.seats import Seats
from proxy.devices.store import DeviceStore
from proxy.dns.tunnel import TunnelClients, inner_sockets

CONFIG = Config.model_validate({"wireguard": {"enabled": True, "backend": "kernel"}})


@pytest.fixture
def store(tmp_path: Path) -> DeviceStore:
    seats = Seats.of(CONFIG.wireguard)
    return DeviceStore(tmp_path / "devices.json", bytes(32), lambda: datetime(2026, 1, 1, tzinfo=UTC), seats)


@pytest.fixture
def clients(tmp_path: Path) -> TunnelClients:
    directory = DeviceDirectory("i", PublishedRegistry(tmp_path / "devices.json"), bytes(32))
    return TunnelClients(directory, CONFIG.wireguard)


class Connection:
    """A stream as far as it is looked at."""

    def __init__(self, peer: tuple[str, int] | None) -> None:
        self._peer = peer

    def get_extra_info(self, name: str) -> Any:
        assert name == "peername"
        return self._peer


def test_a_device_asks_by_its_address_and_is_shown_the_page(store: DeviceStore, clients: TunnelClients) -> None:
    assert not clients.of("10.87.0.2").allowed
    record, _ = store.add("phone", peer_key="K")
    found = clients.of("10.87.0.2")
    assert (found.device.id, found.device.identified_by) == (record.id, IdentifiedBy.WIREGUARD)
    assert found.allowed
    assert found.sees_page
    assert [str(one) for one in found.page] == ["10.87.0.1", "fd87:5ea:11::1"]
    assert clients.of("10.87.0.2") is found
    for source in (ip_address("fd87:5ea:11::2").packed, "fd87:5ea:11::2", "fd87:5ea:11::2%wg0"):
        assert clients.of(source).device.id == record.id
    store.move("phone", "children")
    assert clients.of("10.87.0.2").device.group == "children"
    store.revoke("phone")
    assert not clients.of("10.87.0.2").allowed


def test_over_a_stream_a_stranger_is_nobody(store: DeviceStore, clients: TunnelClients) -> None:
    store.add("phone", peer_key="K")
    assert clients.of_stream(Connection(("10.87.0.3", 7))) is None  # type: ignore[arg-type]
    assert clients.of_stream(Connection(None)) is None  # type: ignore[arg-type]
    assert clients.of_stream(Connection(("10.87.0.2", 7))) is clients.of("10.87.0.2")  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform != "linux", reason="IP_FREEBIND is Linux'")
def test_it_is_heard_at_both_addresses_over_udp_and_tcp() -> None:
    pairs = inner_sockets(CONFIG)
    try:
        assert [one.getsockname()[:2] for pair in pairs for one in pair] == [
            ("10.87.0.1", 4873),
            ("10.87.0.1", 4873),
            ("fd87:5ea:11::1", 4873),
            ("fd87:5ea:11::1", 4873),
        ]
        assert [one.type for one in pairs[0]] == [socket.SOCK_DGRAM, socket.SOCK_STREAM]
    finally:
        for pair in pairs:
            for one in pair:
                one.close()
    assert inner_sockets(Config()) == []
