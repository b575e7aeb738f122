"""From `groups:` of the configuration to the values that decide: who is in which group, and what each group changes.

Nothing is decided here; `indicators.membership` and `indicators.groups` do that. What holds now is for
`groups_in_force.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from addons.own_hosts import GATEWAY
from indicators.groups import GroupPolicy, Plan
from indicators.hosts import canonical_host
from indicators.indicator import Indicator, Origin
from indicators.inspection import InspectLists
from indicators.membership import Membership, Rule
from indicators.rules import parse_indicator
from indicators.schedules import Schedule, Slot
from proxy.config.model import Config
from proxy.config.sections.groups import LOCAL, GroupConfig, MemberConfig, ScheduleConfig

_LOCALTIME = Path("/etc/localtime")

type Strip = Literal["never", "inspected", "always"]


@dataclass(frozen=True, slots=True)
class DeviceGroups:
    """Hold all that `groups:` says at one moment. By group: only those that have a say of their own.

    `resolvers` says whether others' resolvers are blocked, and which are not; `lists` are hosts beside those for all.
    """

    rules: Membership = field(default_factory=Membership)
    policies: tuple[GroupPolicy, ...] = ()
    lists: Mapping[str, InspectLists] = field(default_factory=dict)
    resolvers: Mapping[str, tuple[bool, frozenset[str]]] = field(default_factory=dict)
    strips: Mapping[str, Strip] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> DeviceGroups:
        """Return what a configuration says."""
        strips = {name: group.strip_ech_h3 for name, group in config.groups.items() if group.strip_ech_h3 is not None}
        return cls(membership_of(config), policies_of(config), _lists_of(config), resolvers_of(config), strips)


def membership_of(config: Config) -> Membership:
    """Return the rules, in the file's order."""
    return Membership(
        tuple((name, tuple(map(_rule, group.members))) for name, group in config.groups.items() if group.members)
    )


def policies_of(config: Config, local: Callable[[], ZoneInfo] | None = None) -> tuple[GroupPolicy, ...]:
    """Return what the groups change about judging; those that change nothing are left out."""
    made = (_policy(name, group, local or local_zone) for name, group in config.groups.items())
    return tuple(policy for policy in made if policy.differs)


def resolvers_of(config: Config) -> dict[str, tuple[bool, frozenset[str]]]:
    """Return, by group, whether other resolvers are blocked, and which are not; groups without a say are left out."""
    blocked = config.dns.encrypted_dns == "block"
    return {
        name: (
            group.encrypted_dns == "block" if group.encrypted_dns else blocked,
            frozenset(canonical_host(host.removeprefix("*.")) for host in group.allowed_encrypted_dns),
        )
        for name, group in config.groups.items()
        if group.encrypted_dns or group.allowed_encrypted_dns
    }


def _lists_of(config: Config) -> dict[str, InspectLists]:
    return {
        name: InspectLists.of(group.inspect, group.never_inspect)
        for name, group in config.groups.items()
        if group.inspect or group.never_inspect
    }


def local_zone(localtime: Path = _LOCALTIME) -> ZoneInfo:
    """Return this machine's time zone: of TZ, else of /etc/localtime; UTC where neither says."""
    named = os.environ.get("TZ", "").removeprefix(":")
    try:
        return ZoneInfo(named or _linked(localtime))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _linked(localtime: Path) -> str:
    _, found, name = os.path.realpath(localtime).partition("zoneinfo/")
    return name if found else "UTC"


def _rule(member: MemberConfig) -> Rule:
    return Rule(
        member.names,
        frozenset(tag.casefold() for tag in member.tags),
        member.networks,
        frozenset(platform.casefold() for platform in member.platforms),
    )


def _policy(name: str, group: GroupConfig, local: Callable[[], ZoneInfo]) -> GroupPolicy:
    return GroupPolicy(
        name,
        group.mode,
        frozenset(feed for feed, on in group.feeds.items() if not on),
        frozenset(category for category, on in group.categories.items() if not on),
        tuple(_plan(schedule, local) for schedule in group.schedules),
    )


def _plan(schedule: ScheduleConfig, local: Callable[[], ZoneInfo]) -> Plan:
    zone = local() if schedule.time_zone == LOCAL else ZoneInfo(schedule.time_zone)
    slots = tuple(Slot.of(slot.start, slot.end, slot.days) for slot in schedule.slots)
    allowed = (*schedule.allow, GATEWAY) if schedule.everything else schedule.allow
    return Plan(
        Schedule(schedule.name, slots, zone),
        (*_indicators("block", schedule.block, schedule.name), *_indicators("allow", allowed, schedule.name)),
        schedule.everything,
        frozenset(schedule.feeds),
        frozenset(schedule.categories),
    )


def _indicators(action: str, values: tuple[str, ...], name: str) -> tuple[Indicator, ...]:
    """Return indicators without an alert: a schedule keeps its hours, and that is nothing to be told of."""
    origin = Origin("custom", custom=True)
    found = [one for value in values for one in parse_indicator({action: value}, origin)]
    return tuple(replace(one, title=f"Not now: {name}" * (action == "block"), generate_alert=False) for one in found)
