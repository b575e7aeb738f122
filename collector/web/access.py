"""Who is asking: roles, tokens and what each may do. Nothing about sessions or browsers."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

from collector.settings import CollectorSettings


class Role(StrEnum):
    """Name what a caller may do: deliver events, read, or change things."""

    GATEWAY = "gateway"
    READ = "read"
    ADMIN = "admin"


class Access(StrEnum):
    """Name what a route asks of its caller."""

    PUBLIC = "public"
    GATEWAY = "gateway"
    READ = "read"
    ADMIN = "admin"

    def admits(self, role: Role | None) -> bool:
        """Say whether a role suffices. A gateway's token reads nothing: it lies on a machine that others reach."""
        return self is Access.PUBLIC or role in _ADMITTED[self]


_ADMITTED = {
    Access.GATEWAY: {Role.GATEWAY},
    Access.READ: {Role.READ, Role.ADMIN},
    Access.ADMIN: {Role.ADMIN},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Say who asks. `session` is empty for tokens; for a browser it is the cookie that its CSRF token follows from."""

    role: Role
    name: str
    session: str = ""

    @property
    def csrf(self) -> str:
        """Return what a browser must send along with every change."""
        return hashlib.sha256(f"csrf {self.session}".encode()).hexdigest() if self.session else ""

    def may_change(self, csrf: str) -> bool:
        """Say whether a change may be made: by a token, or by a page of ours that knows the session's CSRF token."""
        return not self.session or hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))


class Tokens:
    """Recognise the three tokens in constant time."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._roles = (
            (_digest(settings.gateway_token), Role.GATEWAY),
            (_digest(settings.read_token), Role.READ),
            (_digest(settings.admin_token), Role.ADMIN),
        )

    def caller(self, authorization: str) -> Caller | None:
        """Return who an Authorization header speaks for, or nothing when it is not one of our tokens."""
        scheme, _, token = authorization.partition(" ")
        shown = _digest(token.strip())
        held = [role for digest, role in self._roles if hmac.compare_digest(digest, shown)]
        if scheme.lower() != "bearer" or not held:
            return None
        return Caller(held[0], f"{held[0]} token")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
