from __future__ import annotations

from pathlib import Path

import pytest

from proxy import endpoints
from proxy.config.model import Config
from proxy.firewall.running import with_running_ports
from proxy.state import StateDir


@pytest.fixture
def config(tmp_path: Path) -> Config:
    asked = {"transparent_port": 0, "tproxy_port": 8444}
    return Config.model_validate({"state_dir": tmp_path, "proxy": asked, "dns": {"port": 0}})


def test_ports_that_a_gateway_took_are_filled_in(config: Config) -> None:
    found = {"transparent": "127.0.0.1:40001", "tproxy": "127.0.0.1:40002", "dns": "[::1]:40003"}
    endpoints.write(StateDir(config.state_dir).endpoints, found)
    filled = with_running_ports(config)
    assert (filled.proxy.transparent_port, filled.proxy.tproxy_port, filled.dns.port) == (40001, 8444, 40003)


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_without_a_gateway_they_stay_as_they_are(config: Config, text: str | None) -> None:
    if text is not None:
        StateDir(config.state_dir).endpoints.write_text(text)
    assert with_running_ports(config) == config
