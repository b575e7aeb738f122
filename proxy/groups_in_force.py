"""The device groups that hold in this process: those it was started with, then whatever the overlay brings.

What a group changes is decided elsewhere; here is only which groups there are, and who is in which by their rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from indicators.membership import Membership
from indicators.observation import Device
from proxy.config.model import Config
from proxy.config_wire import groups_from_wire
from proxy.devices.grouping import Regrouping
from proxy.devices.published import PublishedRegistry
from proxy.groups import DeviceGroups


class Groups(Protocol):
    """Know the groups that hold now, and who is in which (`proxy.policy.LivePolicy`)."""

    @property
    def device_groups(self) -> DeviceGroups:
        """Return them, the same object until they change."""
        ...

    def group_of(self, device: Device) -> str:
        """Return a device's group."""
        ...


class FixedGroups:
    """Be the groups of a process that nothing published reaches: those of its configuration, for ever."""

    def __init__(self, config: Config) -> None:
        self.device_groups = DeviceGroups.of(config)

    def group_of(self, device: Device) -> str:
        """Return what its door knows."""
        return device.group


class GroupsInForce:
    """Hold the groups of the moment, in `now`."""

    def __init__(self, config: Config, registry: PublishedRegistry) -> None:
        self.now = DeviceGroups.of(config)
        self._config = config
        self._taken: Mapping[str, Any] | None = None
        self._regrouping = Regrouping(registry, self.now.rules)

    def take(self, published: Mapping[str, Any] | None) -> None:
        """Have those in force that were published; none means those of the start. Raises ValueError for nonsense."""
        if _in_order(published) == _in_order(self._taken):
            return
        groups = self._config.groups if published is None else groups_from_wire(published)
        now = DeviceGroups.of(self._config.model_copy(update={"groups": groups}))
        self._taken, self.now = published, now
        self._regrouping.take(now.rules)

    def rules(self) -> Membership:
        """Return the rules of who is in which."""
        return self.now.rules

    def group_of(self, device: Device) -> str:
        """Return a device's group by the rules, whatever it was when it came."""
        return self._regrouping.group_of(device)

    def has_moved_any(self) -> bool:
        """Look at the registry; say whether a device met before may be in another group now."""
        return self._regrouping.has_moved_any()


def _in_order(published: Mapping[str, Any] | None) -> list[tuple[str, Any]] | None:
    """Return what can be compared: two mappings of another order are equal, and the order is the rank."""
    return None if published is None else [*published.items()]
