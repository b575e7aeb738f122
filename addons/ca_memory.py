"""Which devices have shown that they accept or refuse certificates under our CA.

A refusal counts for the whole device while nothing else is known of it; on a device that trusts our CA it counts for
that host alone, because an app that pins its certificate speaks for itself only. Refusals fade after some hours.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from indicators.observation import Device
from indicators.ports import Policy

REFUSAL_LASTS = 6 * 3600.0  # seconds
_REMEMBERED = 8192
_EVERYWHERE = ""


class CaMemory:
    """Remember acceptance and refusal."""

    def __init__(self, policy: Policy, monotonic: Callable[[], float]) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._accepted: set[str] = set()
        self._refused: OrderedDict[tuple[str, str], float] = OrderedDict()

    def trusts(self, device: Device) -> bool:
        """Say whether hosts may be inspected for this device."""
        return device.id in self._accepted or self._policy.trusts_ca(device)

    def refuses(self, device: Device, host: str) -> bool:
        """Say whether a page under our CA would not be shown on this device for this host."""
        return self._in_force((device.id, host)) or self._in_force((device.id, _EVERYWHERE))

    def refuses_everywhere(self, device: Device) -> bool:
        """Say whether a device refuses our certificates as a whole: it has never taken one."""
        return self._in_force((device.id, _EVERYWHERE))

    def accepted(self, device: Device, host: str) -> bool:
        """Note that a request came over a connection under our CA; say whether that is new."""
        self._refused.pop((device.id, _EVERYWHERE), None)
        self._refused.pop((device.id, host), None)
        new = device.id not in self._accepted
        self._accepted.add(device.id)
        return new

    def forget_acceptance(self, device: Device) -> None:
        """Take an acceptance back that could not be told to the supervisor, so that the next one is told."""
        self._accepted.discard(device.id)

    def refused(self, device: Device, host: str) -> None:
        """Note that a certificate under our CA was refused."""
        key = (device.id, host if self.trusts(device) else _EVERYWHERE)
        self._refused.pop(key, None)
        self._refused[key] = self._monotonic() + REFUSAL_LASTS
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)

    def forget_refusals(self, device: Device) -> None:
        """Forget what a device refused: it is fetching our CA to install it."""
        for key in [key for key in self._refused if key[0] == device.id]:
            del self._refused[key]

    def _in_force(self, key: tuple[str, str]) -> bool:
        return self._refused.get(key, float("-inf")) > self._monotonic()
