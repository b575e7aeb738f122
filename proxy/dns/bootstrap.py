"""Find the addresses of upstreams that are given by name, and open connections to them.

The resolvers of `dns.bootstrap` are asked, never those that are looked for. What was found once stands in when they
do not answer later.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

from indicators.observation import Address
from proxy.dns.answers import Body
from proxy.dns.codes import IN, Type
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Question

_LEAST = 60  # seconds that an address is used without asking again
_EACH = 1.0  # seconds for a connection to one address, before the next is tried

type Ask = Callable[[Question], Awaitable[Body]]
type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Bootstrap:
    """Look names up by `ask`; `fixed` names (`dns.hosts`) are not asked for. `now` is in seconds."""

    def __init__(
        self, ask: Ask, now: Callable[[], float], fixed: Mapping[str, Sequence[Address]] | None = None
    ) -> None:
        self._ask = ask
        self._now = now
        self._fixed = fixed or {}
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def addresses(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Return the addresses to try, in order. Raises OSError when there is none."""
        host = endpoint.host
        if not endpoint.needs_lookup:
            return (host,)
        if host in self._fixed:
            return tuple(map(str, self._fixed[host]))
        until, known = self._known.get(host, (0.0, ()))
        if self._now() >= until:
            known = await self._looked_up(host) or known
        if not known:
            raise ConnectionError(f"no address is known for {host}: see dns.bootstrap")
        return known

    async def _looked_up(self, host: str) -> tuple[str, ...]:
        name = b"".join(bytes((len(label),)) + label.encode() for label in host.split(".")) + b"\0"
        questions = [Question(name + int(kind).to_bytes(2) + IN.to_bytes(2)) for kind in (Type.A, Type.AAAA)]
        bodies = await asyncio.gather(*map(self._ask, questions))
        found = tuple(str(address) for body in bodies for address in body.evidence.addresses)
        if found:
            lives = min(body.lifetime for body in bodies if body.evidence.addresses)
            self._known[host] = (self._now() + max(lives, _LEAST), found)
        return found

    def prefer(self, endpoint: Endpoint, address: str) -> None:
        """Put an address that answered before the others of its name."""
        until, known = self._known.get(endpoint.host, (0.0, ()))
        if known and known[0] != address:
            self._known[endpoint.host] = (until, (address, *(one for one in known if one != address)))

    async def connect(self, endpoint: Endpoint, tls: ssl.SSLContext | None) -> Streams:
        """Open a connection to the first address that takes one. Raises OSError."""
        problem: OSError = ConnectionError("no address")
        for address in await self.addresses(endpoint):
            try:
                async with asyncio.timeout(_EACH if endpoint.needs_lookup else None):
                    streams = await asyncio.open_connection(
                        address, endpoint.port, ssl=tls, server_hostname=endpoint.server_name if tls else None
                    )
            except OSError as error:  # a TimeoutError is one
                problem = error
                continue
            self.prefer(endpoint, address)
            return streams
        raise problem


async def _nobody(question: Question) -> Body:
    raise ConnectionError("no bootstrap resolver is configured: see dns.bootstrap")


def by_address_only(now: Callable[[], float]) -> Bootstrap:
    """Return one that finds no names: every upstream is an address."""
    return Bootstrap(_nobody, now)
