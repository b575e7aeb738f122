"""Which device each reported incident belongs to, so that its repeats can be told; the oldest are forgotten first."""

from __future__ import annotations

from collections.abc import Sequence

from indicators.observation import Device


class KnownIncidents:
    """Remember the last `at_least` incidents, and no more than twice as many but for what is added in one go.

    Two generations: when the young one is full it becomes the old one, which is dropped. No order is kept.
    """

    def __init__(self, at_least: int) -> None:
        self._size = at_least
        self._young: dict[str, Device] = {}
        self._old: dict[str, Device] = {}

    def add(self, incidents: Sequence[str], devices: Sequence[Device]) -> None:
        """Remember some, each with its device."""
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young.update(zip(incidents, devices, strict=True))

    def device(self, incident: str) -> Device | None:
        """Return its device, or None when it is not known (any more)."""
        return self._young.get(incident) or self._old.get(incident)
