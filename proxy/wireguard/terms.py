"""What a device must be told to come through the tunnel: everything of its configuration but its private key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxy.config.sections.wireguard import WireguardConfig
from proxy.devices.record import DeviceRecord
from proxy.devices.seats import Seats
from proxy.own_address import own_address
from proxy.profiles.routes import Routes, allowed_ips
from proxy.profiles.wireguard import endpoint_of


@dataclass(frozen=True, slots=True)
class Terms:
    """Tell devices of one gateway. `config` has the port filled in and `backend` decided; `server_key` is public.

    `own_server_key` is that of a device's own listener, where each has one.
    """

    config: WireguardConfig
    server_key: str
    own_server_key: Callable[[str], str] | None = None

    def of(self, record: DeviceRecord) -> dict[str, Any] | None:
        """Return a device's terms as JSON values; nothing for one that has no tunnel."""
        if not record.peer_key or not record.addresses:
            return None
        gateway = Seats.of(self.config).gateway
        own = self.config.backend == "userspace"
        port = record.tunnel_port if own else self.config.port
        server_key = self.own_server_key(record.id) if own and self.own_server_key else self.server_key
        host = self.config.endpoint or own_address()
        allowed = allowed_ips(Routes(self.config.routes), self.config.corporate, gateway)
        return {
            "backend": self.config.backend,
            "public_key": record.peer_key,
            "addresses": list(record.addresses),
            "gateway": [str(one) for one in gateway],
            "server_key": server_key,
            "endpoint": endpoint_of(host, port),
            "allowed_ips": [str(one) for one in allowed],
            "dns": [str(one) for one in self.config.dns or gateway],
            "mtu": self.config.mtu,
            "keepalive": self.config.keepalive,
        }
