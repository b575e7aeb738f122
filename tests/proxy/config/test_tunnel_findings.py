"""`wireguard:` what is refused, each where the user wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.errors import dotted
from proxy.config.sections.wireguard import WireguardConfig, port_range
from proxy.config.tunnel_findings import tunnel_findings


@pytest.mark.parametrize(
    ("body", "key", "says"),
    [
        ({"network": "10.87.0.0/31"}, "wireguard.network", "expected room for devices"),
        ({"network": "203.0.112.0/20"}, "wireguard.network", "expected a private network"),
        ({"network6": "2001:db9::/64"}, "wireguard.network6", "expected a private network"),
        ({"corporate": ["192.0.2.0/24", "10.0.0.0/8"]}, "wireguard.corporate[1]", "10.0.0.0/8 is in `network`"),
        ({"corporate": ["fd87::/16"]}, "wireguard.corporate[0]", "is in `network6`"),
        ({"routes": "corporate"}, "wireguard.corporate", "is empty"),
        ({"port": 51821}, "wireguard.port", "51821 is one of `ports`"),
    ],
)
def test_what_does_not_fit_together_is_named(body: dict[str, Any], key: str, says: str) -> None:
    found = [(dotted(path), why) for path, why in tunnel_findings(WireguardConfig.model_validate(body))]
    assert [path for path, _ in found] == [key]
    assert says in found[0][1]


def test_the_defaults_fit_together() -> None:
    assert list(tunnel_findings(WireguardConfig())) == []
    assert port_range("7-7") == range(7, 8)


@pytest.mark.parametrize(
    "body",
    [
        {"ports": "51821"},
        {"ports": "9-8"},
        {"ports": "0-8"},
        {"ports": "1-65536"},
        {"endpoint": "vpn.example/x"},
        {"endpoint": "vpn example"},
        {"interface": "../../etc"},
        {"network": 10},
        {"network": "10.87.0.1/16"},
        {"network6": "10.0.0.0/8"},
        {"mtu": 576},
        {"keepalive": -1},
    ],
    ids=str,
)
def test_what_is_wrong_by_itself_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WireguardConfig.model_validate(body)
