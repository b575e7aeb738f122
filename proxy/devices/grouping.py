"""Which group a device is in by the rules of the moment: a registered one, or one that is known by its address alone.

The rules themselves stand in `indicators.membership`. What the collector says of a device's group is no concern here.
"""

from __future__ import annotations

from indicators.membership import Facts, Membership
from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy.devices.published import PublishedRegistry
from proxy.devices.record import DeviceRecord

_REMEMBERED = 4096  # devices

type _Key = tuple[str, str, str]


def group_of_record(rules: Membership, record: DeviceRecord, address: str) -> str:
    """Return the group of a registered device that comes from an address."""
    return rules.group_of(Facts(record.name, record.group, address, frozenset(record.tags), record.platform))


def group_of_address(rules: Membership, name: str, address: str) -> str:
    """Return the group of a device that is known by its address alone."""
    return rules.group_of(Facts(name, address=address))


class Regrouping:
    """Say which group a device is in now that was met before, when rules and registry may have been others."""

    def __init__(self, registry: PublishedRegistry, rules: Membership) -> None:
        self._registry = registry
        self._rules = rules
        self._known: dict[_Key, tuple[Device, str]] = {}
        self._has_forgotten = False
        self._changes = -1

    def take(self, rules: Membership) -> None:
        """Go by other rules from now on; another thread may do that, so rules change before what is known by them."""
        self._rules = rules
        self._known = {}

    def group_of(self, device: Device) -> str:
        """Return a device's group; one of which no address is known keeps what its door said."""
        known, key = self._known, (device.id, device.group, device.address)
        found = known.get(key)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
                self._has_forgotten = True
            found = known[key] = (device, self._looked_up(device))
        return found[1]

    def has_moved_any(self) -> bool:
        """Look at the registry; say whether a device met before may be in another group since the last look."""
        self._registry.current()
        if self._registry.changes == self._changes:
            return False
        self._changes = self._registry.changes
        known, self._known = self._known, {}
        forgotten, self._has_forgotten = self._has_forgotten, False
        return forgotten or any(self.group_of(device) != group for device, group in known.values())

    def _looked_up(self, device: Device) -> str:
        if not device.address:
            return device.group
        if device.identified_by is IdentifiedBy.ADDRESS:
            return group_of_address(self._rules, device.name, device.address)
        record = self._registry.current().by_id.get(device.id)
        return group_of_record(self._rules, record, device.address) if record else device.group
