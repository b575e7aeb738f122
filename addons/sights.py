"""The port by which addons tell what they alone read in a connection: for the radar, which counts signs of bypass."""

from __future__ import annotations

from typing import Protocol

from indicators.observation import Device


class Sights(Protocol):
    """Take what was seen. No call waits, none raises."""

    def came(self, device: Device, host: str, port: int) -> None:
        """Note a destination that nobody before us could see."""
        ...

    def named(self, device: Device, name: str) -> None:
        """Note a name within a connection."""
        ...

    def said(self, device: Device, name: str, *, contradicts: bool, ech: bool, dial: str = "") -> None:
        """Note the name in a ClientHello of a connection to `dial`, a name or an address."""
        ...


class NoSights:
    """Count nothing: a stock mitmproxy has no radar."""

    def came(self, device: Device, host: str, port: int) -> None:
        """Forget it."""

    def named(self, device: Device, name: str) -> None:
        """Forget it."""

    def said(self, device: Device, name: str, *, contradicts: bool, ech: bool, dial: str = "") -> None:
        """Forget it."""
