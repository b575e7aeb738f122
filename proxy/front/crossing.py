"""Judge one connection at the front: its destination and addresses, then the name in its ClientHello.

The front lets pass only what nothing objects to and nothing needs a closer look at; all else is the inspector's, which
judges again with everything in sight. So this file answers one question: may these bytes pass untouched?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from indicators.hosts import canonical_host
from indicators.inspection import InspectLists, Route, route
from indicators.observation import Address, Device, Observation
from indicators.ports import Policy, Reporter
from indicators.verdict import CLEAN, Verdict
from indicators.words import Enforcement, Stage, Visibility
from proxy.dns.wire import Lookup


class Lookups(Protocol):
    """Resolve a host for a device; an address given is a judged one."""

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Lookup:
        """Return the judged addresses. Raises OSError when the resolver cannot be reached."""
        ...


class OwnPorts(Protocol):
    """Know which destinations are the gateway itself."""

    async def holds(self, addresses: Iterable[Address], port: int) -> bool:
        """Say whether one of these addresses with this port is a listener of ours."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """Hold what a connection may be spliced to: the judged addresses of the destination asked for."""

    device: Device
    host: str
    port: int
    addresses: tuple[Address, ...]


class Crossing:
    """Answer for one listener's connections. One object serves them all."""

    def __init__(
        self,
        policy: Policy,
        reporter: Reporter,
        lookups: Lookups,
        lists: InspectLists,
        own: OwnPorts,
    ) -> None:
        self._policy = policy
        self._reporter = reporter
        self._lookups = lookups
        self._lists = lists
        self._own = own

    async def destination(self, device: Device, host: str, port: int) -> Passage | None:
        """Return the way to a destination that nothing objects to, or nothing: then the inspector takes it."""
        try:
            name = canonical_host(host)
            seen = self._seen(Stage.CONNECTION, device, (name,), port)
            if not self._is_clear(self._policy.judge(seen), seen):
                return None
            found = await self._lookups.lookup(name, device, seen.reach)
        except (ValueError, OSError):
            return None
        if found.blocked or not found.addresses or await self._own.holds(found.addresses, port):
            return None
        return Passage(device, name, port, found.addresses)

    def may_splice(self, passage: Passage, server_name: str) -> bool:
        """Say whether the name in the ClientHello, beside the one asked for, leaves the passage clear."""
        try:
            name = canonical_host(server_name) if server_name else passage.host
        except ValueError:
            return False
        hosts = (name,) if name == passage.host else (name, passage.host)
        seen = self._seen(Stage.TLS, passage.device, hosts, passage.port)
        return name == passage.host or self._is_clear(self._policy.judge(seen), seen)

    def count(self, passage: Passage) -> None:
        """Count a connection that passes."""
        seen = self._seen(Stage.TLS, passage.device, (passage.host,), passage.port)
        self._reporter.report(seen, CLEAN, Enforcement.PASSED)

    def _seen(self, stage: Stage, device: Device, hosts: tuple[str, ...], port: int) -> Observation:
        reach = Visibility.URL if self._policy.trusts_ca(device) else Visibility.SNI
        return Observation(stage, device, hosts=hosts, port=port, reach=reach)

    def _is_clear(self, verdict: Verdict, seen: Observation) -> bool:
        if not verdict.is_plain_allow or not verdict.final or verdict.always_inspect:
            return False
        trusts = self._policy.trusts_ca(seen.device)
        return all(route(verdict, host, trusts, self._lists) is Route.SPLICE for host in seen.hosts)
