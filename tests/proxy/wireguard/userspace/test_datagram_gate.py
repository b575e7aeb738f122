"""Datagrams are judged by the same policy, private networks and own ports as connections."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from addons.private_reach import PrivateReach
from addons.services import Services
from indicators.observation import Device
from indicators.words import Action, Enforcement, IndicatorType
from proxy.wireguard.userspace.datagram_gate import DatagramGate, seen_of
from tests.support.inspecting import inspecting
from tests.support.sights import indicator

PHONE = Device("d", "phone")


@pytest.mark.parametrize(
    ("to", "port", "passes", "done"),
    [
        ("9.9.9.9", 3478, True, []),
        ("192.88.99.7", 3478, False, [("192.88.99.7", Enforcement.RESET)]),
        ("8.8.4.4", 3478, True, [("8.8.4.4", Enforcement.PASSED)]),
        ("192.168.1.1", 3478, False, [("192.168.1.1", Enforcement.RESET)]),
        ("10.20.0.1", 3478, True, []),
    ],
)
async def test_a_destination_is_judged_by_its_address(
    tmp_path: Path, to: str, port: int, passes: bool, done: list[object]
) -> None:
    kept: list[Services] = []

    def keep(services: Services) -> Services:
        kept.append(services)
        return services

    blocked = replace(indicator("192.88.99.7"), type=IndicatorType.IP)
    audited = replace(indicator("8.8.4.4", Action.AUDIT), type=IndicatorType.IP)
    reach = PrivateReach([ip_network("10.20.0.0/16")])
    async with inspecting(tmp_path, blocked, audited, change=keep, reach=reach) as inspector:
        assert await DatagramGate(kept[0]).lets_pass(PHONE, ip_address(to), port) is passes
        assert inspector.reports.done == done


async def test_what_was_let_pass_can_be_judged_once_more(tmp_path: Path) -> None:
    async with inspecting(tmp_path) as inspector:
        what = seen_of(PHONE, ip_address("192.88.99.7"), 3478)
        assert not inspector.policy.judge(what).stops
        inspector.policy.use([replace(indicator("192.88.99.7"), type=IndicatorType.IP)])
        assert inspector.policy.judge(what).stops
