from __future__ import annotations

from typing import Any

from proxy.config.model import Config
from proxy.config.sections.collector import CollectorConfig
from proxy.config.sections.dns import DnsConfig
from proxy.config.sections.proxy import ProxyConfig
from proxy.config.sections.wireguard import WireguardConfig
from proxy.control import ControlError
from proxy.own_ports import ToldPorts, ports_of


class Control:
    """Answer with ports, or fail."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self._answer = answer

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        assert op == "own_ports"
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


CONFIG = Config(proxy=ProxyConfig(port=1, socks_port=2), dns=DnsConfig(port=3), collector=CollectorConfig(port=4))


def test_the_collectors_port_is_ours_only_when_we_run_it() -> None:
    assert ports_of(CONFIG) == {1, 2, 3, 4}
    elsewhere = CONFIG.model_copy(update={"collector": CollectorConfig(url="https://c.test", port=4)})
    assert ports_of(elsewhere) == {1, 2, 3}


async def test_own_ports_are_those_configured_and_those_told() -> None:
    assert await ToldPorts(CONFIG, Control({"ok": True, "ports": [9]}))() == {1, 2, 3, 4, 9}  # type: ignore[arg-type]
    assert await ToldPorts(CONFIG, Control(ControlError("gone")))() == {1, 2, 3, 4}  # type: ignore[arg-type]


def test_the_ports_inside_the_tunnel_are_ours_where_an_interface_carries_it() -> None:
    inner = {4870, 4871, 4872, 4873}
    for backend, ours in (("kernel", True), ("userspace", False)):
        config = CONFIG.model_copy(
            update={"wireguard": WireguardConfig(enabled=True, backend=backend)}  # type: ignore[arg-type]
        )
        assert (ports_of(config) >= inner) is ours
