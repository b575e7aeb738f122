"""Keep custom indicators that were set over the API, and tell the gateways of each in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.audit.log import AuditEntry, note_all
from collector.indicator_form import Submission
from collector.store.bulk import among, run_many
from collector.store.database import Database, chunks
from collector.store.policy_stream import Kind, tell_all
from collector.store.policy_tables import INDICATORS

type _Key = tuple[str, str]  # type and canonical value

MOST = 15_000  # as Defender documents for a tenant
_SAME = ("type", "value")  # what no two indicators share
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
    (outcome,) = await submit_all(database, [submission], by, now)
    if isinstance(outcome, TooManyIndicatorsError):
        raise outcome
    return outcome


async def submit_all(
    database: Database, submissions: Sequence[Submission], by: By, now: datetime
) -> list[RowMapping | TooManyIndicatorsError]:
    """Submit several in one transaction, in order; each has its own outcome.

    It is a handful of statements however many there are: one for each row had kept the writer, and so every event,
    for as long as a full import took.
    """
    async with database.write() as connection:
        known = await _of_these_values(connection, submissions)
        room = await _room(connection, now) if any(_key(one) not in known for one in submissions) else 0
        taken = _taken(submissions, known, room, now)
        await _put(database, connection, list(taken.values()), by, now)
        rows = await _of_these_values(connection, list(taken.values()))
        await tell_all(
            connection, Kind.INDICATOR, {str(rows[key]["seq"]): one.entry for key, one in taken.items()}, now
        )
        written = [one for one in submissions if _key(one) in taken]
        await note_all(connection, _notes(written, known, rows, by, now))
    return [rows.get(_key(one)) or TooManyIndicatorsError() for one in submissions]


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
        await _take_back(connection, list(present), now)
        entries = [AuditEntry(now, by, "indicator.delete", str(seq), {"value": was}) for seq, was in present.items()]
        await note_all(connection, entries)
    return []


async def remove_expired(database: Database, now: datetime) -> int:
    """Delete what has expired, as Defender does; gateways have honoured the time by themselves."""
    async with database.write() as connection:
        expired = select(INDICATORS.c.seq).where(INDICATORS.c.expires <= now).limit(1000)
        numbers = list((await connection.execute(expired)).scalars())
        await _take_back(connection, numbers, now)
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


def _key(submission: Submission) -> _Key:
    return str(submission.indicator.type), submission.indicator.value


async def _of_these_values(connection: AsyncConnection, submissions: Sequence[Submission]) -> dict[_Key, RowMapping]:
    """Return what is kept of the submissions' types and values."""
    keys = [_key(one) for one in submissions]
    these = among(connection, INDICATORS.c.value, [value for _, value in keys])
    wanted = select(INDICATORS).where(INDICATORS.c.type.in_({kind for kind, _ in keys}), these)
    found = (await connection.execute(wanted)).mappings()
    return {(row["type"], row["value"]): row for row in found}


async def _room(connection: AsyncConnection, now: datetime) -> int:
    return MOST - await count_indicators(connection, in_force(now))


def _taken(
    submissions: Sequence[Submission], known: Mapping[_Key, RowMapping], room: int, now: datetime
) -> dict[_Key, Submission]:
    """Return the last submission of each value, without new values that there is no room for.

    A known one is changed even where there is no room; one that had expired takes a place again.
    """
    taken: dict[_Key, Submission] = {}
    for one in submissions:
        key = _key(one)
        was = known.get(key)
        if key not in taken:
            if was is None and room <= 0:
                continue
            room -= was is None or _has_expired(was, now)
        taken[key] = one
    return taken


def _has_expired(row: RowMapping, now: datetime) -> bool:
    return row["expires"] is not None and row["expires"] <= now


async def _put(
    database: Database, connection: AsyncConnection, submissions: Sequence[Submission], by: By, now: datetime
) -> None:
    """Write indicators, no two of one value. What is known keeps who made it, when, and by which application."""
    if not submissions:
        return
    who = by.name[:256]
    first = {"created": now, "created_by": who, "source_type": "AadApp" if by.is_program else "User"}
    changes = [_values(one) | {"updated_by": who, "updated": now} for one in submissions]
    rows = [each | first | {"application": one.application} for each, one in zip(changes, submissions, strict=True)]
    statement = database.insert(INDICATORS)
    again = {name: statement.excluded[name] for name in changes[0] if name not in _SAME}
    await run_many(connection, statement.on_conflict_do_update(index_elements=_SAME, set_=again), rows)


def _notes(
    written: Sequence[Submission],
    known: Mapping[_Key, RowMapping],
    rows: Mapping[_Key, RowMapping],
    by: By,
    now: datetime,
) -> Iterator[AuditEntry]:
    """Yield what the audit log says of each submission, also where a later one has the same value."""
    before: dict[_Key, str] = {key: row["action"] for key, row in known.items()}
    for one in written:
        key = _key(one)
        detail = {"value": one.shown, "action": one.action, "before": before.get(key)}
        before[key] = one.action
        yield AuditEntry(now, by.name, "indicator.submit", str(rows[key]["seq"]), detail)


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


async def _take_back(connection: AsyncConnection, numbers: Sequence[int], now: datetime) -> None:
    for part in chunks(numbers):
        await connection.execute(delete(INDICATORS).where(INDICATORS.c.seq.in_(part)))
    await tell_all(connection, Kind.INDICATOR, {str(number): None for number in numbers}, now)
