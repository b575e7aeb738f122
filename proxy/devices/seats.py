"""Which addresses and UDP port a device has in the tunnel: free ones, kept for as long as the device is known.

The lowest free place after the highest that is taken goes first, so that an address that was just given up is the last
to be somebody else's. The first address of each network is the gateway's. Nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from proxy.config.sections.wireguard import WireguardConfig, port_range
from proxy.devices.record import DeviceRecord

_FIRST = 2  # 0 is the network itself, 1 the gateway


@dataclass(frozen=True, slots=True)
class Seats:
    """Give places. `needs_port` refuses a device for which no port is left; else it goes without."""

    network: IPv4Network
    network6: IPv6Network
    ports: range
    needs_port: bool = False

    @classmethod
    def of(cls, config: WireguardConfig, *, needs_port: bool = False) -> Seats:
        """Return the places of a configuration."""
        return cls(config.network, config.network6, port_range(config.ports), needs_port)

    @property
    def gateway(self) -> tuple[IPv4Address, IPv6Address]:
        """Return the gateway's own addresses inside the tunnel."""
        return self.network[1], self.network6[1]

    def holds(self, record: DeviceRecord) -> bool:
        """Say whether a device's addresses are of these networks; those of an earlier configuration may not be."""
        found = [ip_address(one) for one in record.addresses]
        return len(found) == 2 and found[0] in self.network and found[1] in self.network6

    def seated(self, record: DeviceRecord, others: Sequence[DeviceRecord]) -> DeviceRecord:
        """Return a device with its place; one that it has already stays its own. Raises ValueError when all are taken.

        >>> from datetime import datetime
        >>> record = DeviceRecord("1", "phone", datetime(2026, 1, 1))
        >>> Seats.of(WireguardConfig()).seated(record, []).addresses
        ('10.87.0.2', 'fd87:5ea:11::2')
        """
        if not self.holds(record):
            index = self._free_index([other for other in others if self.holds(other)])
            record = replace(record, address=str(self.network[index]), address6=str(self.network6[index]))
        if record.tunnel_port not in self.ports:
            record = replace(record, tunnel_port=self._free_port({other.tunnel_port for other in others}))
        return record

    def _free_index(self, others: Sequence[DeviceRecord]) -> int:
        taken = {int(ip_address(other.address)) - int(self.network[0]) for other in others}
        taken |= {int(ip_address(other.address6)) - int(self.network6[0]) for other in others}
        end = min(self.network.num_addresses, self.network6.num_addresses) - 1
        following = max(taken, default=_FIRST - 1) + 1
        if following < end:
            return following
        for index in range(_FIRST, end):
            if index not in taken:
                return index
        raise ValueError(f"no address of {self.network} is free: revoke devices, or set a larger `wireguard.network`")

    def _free_port(self, taken: Collection[int]) -> int:
        for port in self.ports:
            if port not in taken:
                return port
        if self.needs_port:
            raise ValueError("no port of `wireguard.ports` is free: revoke devices, or name more ports")
        return 0
