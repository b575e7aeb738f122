"""What a device group changes about judging, at one moment: feeds and categories left out, schedules, audit mode.

Pure: the moment is handed in, and what holds until when is handed out. The precedence itself stays in `decide.py`; a
group merely decides which indicators exist for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from indicators.classifier import Classifier
from indicators.index import IndicatorIndex
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.overlay import Waiver
from indicators.schedules import Schedule
from indicators.selected_index import Everything, SelectedIndex
from indicators.settings import PolicySettings
from indicators.verdict import Match
from indicators.words import Action, Category, IndicatorType, Mode

EVERYTHING = "everything"
"""The value of the indicator that stands for all destinations."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Say what a schedule does in its slots.

    `indicators` hold then. With `everything` all else is blocked. `feeds` and `categories` that the group has switched
    off are on.
    """

    schedule: Schedule
    indicators: tuple[Indicator, ...] = ()
    everything: bool = False
    feeds: frozenset[str] = frozenset()
    categories: frozenset[Category] = frozenset()


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """Hold one group's policy. `mode` is nothing where it is everybody's."""

    name: str
    mode: Mode | None = None
    feeds_off: frozenset[str] = frozenset()
    categories_off: frozenset[Category] = frozenset()
    plans: tuple[Plan, ...] = ()

    @property
    def differs(self) -> bool:
        """Say whether anything here changes a verdict."""
        return bool(self.mode or self.feeds_off or self.categories_off or self.plans)

    def at(self, now: datetime) -> InForce:
        """Return what holds at a moment."""
        running = [plan for plan in self.plans if plan.schedule.is_on(now)]
        edges = [edge for plan in self.plans if (edge := plan.schedule.next_edge(now))]
        return InForce(
            self,
            self.feeds_off.difference(*(plan.feeds for plan in running)),
            self.categories_off.difference(*(plan.categories for plan in running)),
            tuple(one for plan in running for one in _placed(self.name, plan, now)),
            tuple(_everything(self.name, plan, now) for plan in running if plan.everything),
            min(edges, default=None),
        )


@dataclass(frozen=True, slots=True)
class InForce:
    """Hold what a group changes from one moment `until` another; no `until` means for good."""

    group: GroupPolicy
    feeds_off: frozenset[str] = frozenset()
    categories_off: frozenset[Category] = frozenset()
    indicators: tuple[Indicator, ...] = ()
    everything: tuple[Indicator, ...] = ()
    until: datetime | None = None

    def classifier(
        self,
        custom: IndicatorIndex,
        feeds: Sequence[IndicatorIndex],
        settings: PolicySettings,
        waivers: Sequence[Waiver] = (),
        paused_until: datetime | None = None,
    ) -> Classifier:
        """Return what judges for this group's devices."""
        own: list[IndicatorIndex] = [MemoryIndex(self.indicators)] if self.indicators else []
        if self.everything:
            own.append(Everything(self.everything))
            custom = SelectedIndex(custom, _holds_beside_everything)
        if self.feeds_off or self.categories_off:
            feeds = [SelectedIndex(feed, self._is_on, self._is_of_a_feed_on) for feed in feeds]
        if self.group.mode is not None:
            settings = replace(settings, mode=self.group.mode, group_audit=self.group.mode is Mode.AUDIT)
        return Classifier(custom, [*own, *feeds], settings, waivers, paused_until)

    def _is_on(self, match: Match) -> bool:
        return self._is_of_a_feed_on(match) and match.indicator.category not in self.categories_off

    def _is_of_a_feed_on(self, match: Match) -> bool:
        return match.indicator.origin.source not in self.feeds_off


def _holds_beside_everything(match: Match) -> bool:
    """Keep from a general allow, which corrects a feed, that it opens a host while everything is blocked."""
    one = match.indicator
    return match.action is not Action.ALLOW or bool(one.device_groups or one.devices)


def _placed(group: str, plan: Plan, now: datetime) -> tuple[Indicator, ...]:
    origin = _origin(group, plan.schedule, now)
    said = f"Kept by {origin.place}."
    return tuple(
        replace(one, origin=origin, description=said, device_groups=frozenset((group,))) for one in plan.indicators
    )


def _everything(group: str, plan: Plan, now: datetime) -> Indicator:
    return Indicator(
        EVERYTHING,
        IndicatorType.DOMAIN,
        Action.BLOCK,
        _origin(group, plan.schedule, now),
        title=f"Not now: {plan.schedule.name}",
        description=f"Kept by {_place(group, plan.schedule, now)}.",
        generate_alert=False,
        device_groups=frozenset((group,)),
    )


def _origin(group: str, schedule: Schedule, now: datetime) -> Origin:
    return Origin("custom", custom=True, place=_place(group, schedule, now))


def _place(group: str, schedule: Schedule, now: datetime) -> str:
    end = schedule.ends(now)
    until = f" until {end.astimezone(schedule.zone):%A %H:%M} {schedule.zone.key}" if end else ""
    return f"the schedule {schedule.name} of group {group}{until}"
