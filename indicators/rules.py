"""From a YAML entry (plain Python values) to indicators: short forms, full form, and errors that name the key."""

from __future__ import annotations

from collections.abc import Mapping

from indicators.indicator import Indicator, Origin


class RuleError(ValueError):
    """Say what is wrong with an entry; `key` is the key to look at, empty for the entry as a whole."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}" if key else reason)
        self.key = key
        self.reason = reason


def parse_indicator(
    entry: Mapping[object, object] | str, origin: Origin, device_groups: frozenset[str] = frozenset()
) -> tuple[Indicator, ...]:
    """Read one entry; one with a list of values gives as many indicators. Raises RuleError."""
    raise NotImplementedError
