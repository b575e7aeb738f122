"""The rules for this computer's own traffic, as nftables text. Pure; nothing is run here.

All that leaves this machine goes to the front, but for what the gateway's own user sends, or it would meet itself. With
`on_crash: open` the rules hold only while the kernel's set `alive` holds something: its elements expire by themselves
within seconds unless the keeper renews them, so that nobody has to be alive for traffic to go out after a crash. Each
shield has a mark of its own, an empty chain, by which a keeper sees that it is no longer the one it minds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proxy.config.model import Config
from proxy.firewall.plan import Network, PlanError
from proxy.firewall.rules import chain, network_set, refusals, replaced

TABLE = "seawall_protect"
ALIVE_FOR = 15  # seconds that a renewal lasts
PROBE = "192.0.0.8"
"""Where the probe connects to: an address that nobody ever has (RFC 7600), so that only a redirect can answer."""


@dataclass(frozen=True, slots=True)
class Shield:
    """Say what is redirected where. `uid` is the gateway's user; `dns_versions` those that the DNS listener hears."""

    uid: int
    port: int
    dns_port: int
    dns_versions: tuple[int, ...]
    bypass: tuple[Network, ...]
    on_crash: Literal["open", "closed"]
    rejects_quic: bool


def shield_of(config: Config, uid: int) -> Shield:
    """Return what a configuration with known ports asks for. Raises PlanError, naming the key."""
    if uid == 0:
        raise PlanError(
            "user: the gateway runs as root, so that its own traffic cannot be told from other programs'; set `user:` "
            "to a user of its own and start it again"
        )
    if not config.proxy.transparent_port:
        raise PlanError("proxy.transparent_port: is not set; set a port, such as 8443, and start the gateway again")
    host = config.dns.host
    versions = (4, 6) if host.is_unspecified and host.version == 6 else (host.version,)
    if not (host.is_loopback or host.is_unspecified):
        raise PlanError(f"dns.host: is {host}; this computer's questions arrive at loopback: set 127.0.0.1 or ::")
    return Shield(
        uid=uid,
        port=config.proxy.transparent_port,
        dns_port=config.dns.port,
        dns_versions=versions,
        bypass=config.protect.bypass,
        on_crash=config.protect.on_crash,
        rejects_quic=config.quic == "reject",
    )


def protecting(shield: Shield, mark: str) -> str:
    """Return the transaction that puts the shield up, alive for a while."""
    alive = "\tset alive {\n\t\ttype inet_proto\n\t\tflags timeout\n\t}"
    sets = [alive, network_set("bypass4", shield.bypass, 4), network_set("bypass6", shield.bypass, 6)]
    return replaced(TABLE, [*sets, f"\tchain {mark} {{\n\t}}", _redirect(shield), _refuse(shield)]) + renewed(mark)


def minded(mark: str) -> str:
    """Return the transaction that changes nothing, and fails when the shield with this mark is gone."""
    return f"flush chain inet {TABLE} {mark}\n"


def renewed(mark: str) -> str:
    """Return the transaction that keeps the shield with this mark alive for a while; it fails when that is gone."""
    elements = ", ".join(f"{name} timeout {ALIVE_FOR}s" for name in ("tcp", "udp"))
    return f"{minded(mark)}flush set inet {TABLE} alive\nadd element inet {TABLE} alive {{ {elements} }}\n"


def _untouched(shield: Shield) -> list[str]:
    rules = [f"meta skuid {shield.uid} return"]
    if shield.on_crash == "open":
        rules.append("meta l4proto != @alive return")
    return rules


def _redirect(shield: Shield) -> str:
    """Redirect DNS, also that to a stub resolver on loopback, and all TCP that leaves this machine."""
    rules = _untouched(shield)
    for version in shield.dns_versions:
        rules.append(
            f"meta nfproto ipv{version} meta l4proto {{ tcp, udp }} th dport 53 redirect to :{shield.dns_port}"
        )
    rules += [
        f"ip daddr {PROBE} tcp dport != 853 redirect to :{shield.port}",
        "fib daddr type { local, broadcast, multicast, anycast } return",
        "ip daddr @bypass4 return",
        "ip6 daddr @bypass6 return",
        "tcp dport { 53, 853 } return",
        f"meta l4proto tcp redirect to :{shield.port}",
    ]
    return chain("rewrite", "type nat hook output priority -100", rules)


def _refuse(shield: Shield) -> str:
    """Refuse what would go past the gateway. What was redirected goes to loopback by now and passes."""
    rules = [*_untouched(shield), 'oifname "lo" return', "ip daddr @bypass4 return", "ip6 daddr @bypass6 return"]
    return chain(
        "refuse", "type filter hook output priority filter", [*rules, *refusals(rejects_quic=shield.rejects_quic)]
    )
