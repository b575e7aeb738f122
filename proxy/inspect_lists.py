"""Which hosts are to be opened or never opened, as the configuration says, with the well-known ones that come along."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from indicators.inspection import InspectLists
from indicators.observation import Device
from proxy.config.model import Config
from proxy.groups import DeviceGroups
from proxy.groups_in_force import Groups

_KNOWN = Path(__file__).parent / "never_inspect.txt"


def lists_of(config: Config, groups: Groups) -> InspectLists:
    """Return the lists in force, with those of the device groups that have their own."""
    known = tuple(host for _, host in known_hosts()) if config.never_inspect_known else ()
    never = (*config.never_inspect, *known)
    return with_groups(InspectLists.of(config.inspect, never, config.inspect_untrusted), groups)


def with_groups(lists: InspectLists, groups: Groups) -> InspectLists:
    """Return lists that know those of the device groups of the moment, which add to what holds for all."""
    return replace(lists, own=_ListsOfGroups(lists, groups))


class _ListsOfGroups:
    """Give a device its group's lists, made anew when the groups are others."""

    def __init__(self, lists: InspectLists, groups: Groups) -> None:
        self._lists = lists
        self._groups = groups
        self._made_of: DeviceGroups | None = None
        self._made: dict[str, InspectLists] = {}

    def __call__(self, device: Device) -> InspectLists | None:
        now = self._groups.device_groups
        if now is not self._made_of:
            self._made = {name: self._joined(own) for name, own in now.lists.items()}
            self._made_of = now
        return self._made.get(self._groups.group_of(device)) if self._made else None

    def _joined(self, own: InspectLists) -> InspectLists:
        all_of = self._lists
        inspect, never = all_of.inspect | own.inspect, all_of.never_inspect | own.never_inspect
        return replace(all_of, inspect=inspect, never_inspect=never)


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
