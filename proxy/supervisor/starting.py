"""The start of a gateway's processes: all at once, until every listener answers, or a reason why one does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from proxy import endpoints
from proxy.supervisor.child import Child
from proxy.supervisor.roster import Roster

START_TIMEOUT = 90.0  # seconds until every listener answers, on a machine that has other things to do
_GIVE_UP = 3  # ends of a child before it was ever ready
_AGAIN = 2.0  # seconds before a part that failed is started anew

log = structlog.get_logger("supervisor")


class StartError(RuntimeError):
    """Say why the gateway cannot start."""


async def until_all_answer(roster: Roster) -> None:
    """Wait until every child is ready and every listener takes connections. Raises StartError."""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            await asyncio.gather(*(_until_ready(child) for child in roster.children))
            await asyncio.gather(*(_until_answers(address) for address in roster.bound.values()))
    except TimeoutError:
        late = [child.role.name for child in roster.children if not child.ready.is_set()]
        raise StartError(f"not ready after {START_TIMEOUT:.0f} s: {', '.join(late) or 'listeners'}") from None


async def kept_running(part: Callable[[], Awaitable[None]]) -> None:
    """Run one part of the supervisor for ever: what goes wrong in one may not end protection."""
    while True:
        try:
            await part()
        except Exception:
            log.exception("a part of the supervisor failed and is started anew")
        await asyncio.sleep(_AGAIN)


async def _until_ready(child: Child) -> None:
    while not child.ready.is_set():
        if child.restarts >= _GIVE_UP:
            words = "; ".join(child.last_words) or "it said nothing"
            raise StartError(f"the {child.role.name} does not start: {words}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await child.ready.wait()


async def _until_answers(address: str) -> None:
    """Wait until a listener takes a TCP connection."""
    host, port = endpoints.split(address)
    while True:
        try:
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
