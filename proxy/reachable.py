"""Which private networks clients from beyond this machine may reach."""

from __future__ import annotations

from proxy.config.model import Config
from proxy.config.values import Network


def reachable(config: Config) -> tuple[Network, ...]:
    """Return the networks: those of the proxy, and with a tunnel those of the organisation."""
    tunnel = config.wireguard
    return (*config.proxy.allow_private, *(tunnel.corporate if tunnel.enabled else ()))
