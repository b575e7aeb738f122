"""Write and read the audit log. An entry is written on the connection of the change that it tells of, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.bulk import run_many
from collector.store.people_tables import AUDIT


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Say who changed what. `what` is `thing.verb`; `detail` holds JSON values and never a secret."""

    time: datetime
    who: str
    what: str
    target: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


async def note(connection: AsyncConnection, entry: AuditEntry) -> None:
    """Add an entry; it is kept exactly when the surrounding transaction commits."""
    await note_all(connection, [entry])


async def note_all(connection: AsyncConnection, entries: Iterable[AuditEntry]) -> None:
    """Add entries, in order, by one statement."""
    rows = [
        {
            "time": entry.time,
            "who": entry.who[:256],
            "what": entry.what[:64],
            "target": entry.target,
            "detail": dict(entry.detail),
        }
        for entry in entries
    ]
    await run_many(connection, insert(AUDIT), rows)


async def list_entries(
    connection: AsyncConnection, *, top: int = 50, below: int | None = None, who: str = "", what: str = ""
) -> list[RowMapping]:
    """Return entries, newest first, those under the number `below` where it is given."""
    wanted = select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(top)
    if below is not None:
        wanted = wanted.where(AUDIT.c.seq < below)
    if who:
        wanted = wanted.where(AUDIT.c.who == who)
    if what:
        wanted = wanted.where(AUDIT.c.what.startswith(what, autoescape=True))
    return list((await connection.execute(wanted)).mappings())
