"""Judge one connection at the front: its destination and addresses, then the name in its ClientHello.

The front lets pass only what nothing objects to and nothing needs a closer look at; all else is the inspector's, which
judges again with everything in sight. So this file answers one question: may these bytes pass untouched? The answer is
remembered for as long as the addresses are good, and until what is known changes.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from addons.own_hosts import is_reserved
from addons.private_reach import PrivateReach
from indicators.addresses import parse_address
from indicators.frozen import frozen
from indicators.hosts import canonical_host, is_address
from indicators.inspection import InspectLists, Route, route
from indicators.observation import Address, Device, Observation
from indicators.ports import Policy
from indicators.verdict import Verdict
from indicators.words import Stage, Visibility
from proxy.dns.wire import Lookup

_LEAST, _MOST = 1.0, 60.0  # seconds that a judged destination is remembered
_REMEMBERED = 16384  # destinations


type _Key = tuple[Device, str, int, bool]


class Lookups(Protocol):
    """Resolve a host for a device; an address given is a judged one."""

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Lookup:
        """Return the judged addresses. Raises OSError when the resolver cannot be reached."""
        ...

    async def names(self, address: str, device: Device) -> tuple[str, ...]:
        """Return the names that our DNS gave this client the address for, newest first. Raises OSError."""
        ...


class OwnPorts(Protocol):
    """Know which destinations are the gateway itself."""

    async def holds(self, addresses: Iterable[Address], port: int) -> bool:
        """Say whether one of these addresses with this port is a listener of ours."""
        ...


@frozen
class Passage:
    """Hold what a connection may be spliced to: the judged addresses of the destination asked for.

    `clear` is false where the inspector is to take the connection; then `addresses` may be empty. `names` are those
    that our DNS gave this client for a destination that is an address, newest first. It is `unenforced` where URLs on
    the host are listed and the device has not shown that it trusts our CA. `epoch` says by what it was judged.
    """

    device: Device
    host: str
    port: int
    addresses: tuple[Address, ...] = ()
    clear: bool = False
    names: tuple[str, ...] = ()
    unenforced: bool = False
    epoch: int = 0


class Crossing:
    """Answer for all connections of the front."""

    def __init__(
        self,
        policy: Policy,
        lookups: Lookups,
        lists: InspectLists,
        own: OwnPorts,
        *,
        epoch: Callable[[], int] = lambda: 0,
        monotonic: Callable[[], float] = time.monotonic,
        reach: PrivateReach | None = None,
        came: Callable[[Passage], None] = lambda passage: None,
    ) -> None:
        self._policy = policy
        self._lookups = lookups
        self._lists = lists
        self._own = own
        self._epoch = epoch
        self._monotonic = monotonic
        self._reach = reach or PrivateReach(())
        self._came = came
        self._known: OrderedDict[_Key, tuple[Passage, float]] = OrderedDict()
        self._known_at = epoch()
        self._asking: dict[_Key, tuple[asyncio.Task[Passage], int]] = {}  # what is being judged, and by what epoch

    async def destination(self, device: Device, host: str, port: int, guarded: bool = False) -> Passage:
        """Return the way to a destination; one that is not clear is for the inspector.

        A `guarded` client comes from beyond this machine.
        """
        key = (device, host, port, guarded)
        found = self._remembered(key)
        if found is None:
            found = await asyncio.shield(self._asked(key))
        self._came(found)
        return found

    def _asked(self, key: _Key) -> asyncio.Task[Passage]:
        """Judge a destination once for all who ask meanwhile: many do when a popular one's time is over."""
        asking = self._asking.get(key)
        if asking is None or asking[1] != self._epoch():
            task = asyncio.get_running_loop().create_task(self._anew(key))
            asking = self._asking[key] = (task, self._epoch())
        return asking[0]

    async def _anew(self, key: _Key) -> Passage:
        epoch = self._epoch()
        try:
            found, lasts = await self._judged(*key)
        finally:
            if self._asking.get(key, (None,))[0] is asyncio.current_task():
                del self._asking[key]
        found = replace(found, epoch=epoch)
        if lasts and epoch == self._epoch():
            self._remember(key, found, lasts)
        return found

    def may_splice(self, passage: Passage, server_name: str) -> bool:
        """Say whether the name in the ClientHello, beside the one asked for, leaves the passage clear.

        Where a destination is an address and the hello names nobody, the name counts that our DNS gave it for.
        """
        if server_name == passage.host or not (server_name or passage.names):
            return True
        try:
            name = canonical_host(server_name) if server_name else passage.names[0]
        except ValueError:
            return False
        if name == passage.host:
            return True
        hosts = (name, *passage.names[:1]) if is_address(passage.host) else (name, passage.host)
        seen = self._seen(Stage.TLS, passage.device, tuple(dict.fromkeys(hosts)), passage.addresses, passage.port)
        return self._is_clear(seen, (name, passage.host))

    def contradicts(self, passage: Passage, server_name: str) -> bool:
        """Say whether the name in the ClientHello is neither the one asked for nor one that our DNS gave."""
        if not server_name or server_name == passage.host:
            return False
        known = passage.names if is_address(passage.host) else (passage.host,)
        try:
            return bool(known) and canonical_host(server_name) not in known
        except ValueError:
            return True

    def judge(self, seen: Observation) -> Verdict:
        """Judge a request whose destination was found clear."""
        return self._policy.judge(seen)

    async def unopened(self, device: Device, host: str, port: int, guarded: bool = False) -> Passage | None:
        """Return the way to a destination that nothing stops, whatever would have to be opened to be sure.

        For a policy that stays open where no inspector can be had.
        """
        try:
            name = canonical_host(host)
            found = await self._lookups.lookup(name, device, Visibility.SNI)
        except (ValueError, OSError):
            return None
        passage = Passage(device, name, port, found.addresses, epoch=self._epoch())
        if found.blocked or not found.addresses or await self._is_out_of_reach(found.addresses, port, guarded):
            return None
        return passage if self.still_passes(passage, "") else None

    def holds(self, passage: Passage, server_name: str) -> bool:
        """Say whether a passage may be used now: clients take their time to speak, and servers theirs to answer."""
        return passage.epoch == self._epoch() or self.still_passes(passage, server_name)

    def still_passes(self, passage: Passage, server_name: str) -> bool:
        """Say whether a connection that may be spliced is still let pass, by what is known now."""
        return not self._policy.judge(seen_of(passage, server_name)).stops

    async def _judged(self, device: Device, host: str, port: int, guarded: bool) -> tuple[Passage, float]:
        """Return the passage, and for how many seconds it is good."""
        try:
            name = canonical_host(host)
        except ValueError:
            return Passage(device, host, port), 0.0
        unclear = Passage(device, name, port)
        if is_reserved(name):
            return unclear, 0.0
        seen = self._seen(Stage.CONNECTION, device, *_named(name), port)
        if not self._is_clear(seen, (name,)):
            return unclear, 0.0
        try:
            found = await self._lookups.lookup(name, device, seen.reach)
            names = await self._lookups.names(name, device) if is_address(name) else ()
        except (ValueError, OSError):
            return unclear, 0.0
        if names and is_reserved(names[0]):  # redirected traffic names us by the address that our DNS gave
            return Passage(device, names[0], port), 0.0
        if found.blocked or not found.addresses or await self._is_out_of_reach(found.addresses, port, guarded):
            return unclear, 0.0
        led = replace(seen, hosts=tuple(dict.fromkeys((*seen.hosts, *found.chain))), addresses=found.addresses)
        clear = self._is_clear(led, (name,))
        lasts = _LEAST if is_address(name) else min(max(found.ttl, _LEAST), _MOST)
        unenforced = clear and self._misses_urls(led)
        return Passage(device, name, port, found.addresses, clear, names, unenforced), lasts if clear else 0.0

    def _misses_urls(self, seen: Observation) -> bool:
        """Say whether this connection would be opened, if its device trusted our CA."""
        deeper = self._policy.judge(replace(seen, reach=Visibility.URL))
        return deeper.needs is Visibility.URL and seen.reach is Visibility.SNI

    async def _is_out_of_reach(self, addresses: tuple[Address, ...], port: int, guarded: bool) -> bool:
        """Say whether a destination is the gateway itself, or private and not for this client."""
        if guarded and not self._reach.allows(addresses):
            return True
        return await self._own.holds(addresses, port)

    def _seen(
        self, stage: Stage, device: Device, hosts: tuple[str, ...], addresses: tuple[Address, ...], port: int
    ) -> Observation:
        reach = Visibility.URL if self._policy.trusts_ca(device) else Visibility.SNI
        return Observation(stage, device, hosts=hosts, addresses=addresses, port=port, reach=reach)

    def _is_clear(self, seen: Observation, asked: tuple[str, ...]) -> bool:
        verdict = self._policy.judge(seen)
        if not verdict.is_plain_allow or not verdict.final or verdict.always_inspect:
            return False
        trusts = self._policy.trusts_ca(seen.device)
        lists = self._lists.for_device(seen.device)
        return all(route(verdict, host, trusts, lists) is Route.SPLICE for host in asked)

    def _remembered(self, key: _Key) -> Passage | None:
        if self._known_at != self._epoch():
            self._known.clear()
            self._known_at = self._epoch()
        passage, until = self._known.get(key, (None, 0.0))
        return passage if passage and self._monotonic() < until else None

    def _remember(self, key: _Key, passage: Passage, lasts: float) -> None:
        self._known.pop(key, None)
        self._known[key] = (passage, self._monotonic() + lasts)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def seen_of(passage: Passage, server_name: str) -> Observation:
    """Return what was seen of a spliced connection: its destination, and the name in its ClientHello or `Host`."""
    names = dict.fromkeys(filter(None, (passage.host, server_name)))
    return Observation(
        Stage.TLS,
        passage.device,
        tuple(name for name in names if not is_address(name)),
        addresses=passage.addresses,
        port=passage.port,
        reach=Visibility.SNI,
        can_show_page=False,
    )


def _named(name: str) -> tuple[tuple[str, ...], tuple[Address, ...]]:
    """Return a destination as the host and the address that it is."""
    return ((), (parse_address(name),)) if is_address(name) else ((name,), ())
