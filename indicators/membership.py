"""Which device group a device is in: exactly one, by rules in order of rank. Pure; nothing is looked up here.

A device that was put into a group by name stays there. Else the first group with a rule that fits it has it, and a
device that no rule fits is in `default`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_address

from indicators.addresses import unmap

DEFAULT_GROUP = "default"


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what rules may ask about a device.

    `group` is the one that it was put into, if any; `address` is where it connects from; `platform` is what it was
    registered as, not what its traffic says.
    """

    name: str = ""
    group: str = ""
    address: str = ""
    tags: frozenset[str] = frozenset()
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Describe members: everything named must fit, and of each list one item. Names may have `*` and `?`."""

    names: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    platforms: frozenset[str] = frozenset()

    def fits(self, facts: Facts) -> bool:
        """Say whether a device is meant; a rule that names nothing means nobody."""
        name = facts.name.casefold()
        asked = (
            (self.names, any(fnmatchcase(name, pattern.casefold()) for pattern in self.names)),
            (self.tags, not self.tags.isdisjoint(facts.tags)),
            (self.networks, _is_in(facts.address, self.networks)),
            (self.platforms, facts.platform in self.platforms),
        )
        said = [fits for named, fits in asked if named]
        return bool(said) and all(said)


@dataclass(frozen=True, slots=True)
class Membership:
    """Hold the rules of all groups, the highest ranked first."""

    ranked: tuple[tuple[str, tuple[Rule, ...]], ...] = ()

    def group_of(self, facts: Facts) -> str:
        """Return the device's group."""
        if facts.group and facts.group != DEFAULT_GROUP:
            return facts.group
        for name, rules in self.ranked:
            if any(rule.fits(facts) for rule in rules):
                return name
        return DEFAULT_GROUP


def _is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        found = unmap(ip_address(address))
    except ValueError:
        return False
    return any(found in network for network in networks)
