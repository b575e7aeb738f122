"""The classifiers of the device groups that differ, made anew whenever what is known changes or a slot begins or ends.

What a group changes is decided in `indicators.groups`; this holds the outcome of the moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from indicators.classifier import Classifier
from indicators.groups import GroupPolicy
from indicators.index import IndicatorIndex
from indicators.overlay import Waiver
from indicators.settings import PolicySettings


class GroupJudging:
    """Hold a classifier for each group that has a policy of its own; empty where none has."""

    def __init__(self, policies: Sequence[GroupPolicy]) -> None:
        self._policies = tuple(policies)
        self._classifiers: dict[str, Classifier] = {}
        self._made_at: datetime | None = None
        self._until: datetime | None = None

    def take(self, policies: Sequence[GroupPolicy]) -> None:
        """Go by other policies from the next `renew` on; until then what was made stays."""
        self._policies = tuple(policies)

    def __bool__(self) -> bool:
        return bool(self._classifiers)

    def __contains__(self, group: str) -> bool:
        """Say whether a group has a policy of its own."""
        return group in self._classifiers

    def of(self, group: str, otherwise: Classifier) -> Classifier:
        """Return what judges for a group."""
        return self._classifiers.get(group, otherwise)

    def renew(
        self,
        now: datetime,
        custom: IndicatorIndex,
        feeds: Sequence[IndicatorIndex],
        settings: PolicySettings,
        waivers: Sequence[Waiver] = (),
        paused_until: datetime | None = None,
    ) -> None:
        """Make them for this moment."""
        in_force = [policy.at(now) for policy in self._policies]
        self._classifiers = {
            one.group.name: one.classifier(custom, feeds, settings, waivers, paused_until) for one in in_force
        }
        self._made_at, self._until = now, min((one.until for one in in_force if one.until), default=None)

    def is_over(self, now: datetime) -> bool:
        """Say whether a slot has begun or ended since, or the clock was set back."""
        if self._made_at is None or self._until is None:
            return False
        return now >= self._until or now < self._made_at
