"""Addresses are handed out with the ports that were really taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy import endpoints
from proxy.config.model import Config
from proxy.enrolment.running import as_bound
from proxy.state import StateDir


def test_the_running_gateways_ports_count(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    endpoints.write(state.endpoints, {"http_proxy": "127.0.0.1:8123", "dns_https": "[::1]:8453", "pid": 1})
    found = as_bound(Config.model_validate({"proxy": {"port": 0}, "dns": {"https_port": 0, "tls_port": 853}}), state)
    assert (found.proxy.port, found.dns.https_port, found.dns.tls_port) == (8123, 8453, 853)


@pytest.mark.parametrize("text", [None, "{"])
def test_without_one_those_of_the_configuration(tmp_path: Path, text: str | None) -> None:
    state = StateDir(tmp_path)
    if text:
        state.endpoints.write_text(text)
    assert as_bound(Config(), state) == Config()
