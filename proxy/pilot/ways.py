"""The ways by which the pilot's client comes to the gateway: through the proxy, or inside a device's tunnel."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from proxy.pilot.clients import (
    Answer,
    AsDevice,
    Endpoints,
    ProxyClient,
    Reply,
    ask_dns,
    ask_doh,
    fetch_by,
    headers_of,
    trust_in,
)
from proxy.pilot.namespace import inside
from proxy.profiles.wireguard import TunnelProfile

_DNS_PORT = 53


class Way(Protocol):
    """Reach the gateway. `words` say how, `page` are the block page's addresses, `by_device` that names show it too.

    `looked_up` are the names that fetching asked for: each is one more event.
    """

    words: str
    looked_up: list[str]
    page: tuple[str, ...]
    by_device: bool

    async def take[Result](self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do the work where the way leads to the gateway. Raises PilotError."""
        ...

    async def get(self, url: str) -> Reply:
        """Fetch one address. Raises PilotError when no answer comes."""
        ...

    async def ask(self, name: str) -> Answer:
        """Ask for a name's address. Raises PilotError when no usable answer comes."""
        ...


class ByProxy:
    """Come through the proxy and the DNS listener, as a device where one is given."""

    page: tuple[str, ...] = ()

    def __init__(self, endpoints: Endpoints, agent: str, device: AsDevice | None = None) -> None:
        self._endpoints = endpoints
        self._device = device
        self.looked_up: list[str] = []  # names go to the proxy as they are
        self._client = ProxyClient(endpoints, agent, device)
        self.by_device = bool(device and endpoints.doh)
        told = " and DNS token" if self.by_device else "; dns.https_port is not set, so no token"
        self.words = f"proxy credentials{told}" if device else "the proxy"

    async def take[Result](self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do the work here."""
        return await work()

    async def get(self, url: str) -> Reply:
        """Fetch through the proxy."""
        return await self._client.get(url)

    async def ask(self, name: str) -> Answer:
        """Ask by the device's token where there is one."""
        if self._device and self._endpoints.doh:
            return await ask_doh(self._endpoints, self._device, name)
        return await ask_dns(self._endpoints.dns, name)


class ByTunnel:
    """Come as an app does that knows of no gateway: names of the tunnel's resolver, then straight to the address."""

    words = "the tunnel"
    by_device = True

    def __init__(self, endpoints: Endpoints, agent: str, tunnel: TunnelProfile) -> None:
        self._tunnel = tunnel
        self.looked_up: list[str] = []
        self._headers, self._trust = headers_of(agent), trust_in(endpoints.ca)
        self.page = tuple(map(str, tunnel.gateway))

    async def take[Result](self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do the work inside the tunnel."""
        return await inside(self._tunnel, work)

    async def get(self, url: str) -> Reply:
        """Fetch by names that the tunnel's resolver gives."""
        connector = aiohttp.TCPConnector(resolver=_Names(self._look_up), family=socket.AF_INET, ttl_dns_cache=0)
        return await fetch_by(connector, url, self._headers, self._trust)

    async def _look_up(self, host: str) -> tuple[str, ...]:
        self.looked_up.append(host)
        return (await self.ask(host)).addresses

    async def ask(self, name: str) -> Answer:
        """Ask the tunnel's resolver."""
        return await ask_dns((str((self._tunnel.dns or self._tunnel.gateway)[0]), _DNS_PORT), name)


class _Names(AbstractResolver):
    """Resolve names as the way does."""

    def __init__(self, look_up: Callable[[str], Awaitable[tuple[str, ...]]]) -> None:
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return a name's IPv4 addresses. Raises OSError where it has none."""
        found = await self._look_up(host)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address here")
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for each in found
        ]

    async def close(self) -> None:
        """Hold nothing."""


def way_of(endpoints: Endpoints, agent: str, device: AsDevice | None) -> Way:
    """Return the device's tunnel where it has one, the proxy elsewhere."""
    if device and device.tunnel:
        return ByTunnel(endpoints, agent, device.tunnel)
    return ByProxy(endpoints, agent, device)
