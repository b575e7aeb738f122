"""What connections are signs of, in plain values: whoever carries them tells, one table says what they mean.

The front tells of what it carries itself and of each arrival; an inspector tells of what it alone can read. A few
additions in memory for each; nothing is judged or held up here.
"""

from __future__ import annotations

from ipaddress import ip_address

from indicators.coverage import Sign
from indicators.hosts import is_address
from indicators.observation import Device
from proxy.radar.watch import Watch
from proxy.radar.ways_out import ECH_NAMES, way_out


class Signs:
    """Turn what connections say into signs."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def came(self, device: Device, host: str, port: int, *, unnamed: bool = False) -> None:
        """Note a connection and where it wants to go. `unnamed`: our DNS gave no name for that address."""
        self._watch.connection(device)
        literal = is_address(host)
        sign = way_out("" if literal else host, port)
        if sign:
            self._watch.sign(device, sign, f"{host} port {port}" if literal else host)
        if unnamed and literal and ip_address(host).is_global:
            self._watch.sign(device, Sign.UNNAMED, host)

    def asks(self, device: Device) -> None:
        """Note that a device asks for names."""
        self._watch.dns(device)

    def named(self, device: Device, name: str) -> None:
        """Note a name within a connection that was noted by an address or by another name."""
        sign = way_out(name)
        if sign:
            self._watch.sign(device, sign, name)

    def said(self, device: Device, name: str, *, contradicts: bool, ech: bool) -> None:
        """Note the name in a ClientHello.

        Browsers send the extension of Encrypted ClientHello always, as GREASE, beside the true name; only where the
        name is another than the one asked for, or one that stands for hidden ones, was it meant.
        """
        if ech and (contradicts or name in ECH_NAMES):
            self._watch.sign(device, Sign.ECH, name)
        elif contradicts:
            self._watch.sign(device, Sign.MISMATCH, name)
