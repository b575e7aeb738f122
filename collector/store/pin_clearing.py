"""Ask gateways to forget apps that refuse their certificate. What they hold is in their status, not here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.audit.log import AuditEntry, note
from collector.store.database import Database
from collector.store.policy_stream import Kind, tell
from collector.store.policy_tables import POLICY_CHANGES


@dataclass(frozen=True, slots=True)
class Clearing:
    """Say which exceptions of a gateway to forget; an empty field stands for any.

    `until` is the end of the last one that was shown. One that the gateway learns afterwards ends later and stays, so
    that being told twice does no harm.
    """

    gateway: str
    until: datetime
    device: str = ""
    host: str = ""
    ja4: str = ""

    @property
    def key(self) -> str:
        """Return the stream's key: the same exception asked for again stands in place of the first."""
        named = json.dumps([self.gateway, self.device, self.host, self.ja4])
        return hashlib.sha256(named.encode()).hexdigest()

    def covers(self, other: Clearing) -> bool:
        """Say whether this forgets what the other names.

        >>> from datetime import UTC
        >>> when = datetime(2026, 1, 1, tzinfo=UTC)
        >>> Clearing("g", when).covers(Clearing("g", when, "phone", "bank.example", "t13"))
        True
        """
        pairs = ((self.device, other.device), (self.host, other.host), (self.ja4, other.ja4))
        named = all(mine in ("", theirs) for mine, theirs in pairs)
        return self.gateway == other.gateway and named and other.until <= self.until


async def clear_pins(database: Database, clearings: Iterable[Clearing], by: str, now: datetime) -> None:
    """Tell the gateways, and write who asked into the audit log."""
    async with database.write() as connection:
        for one in clearings:
            body = {**asdict(one), "until": one.until.isoformat()}
            await tell(connection, Kind.UNPIN, one.key, body, now)
            await note(connection, AuditEntry(now, by, "pin.clear", one.host or "all", body))


async def clearings(connection: AsyncConnection) -> list[Clearing]:
    """Return what gateways were asked to forget, some of which may not have heard of it yet."""
    wanted = select(POLICY_CHANGES.c.body).where(
        POLICY_CHANGES.c.kind == Kind.UNPIN, POLICY_CHANGES.c.body.is_not(None)
    )
    bodies = (await connection.execute(wanted)).scalars()
    return [Clearing(**{**body, "until": datetime.fromisoformat(body["until"])}) for body in bodies]


async def forget_clearings(connection: AsyncConnection, device: str, now: datetime) -> None:
    """Take back what names a device that is deleted."""
    for one in await clearings(connection):
        if one.device == device:
            await tell(connection, Kind.UNPIN, one.key, None, now)
