"""What a device is told is what its backend serves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from proxy.config.sections.wireguard import WireguardConfig
from proxy.devices.record import DeviceRecord
from proxy.own_address import own_address
from proxy.profiles.wireguard import endpoint_of
from proxy.wireguard.terms import Terms

RECORD = DeviceRecord(
    "0" * 32, "phone", datetime(2026, 1, 1, tzinfo=UTC), peer_key="PEER", address="10.87.0.2", address6="fd87:5ea:11::2"
)


def told(**settings: Any) -> dict[str, Any]:
    found = Terms(WireguardConfig.model_validate(settings), "SERVER").of(replace(RECORD, tunnel_port=51830))
    assert found is not None
    return found


def test_a_device_is_told_all_but_its_private_key() -> None:
    assert told(backend="kernel", endpoint="vpn.example.com") == {
        "backend": "kernel",
        "public_key": "PEER",
        "addresses": ["10.87.0.2", "fd87:5ea:11::2"],
        "gateway": ["10.87.0.1", "fd87:5ea:11::1"],
        "server_key": "SERVER",
        "endpoint": "vpn.example.com:51820",
        "allowed_ips": ["0.0.0.0/0", "::/0"],
        "dns": ["10.87.0.1", "fd87:5ea:11::1"],
        "mtu": 1280,
        "keepalive": 25,
    }


def test_in_user_space_a_device_has_a_port_of_its_own() -> None:
    assert told(backend="userspace", endpoint="2001:db8::1")["endpoint"] == "[2001:db8::1]:51830"


def test_split_tunnel_and_resolvers_are_as_configured() -> None:
    found = told(routes="corporate", corporate=["10.20.0.0/16"], dns=["10.20.0.53"], mtu=1420, keepalive=0)
    assert found["allowed_ips"] == ["10.20.0.0/16", "10.87.0.1/32", "fd87:5ea:11::1/128"]
    assert (found["dns"], found["mtu"], found["keepalive"]) == (["10.20.0.53"], 1420, 0)
    public = told(routes="public")["allowed_ips"]
    assert "10.87.0.1/32" in public
    assert "0.0.0.0/0" not in public


def test_a_device_without_a_tunnel_is_told_nothing() -> None:
    one = Terms(WireguardConfig(), "SERVER")
    assert one.of(replace(RECORD, peer_key="")) is None
    assert one.of(replace(RECORD, address="", address6="")) is None


def test_without_a_configured_endpoint_it_is_this_computers_address() -> None:
    assert told(backend="kernel")["endpoint"] == endpoint_of(own_address(), 51820)
