"""Keep custom indicators that were set over the API, and tell the gateways of each in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.audit.log import AuditEntry, note
from collector.indicator_form import Submission
from collector.store.database import Database, chunks
from collector.store.policy_stream import Kind, tell
from collector.store.policy_tables import INDICATORS

MOST = 15_000  # as Defender documents for a tenant
_NEWEST_FIRST: tuple[ColumnElement[Any], ...] = (INDICATORS.c.updated.desc(), INDICATORS.c.seq.desc())


class TooManyIndicatorsError(ValueError):
    """Say that no further indicator is taken."""

    def __init__(self) -> None:
        super().__init__(f"indicators: {MOST} are kept at most; delete some first")


@dataclass(frozen=True, slots=True)
class By:
    """Say who submits: the name to write down, and whether it is a program."""

    name: str
    is_program: bool = False


async def submit(database: Database, submission: Submission, by: By, now: datetime) -> RowMapping:
    """Create an indicator, or change the one with this value. Raises TooManyIndicatorsError."""
    async with database.write() as connection:
        return await _put(connection, submission, by, now)


async def submit_all(
    database: Database, submissions: Sequence[Submission], by: By, now: datetime
) -> list[RowMapping | TooManyIndicatorsError]:
    """Submit several in one transaction; each has its own outcome."""
    outcomes: list[RowMapping | TooManyIndicatorsError] = []
    async with database.write() as connection:
        for submission in submissions:
            try:
                outcomes.append(await _put(connection, submission, by, now))
            except TooManyIndicatorsError as error:
                outcomes.append(error)
    return outcomes


async def remove(database: Database, numbers: Sequence[int], by: str, now: datetime) -> list[int]:
    """Delete indicators, all or none; return the numbers that are not there (then nothing was deleted)."""
    async with database.write() as connection:
        present: dict[int, str] = {}
        for part in chunks(sorted(set(numbers))):
            columns = (INDICATORS.c.seq, INDICATORS.c.shown)
            rows = await connection.execute(select(*columns).where(INDICATORS.c.seq.in_(part)))
            present.update({row.seq: row.shown for row in rows})
        missing = [number for number in numbers if number not in present]
        if missing:
            return missing
        for number, shown in present.items():
            await _take_back(connection, number, now)
            await note(connection, AuditEntry(now, by, "indicator.delete", str(number), {"value": shown}))
    return []


async def remove_expired(database: Database, now: datetime) -> int:
    """Delete what has expired, as Defender does; gateways have honoured the time by themselves."""
    async with database.write() as connection:
        expired = select(INDICATORS.c.seq).where(INDICATORS.c.expires <= now).limit(1000)
        numbers = list((await connection.execute(expired)).scalars())
        for number in numbers:
            await _take_back(connection, number, now)
    return len(numbers)


def in_force(now: datetime) -> ColumnElement[bool]:
    """Return the condition for what has not expired."""
    return or_(INDICATORS.c.expires.is_(None), INDICATORS.c.expires > now)


async def list_indicators(
    connection: AsyncConnection,
    where: Sequence[ColumnElement[bool]] = (),
    order: Sequence[ColumnElement[Any]] = _NEWEST_FIRST,
    top: int = 100,
    skip: int = 0,
) -> list[RowMapping]:
    """Return indicators, the one changed last first unless `order` says otherwise."""
    wanted = select(INDICATORS).where(*where).order_by(*order).limit(top).offset(skip)
    return list((await connection.execute(wanted)).mappings())


async def has_indicator(connection: AsyncConnection, submission: Submission, now: datetime) -> bool:
    """Say whether there is one of this type and value that has not expired."""
    one = submission.indicator
    same = (INDICATORS.c.type == one.type) & (INDICATORS.c.value == one.value)
    return bool(await count_indicators(connection, same, in_force(now)))


async def count_indicators(connection: AsyncConnection, *where: ColumnElement[bool]) -> int:
    """Count indicators."""
    wanted = select(func.count()).select_from(INDICATORS).where(*where)
    return int((await connection.execute(wanted)).scalar_one())


async def _put(connection: AsyncConnection, submission: Submission, by: By, now: datetime) -> RowMapping:
    one = submission.indicator
    same = (INDICATORS.c.type == one.type) & (INDICATORS.c.value == one.value)
    known = (await connection.execute(select(INDICATORS).where(same))).mappings().first()
    values = _values(submission) | {"updated_by": by.name[:256], "updated": now}
    if known is None:
        if await count_indicators(connection, in_force(now)) >= MOST:
            raise TooManyIndicatorsError
        first = {"created": now, "created_by": by.name[:256], "application": submission.application}
        values |= first | {"source_type": "AadApp" if by.is_program else "User"}
        made = await connection.execute(insert(INDICATORS).values(**values).returning(INDICATORS))
    else:
        changed = update(INDICATORS).where(INDICATORS.c.seq == known["seq"]).values(**values)
        made = await connection.execute(changed.returning(INDICATORS))
    row: RowMapping = made.mappings().one()
    await tell(connection, Kind.INDICATOR, str(row["seq"]), submission.entry, now)
    detail = {"value": row["shown"], "action": row["action"], "before": known["action"] if known else None}
    await note(connection, AuditEntry(now, by.name, "indicator.submit", str(row["seq"]), detail))
    return row


def _values(submission: Submission) -> dict[str, Any]:
    one = submission.indicator
    return {
        "type": str(one.type),
        "value": one.value,
        "kind": submission.kind,
        "shown": submission.shown,
        "action": submission.action,
        "title": one.title,
        "description": one.description,
        "severity": one.severity,
        "recommended_actions": one.recommended_actions,
        "educate_url": one.educate_url,
        "generate_alert": one.generate_alert,
        "groups": sorted(one.device_groups),
        "category": submission.category,
        "techniques": list(submission.techniques),
        "external_id": submission.external_id,
        "expires": one.expiration,
    }


async def _take_back(connection: AsyncConnection, number: int, now: datetime) -> None:
    await connection.execute(delete(INDICATORS).where(INDICATORS.c.seq == number))
    await tell(connection, Kind.INDICATOR, str(number), None, now)
