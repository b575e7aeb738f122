"""Count how often an app refuses our certificate for a host: twice, and never taken before, is an app that pins.

An app is a device, a host and the fingerprint of its ClientHello. What follows from a pin is decided in
`destination.way_of`; that it lasts, and is told to people, is the supervisor's work.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

ENOUGH = 2  # refusals
_WITHIN = 3600.0  # seconds
_REMEMBERED = 8192


@dataclass(frozen=True, slots=True)
class App:
    """Name who refuses what: a device's id, a host, a JA4 fingerprint."""

    device: str
    host: str
    ja4: str


class Refusals:
    """Remember refusals and successes of apps."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._refused: OrderedDict[App, tuple[int, float]] = OrderedDict()
        self._taken: OrderedDict[App, None] = OrderedDict()

    def refused(self, app: App) -> bool:
        """Note a refusal; say whether that is now enough to take the app for one that pins."""
        if app in self._taken:
            return False
        now = self._monotonic()
        count, first = self._refused.pop(app, (0, now))
        if now - first > _WITHIN:
            count, first = 0, now
        if count + 1 >= ENOUGH:
            return True
        self._refused[app] = (count + 1, first)
        _bound(self._refused)
        return False

    def taken(self, app: App) -> None:
        """Note that an app has taken our certificate: it does not pin for this host."""
        self._refused.pop(app, None)
        self._taken.pop(app, None)
        self._taken[app] = None
        _bound(self._taken)


def _bound[V](memory: OrderedDict[App, V]) -> None:
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
