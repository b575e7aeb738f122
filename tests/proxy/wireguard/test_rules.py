"""The rules as text; that a kernel takes them, and what they do there, is in tests/heavy and test_phone.py."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.profiles.keys import new_keys
from proxy.wireguard.plan import plan_of
from proxy.wireguard.rules import TABLE, blocking, tunnel


def rules(*, was_off: tuple[int, ...] = (), **config: Any) -> str:
    wanted = {"enabled": True, "backend": "kernel", **config.pop("wireguard", {})}
    return tunnel(plan_of(Config.model_validate({**config, "wireguard": wanted}), new_keys().private), was_off)


def test_the_table_is_replaced_whole() -> None:
    text = rules()
    assert text.startswith(f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n")
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    "line",
    [
        "meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 dnat ip to 10.87.0.1:4873",
        "meta nfproto ipv6 meta l4proto { tcp, udp } th dport 53 dnat ip6 to [fd87:5ea:11::1]:4873",
        "ip daddr 10.87.0.1 tcp dport 443 dnat ip to 10.87.0.1:4872",
        "meta nfproto ipv4 meta l4proto tcp dnat ip to 10.87.0.1:4870",
        'iifname != { "seawall0", "lo" } ip saddr 10.87.0.0/16 drop',
        'iifname "seawall0" oifname "seawall0" reject with icmpx admin-prohibited',
        "udp dport { 53, 443, 853 } reject with icmpx port-unreachable",
        "ip daddr @blocked4 reject with icmpx admin-prohibited",
        "ip6 daddr @blocked6 reject with icmpx admin-prohibited",
        "meta l4proto udp accept",
        'ip6 saddr fd87:5ea:11::/64 oifname != { "seawall0", "lo" } masquerade',
    ],
)
def test_each_part_of_the_promise_is_a_rule(line: str) -> None:
    assert f"\t\t{line}\n" in rules()


def test_policy_decides_on_quic_and_other_udp() -> None:
    assert "udp dport { 53, 853 } reject" in rules(quic="pass")
    assert "meta l4proto udp accept" not in rules(wireguard={"udp": "reject"})


def test_private_networks_are_out_of_reach_unless_named() -> None:
    text = rules(proxy={"allow_private": ["192.168.7.0/24"]}, wireguard={"corporate": ["fd20::/48"]})
    assert "elements = { 192.168.7.0/24 }" in text
    assert "elements = { fd20::/48 }" in text
    assert "ip daddr @private4 ip daddr != @reachable4 reject" in text


def test_a_machine_that_was_no_router_passes_on_nothing_but_the_tunnels() -> None:
    text = rules(was_off=(6,))
    assert "chain forwarding_was_off_6 {" in text
    assert "chain forwarding_was_off_4 {" not in text
    assert 'meta nfproto ipv6 iifname != "seawall0" oifname != "seawall0" drop' in text


def test_blocked_addresses_replace_those_of_before() -> None:
    one, other, v6 = ip_address("203.0.113.1"), ip_address("203.0.113.9"), ip_address("2001:db8::1")
    assert blocking([(one, other), (other, other), (v6, v6)]).splitlines() == [
        "flush set inet seawall_wireguard blocked4",
        "add element inet seawall_wireguard blocked4 { 203.0.113.1-203.0.113.9, 203.0.113.9 }",
        "flush set inet seawall_wireguard blocked6",
        "add element inet seawall_wireguard blocked6 { 2001:db8::1 }",
    ]
    assert "add" not in blocking([])
    text = rules()
    assert text.index("@blocked4") < text.index("meta l4proto udp accept"), "before anything passes"
