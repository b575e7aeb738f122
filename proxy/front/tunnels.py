"""The spliced connections that are open: how many, which, and their end. Nothing is judged here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from indicators.observation import Device, Observation
from proxy.front.crossing import Passage, seen_of
from proxy.front.relay import Relay


class Open(Protocol):
    """Say of an open connection what it is judged by, and end it."""

    @property
    def passage(self) -> Passage:
        """Return where it may go."""
        ...

    @property
    def server_name(self) -> str:
        """Return the name seen in its ClientHello, or in `Host`."""
        ...

    def cut(self) -> None:
        """Drop both ends at once."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Tunnel:
    """Hold one spliced connection: where it may go, the name seen in its ClientHello, and its two ends."""

    passage: Passage
    server_name: str
    client: Relay
    upstream: Relay

    def cut(self) -> None:
        """Drop both ends at once."""
        self.client.cut()


class Tunnels:
    """Hold all open tunnels, and the clients whose requests are being served."""

    def __init__(self) -> None:
        self._open: set[Open] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Open]:
        return iter(tuple(self._open))

    def add(self, tunnel: Open, leave: Callable[[], None] | None = None) -> Callable[[], None]:
        """Keep a tunnel; call what is returned, once, when it has ended. That calls `leave`, too."""
        self._open.add(tunnel)
        self._empty.clear()

        def ended() -> None:
            self._open.discard(tunnel)
            if not self._open:
                self._empty.set()
            if leave:
                leave()

        return ended

    def opened(self) -> Iterator[tuple[Observation, Callable[[], None]]]:
        """Yield what was seen of each that is open, and what ends it (see `proxy.judging_again`)."""
        for tunnel in self:
            if tunnel in self._open:
                yield seen_of(tunnel.passage, tunnel.server_name), tunnel.cut

    def end(self, gone: Callable[[Device], bool]) -> int:
        """End the tunnels of devices that are gone; return how many."""
        found = [tunnel for tunnel in self if gone(tunnel.passage.device)]
        for tunnel in found:
            tunnel.cut()
        return len(found)

    async def drain(self, seconds: float) -> None:
        """Wait until all have ended by themselves, then cut those that are left."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            for tunnel in self:
                tunnel.cut()
