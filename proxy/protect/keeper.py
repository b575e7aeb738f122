"""Keep the shield alive while the gateway answers: the one process that holds CAP_NET_ADMIN for it, and nothing else.

Run as `python -m proxy.protect.keeper PORT MARK` by `seawall protect on`, with `on_crash: open`. Every two seconds it
asks the front's port whether somebody is there, and renews the shield if so. It ends with the shield that it was
started for, and when it ends otherwise, the shield goes down by itself.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

from proxy.firewall.kernel import FirewallError, MissingRightError, run_transaction
from proxy.privileges import NOBODY, become
from proxy.protect import keepers
from proxy.protect.rules import minded, renewed

EVERY = 2.0  # seconds between looks
_PATIENCE = 5.0  # seconds in which a front that lives has closed a connection that asks for nothing
_CAP_NET_ADMIN = 12


async def answers(port: int) -> bool:
    """Say whether a front serves this port: it hangs up on who was not redirected; a hung process says nothing."""
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await reader.read()
            finally:
                writer.close()
    except ConnectionResetError:
        return True
    except (OSError, TimeoutError):
        return False
    return True


async def keep(port: int, mark: str, renewed_once: Callable[[], None]) -> None:
    """Renew the shield with this mark whenever the front answers, until it is gone. Raises MissingRightError."""
    while True:
        here = await answers(port)
        try:
            run_transaction(renewed(mark) if here else minded(mark))  # nothing else waits here
        except MissingRightError:
            raise
        except FirewallError:
            return  # taken down, or replaced by another; also while no front is there
        if here:
            renewed_once()
        await asyncio.sleep(EVERY)


def start(port: int, mark: str) -> None:
    """Start a keeper that outlives this process; return when it has renewed the shield. Raises FirewallError."""
    if not keepers.begins("proxy.protect.keeper", str(port), mark):
        raise FirewallError(f"nobody answers at the front's port {port}, so that the rules cannot be kept alive")


def main(arguments: Sequence[str]) -> int:
    """Give up every right but one, then keep."""
    port, mark = int(arguments[0]), arguments[1]
    if os.geteuid() == 0:
        become(NOBODY, {_CAP_NET_ADMIN})
    try:
        asyncio.run(keep(port, mark, keepers.said_once("renewed")))
    except (MissingRightError, KeyboardInterrupt):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
