"""Connect to the addresses that were judged, never to those of a second lookup.

mitmproxy opens an upstream connection in the task that has just run the `server_connect` hook, by host name. The hook
leaves the judged addresses in a context variable of that task; the loop's `create_connection` is given them in the
place of the name. So another connection's verdict, or an answer that has changed meanwhile, can't come between, and
no loop looks a name up by itself (uvloop would do so below Python). Where there are several, the next is tried beside
one that does not answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiohappyeyeballs

from addons import begun
from addons.services import Names
from indicators.hosts import canonical_host, is_address
from indicators.observation import Address, Device

_STAGGER = 0.25  # seconds before the next address is tried beside the last
_GATEWAY = Device("gateway", "the gateway itself")

type AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
type GetAddrInfo = Callable[..., Awaitable[Any]]

_judged: ContextVar[tuple[str, tuple[Address, ...]] | None] = ContextVar("judged", default=None)


def pin(host: str, addresses: Iterable[Address]) -> None:
    """Let connections to `host`, opened later in this task, go to these addresses only."""
    _judged.set((host, tuple(addresses)))


class JudgedAddresses:
    """Put our `getaddrinfo` into the running loop while mitmproxy runs."""

    name = "seawall-judged-addresses"

    def __init__(self, names: Names) -> None:
        self._names = names
        self._undo: Callable[[], None] | None = None

    def running(self) -> None:
        """Override the loop's lookups and connections."""
        if self._undo is None:
            self._undo = _override(asyncio.get_running_loop(), self._names)

    def done(self) -> None:
        """Give the loop its own lookups back."""
        if self._undo is not None:
            self._undo()
            self._undo = None


def _override(loop: asyncio.AbstractEventLoop, names: Names) -> Callable[[], None]:
    own = {name: getattr(loop, name) for name in ("getaddrinfo", "create_connection")}
    ours = {
        "getaddrinfo": partial(_getaddrinfo, own["getaddrinfo"], names),
        "create_connection": partial(begun.connection, partial(_connected, own["create_connection"], names)),
    }

    def put(methods: Mapping[str, Any]) -> None:
        for name, method in methods.items():
            setattr(loop, name, method)

    put(ours)
    return partial(put, own)


async def _connected(
    own: begun.Connect, names: Names, factory: Callable[[], Any], host: Any = None, port: Any = None, **more: Any
) -> Any:
    """Connect as the loop does, but to the judged addresses of a name: where there are several, beside each other.

    RFC 8305. asyncio's own race fails under the eager task factory that mitmproxy installs.
    """
    judged = _judged_for(host)
    if not judged:
        if not host or _is_literal(host):
            return await own(factory, host, port, **more)
        judged = (await names.lookup(canonical_host(host), _GATEWAY)).addresses
    infos = _infos(judged, port, more)
    if len(infos) == 1 or more.get("local_addr"):
        return await own(factory, infos[0][4][0], port, **more)
    chosen = await aiohappyeyeballs.start_connection(infos, happy_eyeballs_delay=_STAGGER)
    return await own(factory, sock=chosen)


async def _getaddrinfo(own: GetAddrInfo, names: Names, host: str | None, port: int | str | None, **hints: Any) -> Any:
    """Answer with judged addresses, else as the system does for literals, else by asking our resolver."""
    if judged := _judged_for(host):
        return _infos(judged, port, hints)
    if not host or _is_literal(host):
        return await own(host, port, **hints)
    found = await names.lookup(canonical_host(host), _GATEWAY)
    return _infos(found.addresses, port, hints)


def _judged_for(host: str | None) -> tuple[Address, ...]:
    """Return the addresses that this task was given for a host; none for another."""
    pinned = _judged.get()
    return pinned[1] if pinned and pinned[0] == host else ()


def _infos(addresses: tuple[Address, ...], port: int | str | None, hints: Mapping[str, Any]) -> list[AddressInfo]:
    """Return the addresses as `getaddrinfo` does, IPv4 first: IPv6 that leads nowhere is common."""
    kind = socket.SocketKind(hints.get("type") or socket.SOCK_STREAM)
    found: list[AddressInfo] = []
    for address in sorted(addresses, key=lambda each: each.version):
        of = socket.AF_INET if address.version == 4 else socket.AF_INET6
        rest = () if address.version == 4 else (0, 0)
        if hints.get("family", 0) in (0, of):
            found.append((of, kind, 0, "", (str(address), int(port or 0), *rest)))
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no judged address")
    return found


def _is_literal(host: str) -> bool:
    try:
        return is_address(canonical_host(host))
    except ValueError:
        return True  # no name: the system says so
