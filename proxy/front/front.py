"""The front's listeners and all that their connections share: opened together, bounded, drained and closed together."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from proxy import endpoints
from proxy.front.client import Client
from proxy.front.doorway import Clients, Doorway
from proxy.front.entrance import enter
from proxy.front.shares import Shares, client_of

_BACKLOG = 1024
_LOOK_EVERY = 1.0  # seconds between looks at who is late
_TELL_EVERY = 60.0  # seconds between words on clients that want too much

log = structlog.get_logger("front")


@dataclass(frozen=True, slots=True)
class Entry:
    """Describe one listener: its key in endpoints.json, its kind, and its bound socket.

    A `transparent` one tells by `destination_of` where a connection was going.
    """

    name: str
    listener: str
    sock: socket.socket
    destination_of: Callable[[socket.socket], tuple[str, int]] | None = None
    clients: Clients | None = None  # who may come in here; those of the front's other listeners by default


class Front:
    """Serve listeners. `door` holds what they share; each gets its own kind and destinations.

    Beyond `most` connections a new one takes the place of the client that has been undecided longest, so that slow
    clients cannot keep others out; where all are settled tunnels, it is turned away. Before that, who has more than its
    share (`proxy.front.shares`) takes the place of one of its own, or is turned away.
    """

    def __init__(self, door: Doorway, most: int, waiting: dict[Client, None] | None = None) -> None:
        self._door = door
        self._most = most
        self._waiting = {} if waiting is None else waiting  # clients that are not settled, longest first
        self._shares = Shares(most)
        self._quiet_until = -math.inf  # of the log, in the loop's time
        self._servers: list[asyncio.Server] = []
        self._look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._door.tunnels)

    async def listen(self, entry: Entry) -> str:
        """Open a listener and return its address."""
        clients = entry.clients or self._door.clients
        header = self._door.proxy_header if entry.clients is None else None
        door = replace(
            self._door,
            listener=entry.listener,
            destination_of=entry.destination_of,
            clients=clients,
            proxy_header=header,
            has_room=self._has_room,
        )
        serve = partial(self._enter, door)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Client(serve, self._waiting), sock=entry.sock, backlog=_BACKLOG)
        self._servers.append(server)
        if self._look is None:
            self._end_late()
        host, port, *_ = entry.sock.getsockname()
        return endpoints.spell(str(host), int(port))

    async def close(self, drain: float = 0.0) -> None:
        """Listen no more, give open tunnels `drain` seconds to end, then cut them and who is undecided."""
        for server in self._servers:
            server.close()
        await self._door.tunnels.drain(drain)
        if self._look:
            self._look.cancel()
        for client in tuple(self._waiting):
            client.transport.abort()

    def _end_late(self) -> None:
        """End the clients that have not said in time what they want, again and again."""
        loop = asyncio.get_running_loop()
        for client in [each for each in self._waiting if each.is_late(loop.time())]:
            client.transport.abort()
        self._look = loop.call_later(_LOOK_EVERY, self._end_late)

    async def _enter(self, door: Doorway, client: Client) -> None:
        if len(self) > self._most:
            longest = next(iter(self._waiting))
            longest.transport.abort()
            if longest is client:
                return
        await enter(client, door)

    def _has_room(self, client: Client) -> bool:
        """Give a client a place of its share; beyond that the one of its own that has been undecided longest."""
        client.leave = self._shares.take(client.address)
        if not self._shares.is_beyond(client.address, len(self)):
            return True
        who = client_of(client.address)
        for other in self._waiting:
            if other is not client and client_of(other.address) == who and not other.transport.is_closing():
                other.transport.abort()
                return True
        self._tell(client)
        return False

    def _tell(self, client: Client) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            self._quiet_until = now + _TELL_EVERY
            log.warning("a client has its share of `proxy.max_connections` and is turned away", address=client.address)


def bound(host: str, port: int) -> socket.socket:
    """Return a TCP socket bound to an address. Raises OSError that names it."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
    except OSError as problem:
        made.close()
        raise OSError(problem.errno, f"cannot listen on {endpoints.spell(host, port)}: {problem.strerror}") from None
    made.setblocking(False)
    return made
