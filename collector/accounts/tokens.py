"""API tokens: made with scopes, shown once, recognised by id and digest, revoked. Each change is in the audit log.

A token reads `swt_ID_SECRET`; as an OAuth client the id is `ID` and the secret the whole token or `SECRET`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, insert, select, update

from collector.audit.log import AuditEntry, note
from collector.store.database import Database
from collector.store.people_tables import API_TOKENS
from collector.web.access import Caller, Role, Scope

_FORM = re.compile(r"swt_([0-9a-f]{16})_([A-Za-z0-9_-]{20,100})")
_TELL_USE = timedelta(minutes=1)


class TokenError(ValueError):
    """Say what is wrong with a token that somebody wants to make."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """Hold what a token may do."""

    id: str
    name: str
    scopes: frozenset[str]

    @property
    def caller(self) -> Caller:
        """Return the caller that it speaks for; its scopes alone say what it may."""
        return Caller(Role.VIEWER, f"token {self.name}", scopes=self.scopes)


async def make_token(
    database: Database, name: str, scopes: Collection[str], by: str, now: datetime, life: timedelta | None = None
) -> str:
    """Keep a new token and return it: the only time that it is seen. Raises TokenError."""
    if not 0 < len(name.strip()) <= 128:
        raise TokenError("name: say in 1 to 128 characters what the token is for")
    if not scopes or not set(scopes) <= set(Scope):
        raise TokenError(f"scopes: expected some of {', '.join(Scope)}")
    id_, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {"id": id_, "name": name.strip(), "digest": _digest(secret), "scopes": sorted(scopes), "created": now}
    async with database.write() as connection:
        expires = now + life if life else None
        await connection.execute(insert(API_TOKENS).values(**row, created_by=by, expires=expires))
        detail = {"name": row["name"], "scopes": row["scopes"], "expires": expires.isoformat() if expires else None}
        await note(connection, AuditEntry(now, by, "token.make", id_, detail))
    return f"swt_{id_}_{secret}"


async def revoke_token(database: Database, id_: str, by: str, now: datetime) -> bool:
    """End a token; say whether there was one to end."""
    async with database.write() as connection:
        ended = update(API_TOKENS).where(API_TOKENS.c.id == id_, API_TOKENS.c.revoked.is_(None)).values(revoked=now)
        if not (await connection.execute(ended)).rowcount:
            return False
        await note(connection, AuditEntry(now, by, "token.revoke", id_))
    return True


async def list_tokens(database: Database) -> list[RowMapping]:
    """Return every token without its digest, newest first."""
    shown = [column for column in API_TOKENS.c if column.name != "digest"]
    return await database.rows(select(*shown).order_by(API_TOKENS.c.created.desc(), API_TOKENS.c.id))


async def find_client(database: Database, client_id: str, secret: str, now: datetime) -> ApiToken | None:
    """Return the token with this id and secret, or nothing for one that is unknown, expired or revoked."""
    whole = _FORM.fullmatch(secret)
    shown = _digest(whole[2] if whole and whole[1] == client_id else secret)
    row = next(iter(await database.rows(select(API_TOKENS).where(API_TOKENS.c.id == client_id[:32]))), None)
    if row is None or not hmac.compare_digest(row["digest"], shown) or row["revoked"]:
        return None
    if row["expires"] is not None and row["expires"] <= now:
        return None
    if row["last_used"] is None or now - row["last_used"] >= _TELL_USE:
        async with database.write() as connection:
            await connection.execute(update(API_TOKENS).where(API_TOKENS.c.id == row["id"]).values(last_used=now))
    return ApiToken(row["id"], row["name"], frozenset(row["scopes"]))


async def find_by_id(database: Database, client_id: str, now: datetime) -> ApiToken | None:
    """Return the token with this id, or nothing for one that is unknown, expired or revoked."""
    row = next(iter(await database.rows(select(API_TOKENS).where(API_TOKENS.c.id == client_id[:32]))), None)
    if row is None or row["revoked"] or (row["expires"] is not None and row["expires"] <= now):
        return None
    return ApiToken(row["id"], row["name"], frozenset(row["scopes"]))


async def caller_of_token(database: Database, token: str, now: datetime) -> Caller | None:
    """Return who a bearer token of ours speaks for, or nothing."""
    parts = _FORM.fullmatch(token)
    found = await find_client(database, parts[1], parts[2], now) if parts else None
    return found.caller if found else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
