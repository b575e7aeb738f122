"""What the firewall is to do, as values: decided here from the configuration, written as rules in `rules.py`.

Nothing is read, run or changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from proxy.config.model import Config

type Network = IPv4Network | IPv6Network


class PlanError(ValueError):
    """Say what the configuration lacks; the text names the key."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Say whose traffic goes where. `dns_versions` are the IP versions that the DNS listener can be reached by."""

    interfaces: tuple[str, ...]
    networks: tuple[Network, ...]
    bypass: tuple[Network, ...]
    method: Literal["redirect", "tproxy"]
    port: int
    dns_port: int
    dns_versions: tuple[int, ...]
    rejects_quic: bool


def plan_of(config: Config) -> Plan:
    """Return the plan of a configuration whose ports are known. Raises PlanError."""
    wanted = config.firewall
    if not wanted.interfaces and not wanted.networks:
        raise PlanError(
            "firewall: set `interfaces` or `networks`: whose traffic is to be routed here? Example: interfaces: [lan0]"
        )
    key = "tproxy_port" if wanted.method == "tproxy" else "transparent_port"
    port: int | None = getattr(config.proxy, key)
    _require_reachable(config, key, port)
    return Plan(
        interfaces=wanted.interfaces,
        networks=wanted.networks,
        bypass=wanted.bypass,
        method=wanted.method,
        port=port or 0,
        dns_port=config.dns.port,
        dns_versions=_versions(config),
        rejects_quic=config.quic == "reject",
    )


def _require_reachable(config: Config, key: str, port: int | None) -> None:
    """Refuse what would send the devices' traffic to a place where nobody listens."""
    if port is None:
        raise PlanError(f"proxy.{key}: is not set; `firewall.method: {config.firewall.method}` needs it")
    if not port or not config.dns.port:
        name = f"proxy.{key}" if not port else "dns.port"
        raise PlanError(f"{name}: is 0, a port that is free; start the gateway first, or set a number")
    if config.proxy.host.is_loopback:
        raise PlanError(
            f"proxy.host: is {config.proxy.host}, and devices' traffic arrives at the address of their interface; "
            "set it to that address or to 0.0.0.0, and `proxy.allow_clients` to their networks"
        )
    if config.dns.host.is_loopback:
        raise PlanError(
            f"dns.host: is {config.dns.host}, and devices' questions arrive at the address of their interface; "
            "set it to 0.0.0.0 or ::, and `dns.allow_clients` to their networks"
        )


def _versions(config: Config) -> tuple[int, ...]:
    """Return the IP versions of the DNS listener: `::` takes both."""
    host = config.dns.host
    return (4, 6) if host.version == 6 and host.is_unspecified else (host.version,)
