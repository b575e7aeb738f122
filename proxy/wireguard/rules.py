"""The tunnel's traffic as nftables text: one transaction, one table of its own. Pure; nothing is run here.

A device's TCP goes to the front and its DNS to the interceptor, whomever it asks; both listen at the gateway's address
inside the tunnel, where nobody else gets in. An address inside is its device's identity (WireGuard drops a packet from
a peer that does not own it), so packets with such an address that come by any other way are dropped. Whatever is
refused is refused by ICMP or a reset: a client that hears nothing waits for half a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from itertools import batched

from proxy.firewall.rules import chain, network_set, replaced
from proxy.profiles.routes import Network
from proxy.wireguard.blocked_addresses import Range
from proxy.wireguard.plan import TunnelPlan

TABLE = "seawall_wireguard"
WAS_OFF = {4: "forwarding_was_off_4", 6: "forwarding_was_off_6"}
"""Empty chains: this machine routed nothing before we had it do so, and shall not when we are gone."""
_DOT, _QUIC = 853, 443
_AT_ONCE = 1000  # elements in one line
_PRIVATE = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/3"
    " fc00::/7 fe80::/10 ff00::/8"
).split()


def tunnel(plan: TunnelPlan, was_off: Iterable[int] = ()) -> str:
    """Return the transaction that takes the tunnel's traffic; `was_off` are IP versions that were not routed before."""
    off = tuple(was_off)
    sets = [
        network_set("reachable4", plan.reachable, 4),
        network_set("reachable6", plan.reachable, 6),
        network_set("private4", _networks(4), 4),
        network_set("private6", _networks(6), 6),
        network_set("blocked4", (), 4),
        network_set("blocked6", (), 6),
    ]
    marks = [f"\tchain {WAS_OFF[version]} {{\n\t}}" for version in off]
    return replaced(
        TABLE, [*sets, *marks, _foreign(plan), _redirect(plan), _entrance(plan), _forward(plan, off), _nat(plan)]
    )


def blocking(ranges: Sequence[Range]) -> str:
    """Return the transaction by which these addresses are blocked, and no others, for what is passed on unseen."""
    lines = []
    for version in (4, 6):
        name = f"inet {TABLE} blocked{version}"
        lines.append(f"flush set {name}")
        found = [
            str(one[0]) if one[0] == one[1] else f"{one[0]}-{one[1]}" for one in ranges if one[0].version == version
        ]
        lines += [f"add element {name} {{ {', '.join(part)} }}" for part in batched(found, _AT_ONCE)]
    return "\n".join([*lines, ""])


def _networks(version: int) -> list[Network]:
    return [network for network in map(ip_network, _PRIVATE) if network.version == version]


def _foreign(plan: TunnelPlan) -> str:
    """Drop what claims an address inside the tunnel, or seeks one, and comes from elsewhere."""
    rules = []
    for family, network in (("ip", plan.network), ("ip6", plan.network6)):
        rules += [
            f'iifname != {{ "{plan.interface}", "lo" }} {family} saddr {network} drop',
            f'iifname != {{ "{plan.interface}", "lo" }} {family} daddr {network} drop',
            f'iifname "lo" {family} saddr {network} {family} saddr != {network[1]} drop',
            f'iifname "{plan.interface}" {family} saddr {network[1]} drop',
        ]
    return chain("foreign", "type filter hook prerouting priority raw", rules)


def _redirect(plan: TunnelPlan) -> str:
    """Send DNS, the block page's ports and TCP to our listeners; the latter but to this machine itself."""
    inner, rules = plan.inner, [f'iifname != "{plan.interface}" return']
    for family, to, version in (("ip", plan.network[1], 4), ("ip6", f"[{plan.network6[1]}]", 6)):
        here = plan.network[1] if version == 4 else plan.network6[1]
        rules += [
            f"meta nfproto ipv{version} meta l4proto {{ tcp, udp }} th dport 53 dnat {family} to {to}:{inner.dns}",
            f"{family} daddr {here} tcp dport 80 dnat {family} to {to}:{inner.http}",
            f"{family} daddr {here} tcp dport 443 dnat {family} to {to}:{inner.https}",
        ]
    rules += ["fib daddr type { local, broadcast, multicast, anycast } return", f"tcp dport {_DOT} return"]
    rules += [
        f"meta nfproto ipv4 meta l4proto tcp dnat ip to {plan.network[1]}:{inner.front}",
        f"meta nfproto ipv6 meta l4proto tcp dnat ip6 to [{plan.network6[1]}]:{inner.front}",
    ]
    return chain("rewrite", "type nat hook prerouting priority dstnat", rules)


def _entrance(plan: TunnelPlan) -> str:
    """Let in what was sent to our listeners, and nothing else of this machine: not its other ports, nor their likes."""
    rules = [
        f'iifname != "{plan.interface}" return',
        "ct status dnat accept",
        "icmp type { echo-request, destination-unreachable, time-exceeded } accept",
        "icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded } accept",
        "meta l4proto tcp reject with tcp reset",
        "reject with icmpx port-unreachable",
    ]
    return chain("entrance", "type filter hook input priority filter", rules)


def _forward(plan: TunnelPlan, off: Iterable[int]) -> str:
    """Say what passes by: answers, and UDP by policy; never TCP, another device, or a private network not named."""
    name = f'"{plan.interface}"'
    udp = f"{{ 53, {_QUIC}, {_DOT} }}" if plan.rejects_quic else f"{{ 53, {_DOT} }}"
    rules = [
        *(f"meta nfproto ipv{version} iifname != {name} oifname != {name} drop" for version in off),
        f"iifname {name} oifname {name} reject with icmpx admin-prohibited",
        f"oifname {name} ct state established,related accept",
        f"oifname {name} drop",
        f"iifname != {name} return",
        "meta l4proto tcp reject with tcp reset",
        f"udp dport {udp} reject with icmpx port-unreachable",
        "ip daddr @private4 ip daddr != @reachable4 reject with icmpx admin-prohibited",
        "ip6 daddr @private6 ip6 daddr != @reachable6 reject with icmpx admin-prohibited",
    ]
    if plan.forwards_udp:
        rules += [
            "ip daddr @blocked4 reject with icmpx admin-prohibited",
            "ip6 daddr @blocked6 reject with icmpx admin-prohibited",
            "meta l4proto udp accept",
            "icmp type { echo-request, destination-unreachable, time-exceeded } accept",
            "icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded } accept",
        ]
    return chain("pass", "type filter hook forward priority filter", [*rules, "reject with icmpx port-unreachable"])


def _nat(plan: TunnelPlan) -> str:
    """Give what passes by the address of this machine."""
    name = f'"{plan.interface}"'
    rules = [
        f'{family} saddr {network} oifname != {{ {name}, "lo" }} masquerade'
        for family, network in (("ip", plan.network), ("ip6", plan.network6))
    ]
    return chain("leave", "type nat hook postrouting priority srcnat", rules)
