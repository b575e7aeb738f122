"""Dial one of the judged addresses, and no other: happy eyeballs among them (RFC 8305), ten seconds in all.

Our own few lines rather than aiohappyeyeballs, which gives a connected socket: that takes uvloop twice as long as to
connect a transport itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from indicators.observation import Address

LIMIT = 10.0  # seconds
_STAGGER = 0.25  # seconds before the next address is tried beside the last


async def dial[P: asyncio.BaseProtocol](addresses: Sequence[Address], port: int, make: Callable[[], P]) -> P:
    """Return the protocol, made by `make`, of the first address that answers. Raises OSError or TimeoutError."""
    async with asyncio.timeout(LIMIT):
        if len(addresses) == 1:
            return (await _one(addresses[0], port, make))[1]
        return await _race(deque(by_turns(addresses)), port, make)


def _one[P: asyncio.BaseProtocol](
    address: Address, port: int, make: Callable[[], P]
) -> Coroutine[Any, Any, tuple[asyncio.Transport, P]]:
    return asyncio.get_running_loop().create_connection(make, str(address), port)


async def _race[P: asyncio.BaseProtocol](waiting: deque[Address], port: int, make: Callable[[], P]) -> P:
    """Try one address after another, the next as soon as one has failed, or has said nothing for a while."""
    trying: list[asyncio.Task[tuple[asyncio.Transport, P]]] = []
    failed: BaseException | None = None
    try:
        while waiting or trying:
            if waiting:
                trying.append(asyncio.create_task(_one(waiting.popleft(), port, make)))
            done, _ = await asyncio.wait(
                trying, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                trying.remove(task)
                failed = task.exception()
                if failed is None:
                    return task.result()[1]
        raise failed or OSError("there is no address to dial")
    finally:
        for task in trying:
            _give_up(task)


def _give_up[P: asyncio.BaseProtocol](task: asyncio.Task[tuple[asyncio.Transport, P]]) -> None:
    """End an attempt, also one that has just come about."""
    if not task.done():
        task.cancel()
    elif task.exception() is None:
        task.result()[0].abort()


def by_turns(addresses: Sequence[Address]) -> Iterator[Address]:
    """Give the addresses of both families by turns, beginning with the first (RFC 8305, section 4)."""
    first = [address for address in addresses if address.version == addresses[0].version]
    others = [address for address in addresses if address.version != addresses[0].version]
    return (address for address in chain.from_iterable(zip_longest(first, others)) if address)
