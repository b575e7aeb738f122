"""The plan arrives as it was sent, and nothing passes for a plan that is none."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.config.model import Config
from proxy.profiles.keys import new_keys
from proxy.wireguard.plan import checked_interface, plan_from, plan_of

CONFIG = Config.model_validate(
    {
        "proxy": {"allow_private": ["192.168.7.0/24"]},
        "wireguard": {"enabled": True, "backend": "kernel", "corporate": ["fd20::/48"], "udp": "reject"},
    }
)


def test_a_plan_is_what_the_configuration_says_and_arrives_as_sent() -> None:
    plan = plan_of(CONFIG, new_keys().private)
    assert plan_from(plan.to_json()) == plan
    assert (plan.interface, plan.port, plan.forwards_udp, plan.rejects_quic) == ("seawall0", 51820, False, True)
    assert [str(one) for one in plan.reachable] == ["192.168.7.0/24", "fd20::/48"]
    assert (plan.inner.front, plan.inner.http, plan.inner.https, plan.inner.dns) == (4870, 4871, 4872, 4873)


@pytest.mark.parametrize(
    "changed",
    [
        {"interface": 'x" accept; #'},
        {"interface": ".."},
        {"interface": 7},
        {"private_key": "short"},
        {"port": "51820"},
        {"port": True},
        {"port": 0},
        {"mtu": 70000},
        {"network": "10.0.0.0/8; drop"},
        {"network6": "fd00::1/64"},
        {"reachable": ["anywhere"]},
        {"inner": 65535},
    ],
    ids=str,
)
def test_what_is_no_plan_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        plan_from({**plan_of(CONFIG, new_keys().private).to_json(), **changed})


def test_a_plan_without_a_part_is_refused() -> None:
    body = plan_of(CONFIG, new_keys().private).to_json()
    del body["network"]
    with pytest.raises(KeyError):
        plan_from(body)
    assert checked_interface("wg-0.1_x") == "wg-0.1_x"
