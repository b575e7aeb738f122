"""The roles that a child of the supervisor can have, and where the code of each stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """Describe one role.

    `serve` is `module:function`, an async function that takes a `WorkerContext`. A role that enforces must hold an
    overlay generation before a *continue* is answered. `listens` are the keys it reports with `ready`.
    """

    name: str
    serve: str
    enforces: bool = True
    uvloop: bool = False
    listens: tuple[str, ...] = ()


COLLECTOR = Role("collector", "proxy.collector_service:serve", enforces=False, listens=("collector",))
RESOLVER = Role("resolver", "proxy.dns.service:serve", uvloop=True, listens=("dns",))
INSPECTOR = Role("inspector", "proxy.inspector.service:serve", listens=("http_proxy", "socks", "transparent"))

ROLES = {role.name: role for role in (COLLECTOR, RESOLVER, INSPECTOR)}
