"""The URL indicators of one host: which of them cover a path and query, and what they could change for the host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from indicators.indicator import Indicator

_BOUNDARY = "/?&"
_NEVER = datetime.max.replace(tzinfo=UTC)


class UrlPaths:
    """Hold the URL indicators of one host by what follows the host in their value (`/path?query`)."""

    __slots__ = ("_exact", "_lengths", "_prefixes", "representatives")

    def __init__(self, indicators: Sequence[Indicator]) -> None:
        self._exact: dict[str, list[Indicator]] = {}
        self._prefixes: dict[str, list[Indicator]] = {}
        for indicator in indicators:
            table = self._exact if indicator.exact else self._prefixes
            table.setdefault(indicator.value[len(indicator.host) :], []).append(indicator)
        self._lengths = sorted({len(path) for path in self._prefixes}, reverse=True)
        self.representatives = _representatives(indicators)

    def covering(self, target: str) -> Iterator[tuple[int, Indicator]]:
        """Yield the indicators that cover `/path?query`, each with its length in characters, longest first."""
        for indicator in self._exact.get(target, ()):
            yield len(target), indicator
        for length in self._lengths:
            if length <= len(target) and _ends_at_boundary(target, length):
                for indicator in self._prefixes.get(target[:length], ()):
                    yield length, indicator


def _ends_at_boundary(target: str, length: int) -> bool:
    return length == len(target) or target[length] in _BOUNDARY or target[length - 1] in _BOUNDARY


def _representatives(indicators: Sequence[Indicator]) -> tuple[Indicator, ...]:
    """Return one indicator of each kind that a host's verdict can tell apart, strongest first.

    The longest-lived stands for its kind, so that thousands of paths on one host cost what a few do, and no expired
    one hides another that is in force.
    """
    found: dict[tuple[object, ...], Indicator] = {}
    for one in sorted(indicators, key=lambda indicator: indicator.expiration or _NEVER):
        origin = one.origin
        kind = (one.action, origin.source, origin.custom, one.device_groups, one.generate_alert, one.always_inspect)
        found[kind] = one
    return tuple(sorted(found.values(), key=lambda indicator: -indicator.action.strength))
