"""The text of the rules. What they do is tried in a real kernel, in `test_in_the_kernel.py`."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from proxy.firewall import routing, rules
from proxy.firewall.plan import Plan

PLAN = Plan(("lan0",), (), (), "redirect", 8443, 5053, (4, 6), rejects_quic=True)


def test_a_table_is_declared_deleted_and_written_in_one_transaction() -> None:
    text = rules.forwarding(PLAN)
    assert text.startswith("table inet seawall\ndelete table inet seawall\ntable inet seawall {\n")
    assert text.count("delete table") == 1
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("plan", "there", "not_there"),
    [
        (PLAN, "meta l4proto tcp redirect to :8443", "tproxy"),
        (replace(PLAN, method="tproxy"), "tproxy ip6 to [::1]:8443", "tcp redirect to :8443"),
        (PLAN, "udp dport { 53, 443, 853 } reject", "@clients4 return"),
        (replace(PLAN, rejects_quic=False), "udp dport { 53, 853 } reject", "443"),
        (replace(PLAN, interfaces=()), "chain refuse", "iifname"),
        (replace(PLAN, networks=(ip_network("10.0.0.0/8"),)), "elements = { 10.0.0.0/8 }", "fd00"),
        (replace(PLAN, dns_versions=(4,)), "nfproto ipv4 meta l4proto { tcp, udp } th dport 53 redirect", "ipv6 meta"),
        (replace(PLAN, bypass=(ip_network("fd00::/8"),)), "elements = { fd00::/8 }", "10.0.0.0"),
    ],
)
def test_what_stands_in_the_rules(plan: Plan, there: str, not_there: str) -> None:
    text = rules.forwarding(plan).replace("8443", "8443")
    assert there in text
    assert not_there not in text.replace(":8443", "") if not_there == "443" else not_there not in text


def test_removing_never_fails_for_want_of_a_table() -> None:
    """The table is declared before it is deleted, which `nft` would else refuse."""
    assert rules.removed().splitlines() == ["table inet seawall", "delete table inet seawall"]


def test_what_is_routed_is_taken_back() -> None:
    added = {(command[1], command[2]) for command in routing.added()}
    assert added == {(command[1], command[2]) for command in routing.removed()}
    assert all(str(routing.TABLE) in command for command in routing.added())
