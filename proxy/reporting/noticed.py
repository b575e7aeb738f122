"""What is noticed of devices beside verdicts: hosts they were let through to, as keyed hashes, and signs of their kind.

Nothing is written here: `due` gives what is to be told, and the reporter makes events of it. Where destinations are
hidden a sign does not say which jailbreak's store it is of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from indicators.device_signs import Sign, SignKind, shipped_signs
from indicators.event import EventKind
from indicators.observation import Device
from proxy.reporting.daily import DailyCounts

_REMEMBERED = 4096  # names that were looked at for signs: each connection asks
_AT_ONCE = 256  # of hosts, and of signs, told in one go
_NAMELESS = (SignKind.CLIENT_HINT, SignKind.CAPTIVE_CHECK)  # signs that name no destination


class Noticed:
    """Notice hosts and signs. Hosts are kept only with `host_hashes`, which turns one into what may be told of it."""

    def __init__(self, host_hashes: Callable[[str], str] | None, *, hides: bool) -> None:
        self._host_hashes = host_hashes
        self._hides = hides
        self._sign_of_name = lru_cache(_REMEMBERED)(shipped_signs().of_name)
        self._hosts: DailyCounts[str] = DailyCounts()
        self._signs: DailyCounts[tuple[SignKind, str]] = DailyCounts()

    def hosts(self, device: Device, hosts: Sequence[str], now: datetime, *, connected: bool) -> None:
        """Notice hosts that a device was let through to, or whose addresses it was told."""
        for host in hosts:
            if sign := self._sign_of_name(host, connected=connected):
                self.sign(device, sign, now)
        if self._host_hashes:
            self._hosts.note(device, hosts, now)

    def sign(self, device: Device, sign: Sign, now: datetime) -> None:
        """Notice a sign of what a device is."""
        named = not self._hides or sign.kind in _NAMELESS
        self._signs.note(device, [(sign.kind, sign.value if named else "")], now)

    def due(self, now: datetime) -> Iterator[tuple[Device, dict[str, Any]]]:
        """Give each device and the fields of an event that is to be told of it by now."""
        for host in self._hosts.due(now, _AT_ONCE):
            hashes = self._host_hashes(host.what) if self._host_hashes else ""
            yield host.device, {"kind": EventKind.SIGHTING, "host": hashes, "count": host.count, "hidden": True}
        for sign in self._signs.due(now, _AT_ONCE):
            yield sign.device, {"count": 0, "signs": (Sign(*sign.what, count=sign.count),)}

    def expire(self) -> None:
        """Make all that waits due, because the process ends."""
        self._hosts.expire()
        self._signs.expire()

    def taken_losses(self) -> int:
        """Return how much was lost since the last time for want of room in memory."""
        lost = self._hosts.lost + self._signs.lost
        self._hosts.lost = self._signs.lost = 0
        return lost
