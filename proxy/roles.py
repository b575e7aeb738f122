"""The roles that a child of the supervisor can have, and where the code of each stands."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Role:
    """Describe one role.

    `serve` is `module:function`, an async function that takes a `WorkerContext`. A role that enforces must hold an
    overlay generation before a *continue* is answered; one that `follows` takes over each, in force at once or not.
    `listens` are the keys it reports with `ready`. `niceness` is
    how far it steps back, once it has started, where cores are short: what is recorded waits for what is answered, and
    what is inspected for what is spliced.
    """

    name: str
    serve: str
    enforces: bool = True
    follows: bool = True
    uvloop: bool = False
    listens: tuple[str, ...] = ()
    niceness: int = 0


COLLECTOR = Role(
    "collector", "proxy.collector_service:serve", enforces=False, follows=False, listens=("collector",), niceness=10
)
RESOLVER = Role("resolver", "proxy.dns.service:serve", uvloop=True, listens=("dns",))
DNS_TLS = Role("dns_tls", "proxy.dns.tls.service:serve", enforces=False, uvloop=True, listens=("dns_tls", "dns_https"))
FRONT = Role(
    "front",
    "proxy.front.service:serve",
    uvloop=True,
    listens=("http_proxy", "socks", "transparent", "tproxy", "page_http", "page_https"),
)
INSPECTOR = Role("inspector", "proxy.inspector.service:serve", uvloop=True, niceness=10)
TUNNEL = Role("tunnel", "proxy.wireguard.userspace.service:serve")

_SEVERAL = {role.name: role for role in (RESOLVER, INSPECTOR)}
ROLES = {role.name: role for role in (COLLECTOR, RESOLVER, DNS_TLS, FRONT, INSPECTOR, TUNNEL)}


def inspectors(count: int) -> tuple[Role, ...]:
    """Return the roles of as many inspectors, in the order in which the front numbers them."""
    return _several(INSPECTOR, count)


def resolvers(count: int) -> tuple[Role, ...]:
    """Return the roles of as many resolvers, which share one port. The first one answers questions from inside."""
    return _several(RESOLVER, count)


def is_further(name: str) -> bool:
    """Say whether a role's name is that of a second process of its kind, or a later one."""
    return name.partition("-")[2].isdecimal()


def _several(role: Role, count: int) -> tuple[Role, ...]:
    further = (replace(role, name=f"{role.name}-{number}") for number in range(2, count + 1))
    return (role, *further)


def role_named(name: str) -> Role:
    """Return a role by its name. Raises ValueError."""
    kind, _, number = name.partition("-")
    if kind in _SEVERAL and number.isdecimal():
        return replace(_SEVERAL[kind], name=name)
    if name not in ROLES:
        raise ValueError(f"no role {name!r}; there are {', '.join(sorted(ROLES))}")
    return ROLES[name]
