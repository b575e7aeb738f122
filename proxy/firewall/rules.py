"""The plan as nftables text: one transaction, one table of our own. Pure; nothing is run here.

The table is declared, deleted and written anew in one `nft -f`, so that applying twice is applying once, and no packet
meets half of it. What is refused is refused by ICMP or a reset: a client that hears nothing waits for half a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proxy.firewall.plan import Network, Plan

TABLE = "seawall"
MARK = 0x5EA  # of packets that TPROXY hands to a local socket; `routing.py` gives them a route
_DOT, _QUIC = 853, 443


def forwarding(plan: Plan) -> str:
    """Return the transaction that routes devices' traffic into the gateway."""
    chains = [_redirect(plan), *([_tproxy(plan)] if plan.method == "tproxy" else []), _refused(plan)]
    return replaced(TABLE, [*_sets(plan), *chains])


def removed(table: str = TABLE) -> str:
    """Return the transaction that removes a table, whether it is there or not."""
    return f"table inet {table}\ndelete table inet {table}\n"


def replaced(table: str, parts: Iterable[str]) -> str:
    """Return the transaction that writes a table anew."""
    body = "\n\n".join(parts)
    return f"{removed(table)}table inet {table} {{\n{body}\n}}\n"


def chain(name: str, hook: str, rules: Iterable[str]) -> str:
    """Return one base chain; `hook` is nftables' `type … hook … priority …`."""
    lines = "\n".join(f"\t\t{rule}" for rule in rules)
    return f"\tchain {name} {{\n\t\t{hook}; policy accept;\n{lines}\n\t}}"


def network_set(name: str, networks: Sequence[Network], version: int) -> str:
    """Return a set of networks of one IP version; overlapping ones are merged by the kernel."""
    found = [str(network) for network in networks if network.version == version]
    elements = f"\n\t\telements = {{ {', '.join(found)} }}" if found else ""
    return f"\tset {name} {{\n\t\ttype ipv{version}_addr\n\t\tflags interval\n\t\tauto-merge{elements}\n\t}}"


def _sets(plan: Plan) -> list[str]:
    return [
        network_set("bypass4", plan.bypass, 4),
        network_set("bypass6", plan.bypass, 6),
        network_set("clients4", plan.networks, 4),
        network_set("clients6", plan.networks, 6),
    ]


def _not_ours(plan: Plan) -> list[str]:
    """Return the rules that leave everybody else's traffic alone."""
    rules = []
    if plan.interfaces:
        names = ", ".join(f'"{name}"' for name in plan.interfaces)
        rules.append(f"iifname != {{ {names} }} return")
    if plan.networks:
        rules += ["ip saddr != @clients4 return", "ip6 saddr != @clients6 return"]
    return rules


def _passed_by() -> list[str]:
    """Return the rules for destinations that are not ours to judge: this machine itself, and what is configured."""
    return [
        "fib daddr type { local, broadcast, multicast, anycast } return",
        "ip daddr @bypass4 return",
        "ip6 daddr @bypass6 return",
    ]


def _redirect(plan: Plan) -> str:
    """Rewrite the destination: DNS of the devices, to whomever they ask, and for `redirect` all TCP."""
    rules = _not_ours(plan)
    for version in plan.dns_versions:
        rules.append(f"meta nfproto ipv{version} meta l4proto {{ tcp, udp }} th dport 53 redirect to :{plan.dns_port}")
    rules.append("meta l4proto { tcp, udp } th dport 53 return")
    if plan.method == "redirect":
        rules += [*_passed_by(), f"tcp dport {_DOT} return", f"meta l4proto tcp redirect to :{plan.port}"]
    return chain("rewrite", "type nat hook prerouting priority dstnat", rules)


def _tproxy(plan: Plan) -> str:
    """Hand TCP to the front's socket with its destination left as it is."""
    taken = f"meta mark set {MARK:#x} accept"
    rules = [
        *_not_ours(plan),
        f"tcp dport {{ 53, {_DOT} }} return",
        *_passed_by(),
        f"meta l4proto tcp socket transparent 1 {taken}",
        f"meta nfproto ipv4 meta l4proto tcp tproxy ip to 127.0.0.1:{plan.port} {taken}",
        f"meta nfproto ipv6 meta l4proto tcp tproxy ip6 to [::1]:{plan.port} {taken}",
    ]
    return chain("divert", "type filter hook prerouting priority mangle", rules)


def _refused(plan: Plan) -> str:
    """Refuse what would go past the gateway: DNS that it cannot answer, DNS over TLS and QUIC, and QUIC for the web."""
    rules = [
        *_not_ours(plan),
        "ip daddr @bypass4 return",
        "ip6 daddr @bypass6 return",
        *refusals(rejects_quic=plan.rejects_quic),
    ]
    return chain("refuse", "type filter hook forward priority filter", rules)


def refusals(*, rejects_quic: bool) -> list[str]:
    """Return the rules that refuse at once what cannot be judged."""
    udp = f"{{ 53, {_QUIC}, {_DOT} }}" if rejects_quic else f"{{ 53, {_DOT} }}"
    return [
        f"udp dport {udp} reject with icmpx port-unreachable",
        f"tcp dport {{ 53, {_DOT} }} reject with tcp reset",
    ]
