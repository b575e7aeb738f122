"""Accounts of people: made by invitation, checked at login, changed and disabled by administrators.

Each change is written to the audit log with it. A changed role or password ends the sessions of that account.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.accounts.passwords import Passwords, objection
from collector.audit.log import AuditEntry, note
from collector.store.database import Database
from collector.store.people_tables import ACCOUNTS, INVITATIONS
from collector.store.tables import SESSIONS
from collector.web.access import PEOPLE, Role

INVITATION_LIFE = timedelta(days=1)
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class AccountError(ValueError):
    """Say what about an account cannot be done, and why."""


@dataclass(frozen=True, slots=True)
class Person:
    """Hold who somebody is."""

    name: str
    role: Role


def account_name(text: str) -> str:
    """Return a name in the form in which it is kept. Raises AccountError."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise AccountError("name: expected 1 to 64 of a-z, 0-9 and . _ @ + -, such as mira@example.org")
    return name


class People:
    """Keep accounts. Raises AccountError where a change is not possible."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def are_there(self) -> bool:
        """Say whether anybody has an account."""
        async with self._database.read() as connection:
            return (await connection.execute(select(ACCOUNTS.c.name).limit(1))).first() is not None

    async def listed(self) -> list[RowMapping]:
        """Return every account by name."""
        return await self._database.rows(select(ACCOUNTS).order_by(ACCOUNTS.c.name))

    async def log_in(self, name: str, password: str, now: datetime) -> Person | None:
        """Return who this is, or nothing. Names that do not exist take as long as wrong passwords."""
        async with self._database.read() as connection:
            row = (await connection.execute(_named(name))).mappings().first()
        usable = row["password"] if row and not row["disabled"] else None
        if not await self._passwords.matches(usable, password) or row is None:
            return None
        async with self._database.write() as connection:
            seen = update(ACCOUNTS).where(ACCOUNTS.c.name == row["name"]).values(last_login=now)
            await connection.execute(seen)
            await note(connection, AuditEntry(now, row["name"], "session.begin"))
        return Person(row["name"], Role(row["role"]))

    async def invite(self, name: str, role: Role, by: str, now: datetime) -> str:
        """Return the secret of a link that makes one account; an empty name lets the guest choose."""
        kept = account_name(name) if name else ""
        secret = secrets.token_urlsafe(32)
        row = {"id": _hash(secret), "name": kept, "role": role, "created_by": by, "expires": now + INVITATION_LIFE}
        async with self._database.write() as connection:
            await connection.execute(delete(INVITATIONS).where(INVITATIONS.c.expires <= now))
            await connection.execute(insert(INVITATIONS).values(row))
            await note(connection, AuditEntry(now, by, "account.invite", kept, {"role": role}))
        return secret

    async def invitation(self, secret: str, now: datetime) -> RowMapping | None:
        """Return what a link invites to, or nothing for one that is unknown, used or late."""
        wanted = select(INVITATIONS).where(INVITATIONS.c.id == _hash(secret), INVITATIONS.c.expires > now)
        async with self._database.read() as connection:
            return (await connection.execute(wanted)).mappings().first()

    async def accept(self, secret: str, name: str, password: str, now: datetime) -> Person:
        """Make the account (or give the one there a new password and role) and use the link up."""
        found = await self.invitation(secret, now)
        if found is None:
            raise AccountError("this link was used already or is too old")
        person = Person(account_name(found["name"] or name), Role(found["role"]))
        if wrong := objection(password, person.name):
            raise AccountError(wrong)
        hashed = await self._passwords.hashed(password)
        async with self._database.write() as connection:
            used = await connection.execute(delete(INVITATIONS).where(INVITATIONS.c.id == found["id"]))
            if not used.rowcount:
                raise AccountError("this link was used already or is too old")
            if not found["name"] and (await connection.execute(_named(person.name))).first():
                raise AccountError("name: this account exists; choose another name")
            await self._keep(connection, person, hashed, found["created_by"], now)
        return person

    async def _keep(self, connection: AsyncConnection, person: Person, hashed: str, by: str, now: datetime) -> None:
        row = {"name": person.name, "role": person.role, "password": hashed, "disabled": False}
        await self._database.upsert(
            connection, ACCOUNTS, [{**row, "created": now, "created_by": by, "last_login": None}]
        )
        await _end_sessions(connection, person.name)
        await note(connection, AuditEntry(now, person.name, "account.accept", person.name, {"role": person.role}))

    async def change_password(self, name: str, old: str, new: str, now: datetime) -> None:
        """Change one's own password; every session of the account ends."""
        async with self._database.read() as connection:
            row = (await connection.execute(_named(name))).mappings().first()
        if not await self._passwords.matches(row["password"] if row else None, old):
            raise AccountError("current password: it is not this one")
        if wrong := objection(new, name):
            raise AccountError(wrong)
        hashed = await self._passwords.hashed(new)
        async with self._database.write() as connection:
            await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(password=hashed))
            await _end_sessions(connection, name)
            await note(connection, AuditEntry(now, name, "account.password", name))

    async def change_role(self, name: str, role: str, by: str, now: datetime) -> None:
        """Give an account another role, or disable it with the word `disabled`; the last administrator stays one."""
        if role not in (*PEOPLE, "disabled"):
            raise AccountError(f"role: expected one of {', '.join(PEOPLE)} or disabled")
        off = role == "disabled"
        async with self._database.write() as connection:
            row = (await connection.execute(_named(name))).mappings().first()
            if row is None:
                raise AccountError("name: there is no such account")
            if role != Role.ADMIN and await _is_last_admin(connection, name):
                raise AccountError("the last administrator stays one: make another first")
            values = {"disabled": True} if off else {"role": role, "disabled": False}
            await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(values))
            await _end_sessions(connection, name)
            before = "disabled" if row["disabled"] else row["role"]
            await note(connection, AuditEntry(now, by, "account.role", name, {"before": before, "after": role}))


def _named(name: str) -> Select[Any]:
    return select(ACCOUNTS).where(ACCOUNTS.c.name == name.strip().lower()[:64])


async def _is_last_admin(connection: AsyncConnection, name: str) -> bool:
    admins = (ACCOUNTS.c.role == Role.ADMIN) & ACCOUNTS.c.disabled.is_(False)
    others = select(func.count()).select_from(ACCOUNTS).where(admins, ACCOUNTS.c.name != name)
    own = select(func.count()).select_from(ACCOUNTS).where(admins, ACCOUNTS.c.name == name)
    return bool((await connection.execute(own)).scalar_one()) and not (await connection.execute(others)).scalar_one()


async def _end_sessions(connection: AsyncConnection, name: str) -> None:
    await connection.execute(delete(SESSIONS).where(SESSIONS.c.user == name))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
