"""Keep gateways that run elsewhere, each with a token of its own, of which only the digest is stored."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, insert, select, update

from collector.audit.log import AuditEntry, note
from collector.store.database import Database
from collector.store.policy_tables import ENROLLED
from collector.web.access import Caller, Role

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PREFIX = "swg_"
_TELL_USE = timedelta(minutes=1)


class EnrolmentError(ValueError):
    """Say why a gateway cannot be enrolled."""


async def enrol(database: Database, name: str, by: str, now: datetime) -> str:
    """Enrol a gateway and return its token: the only time that it is seen. Raises EnrolmentError."""
    if not _NAME.fullmatch(name):
        raise EnrolmentError(f"name: expected 1 to 64 letters, digits, `.`, `_` or `-`, got {name!r:.80}")
    token = _PREFIX + secrets.token_urlsafe(32)
    async with database.write() as connection:
        if (await connection.execute(select(ENROLLED.c.name).where(ENROLLED.c.name == name))).first():
            raise EnrolmentError(f"name: a gateway is called {name} already; remove it first")
        await connection.execute(insert(ENROLLED).values(name=name, digest=_digest(token), created=now))
        await note(connection, AuditEntry(now, by, "gateway.enrol", name))
    return token


async def dismiss(database: Database, name: str, by: str, now: datetime) -> bool:
    """End a gateway's token; say whether there was one."""
    async with database.write() as connection:
        gone = await connection.execute(delete(ENROLLED).where(ENROLLED.c.name == name))
        if gone.rowcount:
            await note(connection, AuditEntry(now, by, "gateway.dismiss", name))
        return bool(gone.rowcount)


async def list_enrolled(database: Database) -> list[RowMapping]:
    """Return enrolled gateways by name, without their digests."""
    columns = (ENROLLED.c.name, ENROLLED.c.created, ENROLLED.c.last_used)
    return await database.rows(select(*columns).order_by(ENROLLED.c.name))


async def caller_of_gateway(database: Database, token: str, now: datetime) -> Caller | None:
    """Return the gateway that a token speaks for, or nothing."""
    if not token.startswith(_PREFIX):
        return None
    row = next(iter(await database.rows(select(ENROLLED).where(ENROLLED.c.digest == _digest(token)))), None)
    if row is None:
        return None
    if row["last_used"] is None or now - row["last_used"] >= _TELL_USE:
        async with database.write() as connection:
            await connection.execute(update(ENROLLED).where(ENROLLED.c.name == row["name"]).values(last_used=now))
    return Caller(Role.GATEWAY, row["name"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
