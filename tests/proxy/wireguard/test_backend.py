from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from proxy.devices.record import DeviceRecord
from proxy.wireguard.backend import PeerTraffic, TunnelPeer, peers_of

RECORD = DeviceRecord(
    "0" * 32, "phone", datetime(2026, 1, 1, tzinfo=UTC), peer_key="K", address="10.0.0.2", address6="fd00::2"
)


def test_devices_with_a_key_and_addresses_are_peers() -> None:
    records = [RECORD, replace(RECORD, peer_key=""), replace(RECORD, address="", address6="")]
    assert peers_of(records) == (TunnelPeer("0" * 32, "K", ("10.0.0.2", "fd00::2")),)


def test_what_is_known_of_a_peer_is_told_as_json() -> None:
    assert PeerTraffic("K").to_json() == {"handshake": None, "endpoint": "", "received": 0, "sent": 0}
    heard = PeerTraffic("K", datetime(2026, 1, 1, tzinfo=UTC), "192.0.2.1:5", 7, 9)
    assert heard.to_json()["handshake"] == "2026-01-01T00:00:00+00:00"
