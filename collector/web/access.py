"""Who is asking, and what may they do: roles of people, scopes of programs, and what each route asks of either.

Nothing about sessions, browsers or where tokens are kept.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

from collector.settings import CollectorSettings


class Role(StrEnum):
    """Name what a caller is: a gateway that delivers, or a person's rank, the lowest first."""

    GATEWAY = "gateway"
    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMIN = "admin"


PEOPLE = (Role.VIEWER, Role.ANALYST, Role.ADMIN)


class Scope(StrEnum):
    """Name what an API token may do; those of alerts, machines and indicators are Defender's permissions."""

    READ = "Seawall.Read.All"
    ALERTS_READ = "Alert.Read.All"
    ALERTS_WRITE = "Alert.ReadWrite.All"
    MACHINES_READ = "Machine.Read.All"
    MACHINES_WRITE = "Machine.ReadWrite.All"
    INDICATORS_READ = "Ti.Read.All"
    INDICATORS_WRITE = "Ti.ReadWrite.All"
    POSTURE = "Seawall.Posture"
    REQUESTS_WRITE = "Seawall.Requests.Decide"
    METRICS = "Seawall.Metrics"
    ADMIN = "Seawall.Admin"


class Access(StrEnum):
    """Name what a route asks of its caller."""

    PUBLIC = "public"
    GATEWAY = "gateway"
    READ = "read"
    READ_OR_GATEWAY = "read_or_gateway"
    ALERTS_READ = "alerts_read"
    ALERTS_WRITE = "alerts_write"
    MACHINES_READ = "machines_read"
    MACHINES_WRITE = "machines_write"
    INDICATORS_READ = "indicators_read"
    INDICATORS_WRITE = "indicators_write"
    POSTURE = "posture"
    REQUESTS_WRITE = "requests_write"
    METRICS = "metrics"
    ADMIN = "admin"

    def admits(self, caller: Caller | None) -> bool:
        """Say whether a caller suffices. A gateway's token reads nothing: it lies on a machine that others reach."""
        if self is Access.PUBLIC:
            return True
        if caller is None:
            return False
        if self is Access.GATEWAY or caller.role is Role.GATEWAY:
            return self in (Access.GATEWAY, Access.READ_OR_GATEWAY) and caller.role is Role.GATEWAY
        if caller.scopes is not None:
            return not _SCOPES[self].isdisjoint(caller.scopes)
        return PEOPLE.index(caller.role) >= PEOPLE.index(_LEAST.get(self, Role.VIEWER))


_LEAST = {
    Access.ALERTS_WRITE: Role.ANALYST,
    Access.MACHINES_WRITE: Role.ADMIN,
    Access.INDICATORS_WRITE: Role.ANALYST,
    Access.POSTURE: Role.ADMIN,
    Access.REQUESTS_WRITE: Role.ANALYST,
    Access.ADMIN: Role.ADMIN,
}
# A token needs one of these; who may write may read.
_SCOPES = {
    Access.READ: frozenset({Scope.READ, Scope.ADMIN}),
    Access.READ_OR_GATEWAY: frozenset({Scope.READ, Scope.ADMIN}),
    Access.ALERTS_READ: frozenset({Scope.ALERTS_READ, Scope.ALERTS_WRITE, Scope.READ, Scope.ADMIN}),
    Access.ALERTS_WRITE: frozenset({Scope.ALERTS_WRITE, Scope.ADMIN}),
    Access.MACHINES_READ: frozenset({Scope.MACHINES_READ, Scope.MACHINES_WRITE, Scope.READ, Scope.ADMIN}),
    Access.MACHINES_WRITE: frozenset({Scope.MACHINES_WRITE, Scope.ADMIN}),
    Access.INDICATORS_READ: frozenset({Scope.INDICATORS_READ, Scope.INDICATORS_WRITE, Scope.READ, Scope.ADMIN}),
    Access.INDICATORS_WRITE: frozenset({Scope.INDICATORS_WRITE, Scope.ADMIN}),
    Access.POSTURE: frozenset({Scope.POSTURE, Scope.MACHINES_WRITE, Scope.ADMIN}),
    Access.REQUESTS_WRITE: frozenset({Scope.REQUESTS_WRITE, Scope.ADMIN}),
    Access.METRICS: frozenset({Scope.METRICS, Scope.READ, Scope.ADMIN}),
    Access.ADMIN: frozenset({Scope.ADMIN}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Say who asks. `session` is empty for tokens; for a browser it is the cookie that its CSRF token follows from.

    `scopes` bounds an API token; nothing there means all that the role may do.
    """

    role: Role
    name: str
    session: str = ""
    scopes: frozenset[str] | None = None

    @property
    def csrf(self) -> str:
        """Return what a browser must send along with every change."""
        return hashlib.sha256(f"csrf {self.session}".encode()).hexdigest() if self.session else ""

    def may_change(self, csrf: str) -> bool:
        """Say whether a change may be made: by a token, or by a page of ours that knows the session's CSRF token."""
        return not self.session or hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))

    def may(self, access: Access) -> bool:
        """Say whether a page should offer what such a route does."""
        return access.admits(self)


class Tokens:
    """Recognise the installation's three tokens in constant time."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._roles = (
            (_digest(settings.gateway_token), Role.GATEWAY, "gateway token"),
            (_digest(settings.read_token), Role.VIEWER, "read token"),
            (_digest(settings.admin_token), Role.ADMIN, "admin token"),
        )

    def caller(self, authorization: str) -> Caller | None:
        """Return who an Authorization header speaks for, or nothing when it is not one of our tokens."""
        shown = _digest(bearer(authorization))
        held = [Caller(role, name) for digest, role, name in self._roles if hmac.compare_digest(digest, shown)]
        return held[0] if held else None


def bearer(authorization: str) -> str:
    """Return the token of an Authorization header; empty where it is of another scheme.

    >>> bearer("Bearer abc")
    'abc'
    """
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
