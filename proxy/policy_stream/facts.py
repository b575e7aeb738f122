"""What the collector has told, as the overlay holds it: indicators, approvals, risks, groups. In memory; pure.

A fact that cannot be understood (a newer collector's) is left out and named; the rest stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from indicators.indicator import Indicator, Origin
from indicators.overlay import DeviceRisk
from indicators.rules import parse_indicator
from indicators.words import Risk
from proxy.policy_stream.told import Change
from proxy.policy_stream.unpinning import UNPIN, Unpin, read_unpin

SOURCE = "api"
_LONGEST_GROUP = 128
_MOST_REASONS = 10

type Fact = tuple[Indicator, ...] | DeviceRisk | str | Unpin


class PushedFacts:
    """Hold what was told, read once. `overrides` lets pushed allows override local blocks."""

    def __init__(self, *, overrides: bool = False) -> None:
        self.misunderstood: dict[tuple[str, str], str] = {}
        self._overrides = overrides
        self._facts: dict[tuple[str, str], Fact] = {}
        self._readers: dict[str, Callable[[str, Mapping[str, Any]], Fact]] = {
            "indicator": self._indicator,
            "approval": self._approval,
            "risk": _risk,
            "group": _group,
            UNPIN: lambda _, body: read_unpin(body),  # followed by the store; read here to name what is wrong
        }

    def clear(self) -> None:
        """Forget everything."""
        self._facts.clear()
        self.misunderstood.clear()

    def take(self, changes: Iterable[Change]) -> None:
        """Take changes in their order."""
        for change in changes:
            at = (change.kind, change.key)
            self._facts.pop(at, None)
            self.misunderstood.pop(at, None)
            if change.body is None:
                continue
            try:
                self._facts[at] = self._readers.get(change.kind, _unknown)(change.key, change.body)
            except (ValueError, KeyError, TypeError) as error:
                self.misunderstood[at] = f"{change.kind} {change.key}: {error}"

    def indicators(self, now: datetime) -> Iterator[Indicator]:
        """Return what was pushed and has not expired."""
        for fact in self._facts.values():
            if isinstance(fact, tuple):
                yield from (one for one in fact if one.expiration is None or now < one.expiration)

    def risks(self) -> dict[str, DeviceRisk]:
        """Return each device's risk; a device that is not named has none."""
        return {key: fact for (_, key), fact in self._facts.items() if isinstance(fact, DeviceRisk)}

    def groups(self) -> dict[str, str]:
        """Return the groups that devices were put into at the collector."""
        return {key: fact for (_, key), fact in self._facts.items() if isinstance(fact, str)}

    def _indicator(self, key: str, body: Mapping[str, Any]) -> Fact:
        entry: dict[object, object] = dict(body.items())
        return parse_indicator(entry, self._origin(f"indicator {key}"))

    def _approval(self, key: str, body: Mapping[str, Any]) -> Fact:
        """Read an approved request: an allow of one host for one device, or for `everyone`, for a while."""
        until = datetime.fromisoformat(body["until"])
        if until.tzinfo is None:
            raise ValueError("until: expected a time with its offset")
        devices = frozenset() if body.get("everyone") is True else frozenset((_device(body["device"]),))
        found = parse_indicator({"allow": body["host"]}, self._origin(f"access request {key}"))
        return tuple(replace(one, expiration=until, devices=devices) for one in found)

    def _origin(self, place: str) -> Origin:
        return Origin(SOURCE, custom=True, place=place, yields=not self._overrides)


def _unknown(_: str, __: Mapping[str, Any]) -> Fact:
    raise ValueError("there is no such kind here")


def _device(found: object) -> str:
    if not isinstance(found, str) or not found:
        raise ValueError("device: expected an id")
    return found


def _risk(_: str, body: Mapping[str, Any]) -> Fact:
    reasons = body.get("reasons", [])
    if not isinstance(reasons, list):
        raise ValueError("reasons: expected a list")
    return DeviceRisk(Risk(body["level"]), tuple(str(reason)[:300] for reason in reasons[:_MOST_REASONS]))


def _group(_: str, body: Mapping[str, Any]) -> Fact:
    group = body["group"]
    if not isinstance(group, str) or not 0 < len(group) <= _LONGEST_GROUP:
        raise ValueError("group: expected a name")
    return group
