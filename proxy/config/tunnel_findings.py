"""What of `wireguard:` is right key by key and wrong together. Nothing is read or resolved here."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.config.errors import KeyPath
from proxy.config.sections.wireguard import WireguardConfig, port_range

_FEWEST_BITS = 2  # of a network for devices: the gateway, one device, and the two ends of the network


def tunnel_findings(tunnel: WireguardConfig) -> Iterator[tuple[KeyPath, str]]:
    """Yield what does not fit together."""
    for key in ("network", "network6"):
        network = getattr(tunnel, key)
        if network.max_prefixlen - network.prefixlen < _FEWEST_BITS:
            yield ("wireguard", key), f"expected room for devices, got {network}"
        if not network.is_private:
            yield ("wireguard", key), f"expected a private network, which {network} is not"
        for index, other in enumerate(tunnel.corporate):
            if other.version == network.version and other.overlaps(network):
                yield ("wireguard", "corporate", index), f"expected another network: {other} is in `{key}`"
    if tunnel.routes == "corporate" and not tunnel.corporate:
        yield ("wireguard", "corporate"), "is empty; expected the networks that `routes: corporate` stands for"
    if tunnel.port in port_range(tunnel.ports):
        yield ("wireguard", "port"), f"expected another port: {tunnel.port} is one of `ports`"
