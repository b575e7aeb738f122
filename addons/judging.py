"""Judge one destination: first its names, then the addresses they lead to; the only way to an address being dialled.

A destination that is stopped by its name is never looked up. What passes is cleared, with its addresses, for this
client connection alone. An error inside judging becomes a verdict by `policy.on_error`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from addons.own_ports import OwnPorts
from addons.services import Found, Services
from addons.visits import Judgement, Place, Visit
from indicators.addresses import parse_address
from indicators.hosts import is_address, is_this_machine
from indicators.observation import Address, Observation
from indicators.verdict import Verdict
from indicators.words import Action, OnError

FRESH = 60.0  # seconds that judged addresses may be dialled before they are looked up again
_LOOKUP_WITHIN = 8.0  # seconds

OWN_PORT = Verdict(Action.BLOCK, "it is a port of this gateway, which cannot be reached through itself")
PRIVATE = Verdict(Action.BLOCK, "it is a private destination, which `proxy.allow_private` does not name")
_FAILED_CLOSED = Verdict(Action.BLOCK, "judging failed, and policy.on_error is closed", alert=True, failed=True)
_FAILED_OPEN = Verdict(Action.ALLOW, "judging failed, and policy.on_error is open", failed=True)
_LOOPBACK: tuple[Address, ...] = (parse_address("127.0.0.1"), parse_address("::1"))
_WHY = {
    "nxdomain": "There is no such name.",
    "nodata": "The name has no address.",
    "refused": "The name servers refuse to answer.",
    "bad_name": "This is not a valid name.",
}

log = logging.getLogger(__name__)


class UnresolvedError(LookupError):
    """Say why a name leads nowhere; the text is fit for a person."""


class Judging:
    """Judge what the addons see."""

    def __init__(self, services: Services, own_ports: OwnPorts) -> None:
        self._services = services
        self._own_ports = own_ports
        self.failures = 0

    def judge(self, seen: Observation) -> Judgement:
        """Return the verdict on what was seen; never raise."""
        try:
            return Judgement(seen, self._services.policy.judge(seen))
        except Exception:
            self.failures += 1
            log.exception("judging failed at stage %s", seen.stage)
            return Judgement(seen, self.failed())

    def failed(self) -> Verdict:
        """Return the verdict of `policy.on_error`."""
        return _FAILED_OPEN if self._services.on_error is OnError.OPEN else _FAILED_CLOSED

    async def examine(
        self, visit: Visit, seen: Observation, dial: str, port: int, later: Callable[[Verdict], bool] = lambda _: False
    ) -> Judgement:
        """Judge a destination by name and address. `dial` is the canonical host that would be connected to.

        A destination that its name stops, or whose URL will be judged `later`, is not looked up: it may yet turn out
        to be one that nobody may be asked about. Raises UnresolvedError.
        """
        judged = self.at_once(visit, seen, dial, port, later)
        return judged if judged is not None else await self.by_lookup(visit, seen, dial, port)

    def at_once(
        self, visit: Visit, seen: Observation, dial: str, port: int, later: Callable[[Verdict], bool] = lambda _: False
    ) -> Judgement | None:
        """Judge a destination as `examine` does, where that needs no lookup; else return nothing."""
        place = visit.cleared.get((dial, port)) if self.is_cleared(visit, dial, port) else None
        led = self.judge(_led(seen, place.chain, place.addresses)) if place is not None else None
        if led is not None and _is_unknown(led.verdict):
            return led  # nothing is known of all that is seen, so nothing of its name alone
        by_name = self.judge(seen)
        return by_name if _objects(by_name) or later(by_name.verdict) else led

    async def by_lookup(self, visit: Visit, seen: Observation, dial: str, port: int) -> Judgement:
        """Judge a destination that its name does not stop by where it leads. Raises UnresolvedError."""
        found = await self._find(seen, dial)
        everything = (*found.addresses, *found.refused)
        if visit.guarded and not self._services.reach.allows(everything):
            return Judgement(_led(seen, found.chain, everything), PRIVATE, own_port=True)
        if await self._own_ports.holds(everything, port):
            return Judgement(_led(seen, found.chain, everything), OWN_PORT, own_port=True)
        judged = self.judge(_led(seen, found.chain, everything))
        if found.blocked and not _objects(judged):  # the resolver knows better: an indicator hardly a moment old
            judged = replace(judged, verdict=Verdict(Action.BLOCK, found.reason))
        visit.cleared.pop((dial, port), None)
        if not _objects(judged):
            visit.cleared[dial, port] = Place(found.addresses, found.chain, self._services.monotonic())
        return judged

    def is_cleared(self, visit: Visit, dial: str, port: int) -> bool:
        """Say whether a destination was judged a moment ago, with nothing against it."""
        place = visit.cleared.get((dial, port))
        return place is not None and self._services.monotonic() - place.at < FRESH

    async def _find(self, seen: Observation, dial: str) -> Found:
        if is_address(dial):
            return _Known((parse_address(dial),))
        if is_this_machine(dial):
            return _Known(_LOOPBACK)
        try:
            async with asyncio.timeout(_LOOKUP_WITHIN):
                found = await self._services.names.lookup(dial, seen.device, seen.reach)
        except (OSError, TimeoutError) as problem:
            log.warning("a name could not be looked up: %s", problem or "no answer in time")
            raise UnresolvedError("The name server did not answer. Try again in a moment.") from None
        if not found.addresses and not found.blocked:
            raise UnresolvedError(_WHY.get(found.error, "The name could not be looked up."))
        return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What needs no lookup."""

    addresses: tuple[Address, ...]
    chain: tuple[str, ...] = ()
    refused: tuple[Address, ...] = ()
    blocked: bool = False
    reason: str = ""
    error: str = ""


def _objects(judged: Judgement) -> bool:
    """Say whether a verdict is a warning or worse, final or not."""
    return judged.verdict.action.strength >= Action.WARN.strength


def _is_unknown(verdict: Verdict) -> bool:
    """Say whether no indicator was met, and none could be by a closer look."""
    return is_unmet(verdict) and verdict.final and verdict.needs is None


def is_unmet(verdict: Verdict) -> bool:
    """Say whether a verdict lets pass because none of what was seen is known."""
    return verdict.is_plain_allow and not verdict.matches


def _led(seen: Observation, chain: tuple[str, ...], addresses: tuple[Address, ...]) -> Observation:
    hosts = tuple(dict.fromkeys((*seen.hosts, *chain)))
    return replace(seen, hosts=hosts, addresses=tuple(dict.fromkeys((*seen.addresses, *addresses))))
