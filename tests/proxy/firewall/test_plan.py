from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.firewall.plan import Plan, PlanError, plan_of

WHOLE: dict[str, Any] = {
    "proxy": {"host": "0.0.0.0", "transparent_port": 8443, "tproxy_port": 8444},
    "dns": {"host": "0.0.0.0", "port": 5053},
    "firewall": {"interfaces": ["lan0"]},
}


def _config(**changed: dict[str, Any]) -> Config:
    return Config.model_validate({**WHOLE, **{name: {**WHOLE.get(name, {}), **more} for name, more in changed.items()}})


def test_a_plan_holds_what_the_configuration_says() -> None:
    config = _config(firewall={"networks": ["10.77.0.0/24"], "bypass": ["fd00::/8"], "method": "tproxy"})
    assert plan_of(config) == Plan(
        interfaces=("lan0",),
        networks=(ip_network("10.77.0.0/24"),),
        bypass=(ip_network("fd00::/8"),),
        method="tproxy",
        port=8444,
        dns_port=5053,
        dns_versions=(4,),
        rejects_quic=True,
    )


@pytest.mark.parametrize(("host", "versions"), [("0.0.0.0", (4,)), ("::", (4, 6)), ("fd77::1", (6,))])
def test_dns_goes_where_the_listener_hears_it(host: str, versions: tuple[int, ...]) -> None:
    assert plan_of(_config(dns={"host": host})).dns_versions == versions


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"firewall": {"interfaces": []}}, "set `interfaces` or `networks`"),
        ({"proxy": {"transparent_port": None}}, "proxy.transparent_port: is not set"),
        ({"proxy": {"tproxy_port": None}, "firewall": {"method": "tproxy"}}, "proxy.tproxy_port: is not set"),
        ({"proxy": {"transparent_port": 0}}, "proxy.transparent_port: is 0"),
        ({"dns": {"port": 0}}, "dns.port: is 0"),
        ({"proxy": {"host": "127.0.0.1"}}, "proxy.host: is 127.0.0.1"),
        ({"dns": {"host": "::1"}}, "dns.host: is ::1"),
    ],
)
def test_what_would_send_traffic_to_nobody_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(PlanError, match=why):
        plan_of(_config(**changed))
