"""Put the shield of rules up, take it down, say how it stands. Only a probe that was really intercepted counts."""

from __future__ import annotations

import asyncio
import secrets

from proxy.firewall.kernel import FirewallError, run_transaction, table_rules
from proxy.firewall.rules import removed
from proxy.protect import keeper
from proxy.protect.probe import is_intercepted
from proxy.protect.rules import TABLE, Shield, protecting
from proxy.protect.way import Found, found

_TRIES = 3  # probes: the first connection may meet a front that is still starting


def put_up(shield: Shield) -> None:
    """Put the rules in force and prove them. Raises FirewallError; then none are."""
    mark = f"of_{secrets.token_hex(6)}"
    run_transaction(protecting(shield, mark))
    try:
        if shield.on_crash == "open":
            keeper.start(shield.port, mark)
        asyncio.run(_prove())
    except BaseException:
        take_down()
        raise


def take_down() -> None:
    """Take the rules away; harmless where there are none. Raises FirewallError."""
    run_transaction(removed(TABLE))


def look() -> Found:
    """Say how things stand."""
    applied = _applied()
    return found(applied=applied, intercepted=applied is not False and asyncio.run(is_intercepted()))


def _applied() -> bool | None:
    try:
        return bool(table_rules(TABLE))
    except FirewallError:
        return None


async def _prove() -> None:
    for _ in range(_TRIES):
        if await is_intercepted():
            return
    raise FirewallError(
        "the rules were in force, and a probe was not intercepted; they are removed again. Is the gateway running on "
        "this computer, outside a container, and does no other firewall rewrite its traffic?"
    )
