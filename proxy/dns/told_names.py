"""Names given to clients by a further resolver process, told to the first one, which is asked about them.

Nothing waits for that: what cannot be told at once is told a moment later, and beyond `_MAX_WAITING` is forgotten, for
a name given is a hint and never proof.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from indicators.observation import Address, Device
from proxy.dns.given import GivenNames
from proxy.dns.lookup import LookupClient, ResolverUnreachableError

log = logging.getLogger(__name__)

_MAX_WAITING = 4096
_AGAIN = 0.5  # seconds until the first resolver is tried again


class ToldNames(GivenNames):
    """Note answers here, and tell them to the first resolver while `run` runs."""

    def __init__(self, now: Callable[[], float], first: LookupClient) -> None:
        super().__init__(now)
        self._first = first
        self._waiting: deque[tuple[Device, str, tuple[Address, ...], int]] = deque(maxlen=_MAX_WAITING)
        self._more = asyncio.Event()

    def note(self, device: Device, name: str, addresses: tuple[Address, ...], ttl: int) -> None:
        """Remember that this client was told that a name has these addresses. `ttl` is in seconds."""
        super().note(device, name, addresses, ttl)
        self._waiting.append((device, name, addresses, ttl))
        self._more.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                await self._tell()
        finally:
            await self._first.close()

    async def _tell(self) -> None:
        while self._waiting:
            note = self._waiting.popleft()
            try:
                await self._first.give(*note)
            except ResolverUnreachableError as problem:
                log.debug("names given wait for the first resolver: %s", problem)
                self._waiting.appendleft(note)
                await asyncio.sleep(_AGAIN)
            except ValueError as problem:
                log.warning("the first resolver does not take %r: %s", note, problem)
