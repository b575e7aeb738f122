"""The addresses that no feed may block, from the configuration, resolv.conf and the machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.feeds.own_addresses import machine_addresses, own_addresses


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ({}, ["9.9.9.9"]),
        ({"dns": {"upstreams": ["8.8.4.4:53", "tls://1.1.1.1#one.one.one.one", "10.0.0.53"]}}, ["1.1.1.1", "8.8.4.4"]),
        ({"dns": {"upstreams": ["10.0.0.1"], "routes": {"corp.test": ["8.8.8.8", "tcp://10.0.0.9"]}}}, ["8.8.8.8"]),
        ({"dns": {"upstreams": ["10.0.0.1"], "page_address": ["8.8.1.1"]}}, ["8.8.1.1"]),
        ({"dns": {"upstreams": ["10.0.0.1"], "host": "8.8.2.2"}}, ["8.8.2.2"]),
        ({"dns": {"upstreams": ["10.0.0.1"]}, "proxy": {"host": "0.0.0.0"}}, ["8.8.3.3"]),
    ],
)
def test_resolvers_and_listeners_are_ours_and_private_ones_need_no_guard(
    body: dict[str, Any], own: list[str], tmp_path: Path
) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 9.9.9.9\nnameserver 192.168.1.1\n")
    config = Config.model_validate({"dns": {"bootstrap": ["10.0.0.1"]}} | body)
    if "dns" in body:
        config = Config.model_validate(body | {"dns": {"bootstrap": ["10.0.0.1"], **body["dns"]}})

    def interfaces() -> Iterable[str]:
        return ["8.8.3.3", "127.0.0.1", "fe80::1"]

    assert list(own_addresses(config, tmp_path / "resolv.conf", interfaces)) == own


def test_without_resolv_conf_there_are_fewer(tmp_path: Path) -> None:
    assert own_addresses(Config(), tmp_path / "none") == ()


def test_the_machine_has_loopback() -> None:
    assert "127.0.0.1" in set(machine_addresses())
