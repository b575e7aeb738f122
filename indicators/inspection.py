"""Which way a TLS connection goes: the design's *Inspect only where it is welcome*, as one pure function.

Whether a device trusts or refuses our CA is known elsewhere; so is how a connection is spliced or closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from indicators.hosts import canonical_host, parents
from indicators.observation import Device
from indicators.verdict import Verdict
from indicators.words import Action, Visibility


class Route(StrEnum):
    """Name the three ways."""

    SPLICE = "splice"  # relay bytes untouched
    INSPECT = "inspect"  # decrypt through mitmproxy
    TERMINATE = "terminate"  # close: TLS alert access_denied, or a plain 403 to CONNECT


@dataclass(frozen=True, slots=True)
class InspectLists:
    """Hold `inspect`, `never_inspect` and `inspect_untrusted` of the configuration; hosts cover their subdomains.

    `own` gives a device of a group that has its own lists those, whole; nothing for all others.
    """

    inspect: frozenset[str] = frozenset()
    never_inspect: frozenset[str] = frozenset()
    inspect_untrusted: bool = False
    own: Callable[[Device], InspectLists | None] = lambda device: None

    def for_device(self, device: Device) -> InspectLists:
        """Return the lists that hold for a device."""
        return self.own(device) or self

    @classmethod
    def of(cls, inspect: Iterable[str], never_inspect: Iterable[str], inspect_untrusted: bool = False) -> InspectLists:
        """Make the lists from what the user wrote; `*.` before a host is allowed. Raises ValueError naming the host."""
        return cls(_hosts(inspect), _hosts(never_inspect), inspect_untrusted)


def _hosts(written: Iterable[str]) -> frozenset[str]:
    return frozenset(canonical_host(host.strip().removeprefix("*.")) for host in written)


def route(verdict: Verdict, host: str, trusts_ca: bool, lists: InspectLists, *, refuses_ca: bool = False) -> Route:
    """Choose the way of one TLS connection to `host`.

    `trusts_ca` where this device has completed a handshake under our CA, `refuses_ca` where it is known to refuse it.
    A host that is stopped as a whole is answered with a page, even one that is never inspected or a device that has
    shown no trust yet; what passes is opened only where that is welcome.
    """
    if verdict.action.strength >= Action.WARN.strength:
        return Route.TERMINATE if refuses_ca else Route.INSPECT
    if refuses_ca or _covers(lists.never_inspect, host):
        return Route.SPLICE
    if verdict.always_inspect:
        return Route.INSPECT
    welcome = trusts_ca or lists.inspect_untrusted
    return Route.INSPECT if welcome and (_needs_opening(verdict) or _covers(lists.inspect, host)) else Route.SPLICE


def _needs_opening(verdict: Verdict) -> bool:
    return verdict.needs in (Visibility.URL, Visibility.BODY)


def _covers(hosts: frozenset[str], host: str) -> bool:
    return bool(hosts) and any(name in hosts for name in parents(host))
