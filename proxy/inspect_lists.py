"""Which hosts are to be opened or never opened, as the configuration says, with the well-known ones that come along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from indicators.inspection import InspectLists
from indicators.observation import Device
from proxy.config.model import Config

_KNOWN = Path(__file__).parent / "never_inspect.txt"


def lists_of(config: Config, group_of: Callable[[Device], str] = lambda device: device.group) -> InspectLists:
    """Return the lists in force, with those of the device groups that have their own."""
    known = tuple(host for _, host in known_hosts()) if config.never_inspect_known else ()
    never = (*config.never_inspect, *known)
    return with_groups(InspectLists.of(config.inspect, never, config.inspect_untrusted), config, group_of)


def with_groups(lists: InspectLists, config: Config, group_of: Callable[[Device], str]) -> InspectLists:
    """Return lists that know those of the device groups, which add to what holds for all."""
    groups = {}
    for name, group in config.groups.items():
        if group.inspect or group.never_inspect:
            own = InspectLists.of(group.inspect, group.never_inspect)
            groups[name] = replace(
                lists, inspect=lists.inspect | own.inspect, never_inspect=lists.never_inspect | own.never_inspect
            )
    return replace(lists, groups=groups, group_of=group_of) if groups else lists


@cache
def known_hosts() -> tuple[tuple[str, str], ...]:
    """Return the shipped list as pairs of kind and host, in the file's order."""
    found, kind = [], ""
    for line in _KNOWN.read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = line.removeprefix("## ")
        elif line and not line.startswith("#"):
            found.append((kind, line))
    return tuple(found)
