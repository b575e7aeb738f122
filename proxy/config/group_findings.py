"""What is wrong with the device groups of a configuration beyond single keys: names that name nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from indicators.hosts import canonical_host
from indicators.indicator import Origin
from indicators.membership import DEFAULT_GROUP
from indicators.rules import RuleError, parse_indicator
from proxy.config.errors import KeyPath
from proxy.config.sections.feeds import FeedConfig
from proxy.config.sections.groups import GroupConfig, ScheduleConfig
from proxy.devices.record import checked_group

type Finding = tuple[KeyPath, str]


def group_findings(groups: Mapping[str, GroupConfig], feeds: Sequence[FeedConfig]) -> Iterator[Finding]:
    """Yield everything that does not fit together in the groups."""
    known = frozenset(feed.name for feed in feeds)
    for name, group in groups.items():
        at: KeyPath = ("groups", name)
        yield from _name(at, name)
        if name == DEFAULT_GROUP and group.members:
            yield (*at, "members"), f"expected none: `{DEFAULT_GROUP}` has the devices that no other group's rules fit"
        for index, member in enumerate(group.members):
            if not member.model_fields_set:
                yield (*at, "members", index), "expected names, tags, networks or platforms"
        for feed in group.feeds:
            yield from _feed((*at, "feeds", feed), feed, known)
        for key in ("inspect", "never_inspect", "allowed_encrypted_dns"):
            for index, host in enumerate(getattr(group, key)):
                yield from _host((*at, key, index), host)
        for index, schedule in enumerate(group.schedules):
            yield from _schedule((*at, "schedules", index), schedule, known)


def _name(at: KeyPath, name: str) -> Iterator[Finding]:
    try:
        checked_group(name)
    except ValueError as error:
        yield at, f"expected another name: {error}"


def _schedule(at: KeyPath, schedule: ScheduleConfig, known: frozenset[str]) -> Iterator[Finding]:
    if not (schedule.everything or schedule.block or schedule.allow or schedule.feeds or schedule.categories):
        yield at, "expected what it does: everything, block, allow, feeds or categories"
    for index, slot in enumerate(schedule.slots):
        if not slot.days:
            yield (*at, "slots", index, "days"), "expected at least one day"
    for index, feed in enumerate(schedule.feeds):
        yield from _feed((*at, "feeds", index), feed, known)
    for key in ("block", "allow"):
        for index, value in enumerate(getattr(schedule, key)):
            try:
                parse_indicator({key: value}, Origin("custom", custom=True))
            except RuleError as error:
                yield (*at, key, index), str(error)


def _feed(at: KeyPath, name: str, known: frozenset[str]) -> Iterator[Finding]:
    if name not in known:
        yield at, f"expected the name of a feed in `feeds`, got {name!r:.60}"


def _host(at: KeyPath, host: str) -> Iterator[Finding]:
    try:
        canonical_host(host.removeprefix("*."))
    except ValueError as error:
        yield at, f"expected a host such as www.example.com: {error}"
