"""Browser sessions: one-time tickets, and the cookie they are exchanged for. Only hashes of cookies are stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from collector.audit.log import AuditEntry, note
from collector.store.database import Database
from collector.store.tables import SESSIONS
from collector.web.access import Caller, Role

_MOST_TICKETS = 64


class Sessions:
    """Give out tickets and keep sessions. Tickets live in memory: they are good for minutes and for one use."""

    def __init__(self, database: Database, life: timedelta, ticket_life: timedelta) -> None:
        self._database = database
        self._life = life
        self._ticket_life = ticket_life
        self._tickets: dict[str, tuple[datetime, Role, str]] = {}

    def issue_ticket(self, role: Role, name: str, now: datetime) -> str:
        """Return a ticket that opens one session for this role."""
        valid = {ticket: held for ticket, held in self._tickets.items() if held[0] > now}
        self._tickets = dict(list(valid.items())[-(_MOST_TICKETS - 1) :])
        ticket = secrets.token_urlsafe(32)
        self._tickets[_hash(ticket)] = (now + self._ticket_life, role, name)
        return ticket

    async def redeem(self, ticket: str, now: datetime) -> str | None:
        """Exchange a ticket for a session's cookie; nothing for one that is unknown, used or late."""
        expires, role, name = self._tickets.pop(_hash(ticket), (now, Role.VIEWER, ""))
        if expires <= now:
            return None
        async with self._database.write() as connection:
            await note(connection, AuditEntry(now, name, "session.begin", "", {"by": "one-time link"}))
        return await self.begin(role, name, now)

    async def begin(self, role: Role, name: str, now: datetime) -> str:
        """Open a session for somebody who has shown who they are; return its cookie."""
        cookie = secrets.token_urlsafe(32)
        row = {"id": _hash(cookie), "role": role, "user": name, "created": now, "expires": now + self._life}
        async with self._database.write() as connection:
            await connection.execute(insert(SESSIONS).values(row))
        return cookie

    async def caller(self, cookie: str, now: datetime) -> Caller | None:
        """Return whose session a cookie is, or nothing."""
        wanted = select(SESSIONS.c.role, SESSIONS.c.user)
        wanted = wanted.where(SESSIONS.c.id == _hash(cookie), SESSIONS.c.expires > now)
        rows = await self._database.rows(wanted)
        return Caller(Role(rows[0]["role"]), rows[0]["user"], cookie) if rows else None

    async def end(self, cookie: str) -> None:
        """Forget a session: its cookie opens nothing any more."""
        async with self._database.write() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.id == _hash(cookie)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
