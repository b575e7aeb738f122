"""Where an output may lead: public addresses, unless the configured one is private by its own spelling.

The same rule as for feeds, so that a name in somebody's DNS cannot turn us on machines of the local network. The
address that is judged is the one that is connected to.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from indicators.addresses import is_special


class AddressError(OSError):
    """Say that an output leads where it may not."""


async def resolve(host: str, port: int, *, private: bool) -> list[str]:
    """Return a host's addresses. Raises AddressError when one is special and that was not meant; OSError."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = list(dict.fromkeys(str(info[4][0]) for info in infos))
    for address in found:
        if not private and is_special(ip_address(address.partition("%")[0])):
            raise AddressError(f"{host} leads to {address}, which is no public address; an output may not lead there")
    return found


class OutputResolver(AbstractResolver):
    """Resolve for aiohttp by that rule. A literal address is configured as such and never comes here."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return what may be connected to."""
        found = await resolve(host, port, private=self._private)
        return [_result(host, address, port) for address in found]

    async def close(self) -> None:
        """Hold nothing."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
