"""A device's configuration says what the gateway told of its tunnel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from proxy.config.sections.wireguard import WireguardConfig
from proxy.devices.record import DeviceRecord
from proxy.enrolment.tunnel import tunnel_of
from proxy.profiles.keys import new_keys
from proxy.profiles.wireguard import text_of
from proxy.wireguard.terms import Terms

KEYS, SERVER = new_keys(), new_keys()
RECORD = DeviceRecord("ab" * 16, "phone", datetime(2026, 11, 1, tzinfo=UTC), peer_key=KEYS.public,
                      address="10.87.0.5", address6="fd87:5ea:11::5")  # fmt: skip


def answer(**config: Any) -> dict[str, Any]:
    told = Terms(WireguardConfig.model_validate({"endpoint": "gw.example", **config}), SERVER.public).of(RECORD)
    return {**(told or {}), "private_key": KEYS.private}


def test_all_that_was_told_stands_in_the_file() -> None:
    tunnel = tunnel_of(answer(dns=["10.9.9.9"], mtu=1400, keepalive=0))
    assert tunnel is not None
    lines = text_of(tunnel).splitlines()
    assert lines[:5] == [
        "[Interface]",
        f"PrivateKey = {KEYS.private}",
        "Address = 10.87.0.5/32, fd87:5ea:11::5/128",
        "DNS = 10.9.9.9",
        "MTU = 1400",
    ]
    assert f"PublicKey = {SERVER.public}" in lines and "Endpoint = gw.example:51820" in lines
    assert not any(line.startswith("PersistentKeepalive") for line in lines)


@pytest.mark.parametrize(
    ("routes", "has", "has_not"),
    [
        ({"routes": "all"}, ["0.0.0.0/0", "::/0"], ["2000::/3"]),
        ({"routes": "public"}, ["8.0.0.0/7", "2000::/3", "10.87.0.1/32"], ["0.0.0.0/0", "10.0.0.0/8", "::/0"]),
        ({"routes": "corporate", "corporate": ["10.20.0.0/16"]}, ["10.20.0.0/16", "10.87.0.1/32"], ["8.0.0.0/7"]),
    ],
)
def test_the_split_is_in_the_allowed_ips(routes: dict[str, Any], has: list[str], has_not: list[str]) -> None:
    tunnel = tunnel_of(answer(**routes))
    assert tunnel is not None
    [line] = [line for line in text_of(tunnel).splitlines() if line.startswith("AllowedIPs")]
    networks = line.removeprefix("AllowedIPs = ").split(", ")
    assert set(has) <= set(networks) and not set(has_not) & set(networks)


def test_an_emulator_reaches_the_same_port_elsewhere() -> None:
    tunnel = tunnel_of(answer(), "10.0.2.2")
    assert tunnel is not None and tunnel == replace(tunnel_of(answer()) or tunnel, endpoint="10.0.2.2:51820")


@pytest.mark.parametrize("missing", [None, {}, {"private_key": ""}, {"private_key": "k", "addresses": []}])
def test_without_a_key_there_is_nothing_to_write(missing: dict[str, Any] | None) -> None:
    assert tunnel_of(missing) is None
