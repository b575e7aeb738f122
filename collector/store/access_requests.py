"""Keep what people ask to be let through to, and what was decided; an approval is told to the gateways at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.audit.log import AuditEntry, note
from collector.store.database import Database
from collector.store.policy_stream import Kind, tell
from collector.store.policy_tables import ACCESS_REQUESTS

PENDING, APPROVED, DENIED, EXPIRED = "pending", "approved", "denied", "expired"
STATUSES = (PENDING, APPROVED, DENIED, EXPIRED)
LONGEST = timedelta(days=90)
EVERYONE = ""  # in place of a device's id: an approval for all of them
MOST_PENDING = 50  # of one device: a page that is asked again and again fills no table
_REQUESTS = ACCESS_REQUESTS.c


class TooManyRequestsError(ValueError):
    """Say that a device has asked for so much that somebody must decide first."""

    def __init__(self) -> None:
        super().__init__(f"this device has {MOST_PENDING} requests that wait for an answer")


class DecidedError(ValueError):
    """Say that a request was decided before."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Hold one request as a gateway sends it. `id` makes a repeated delivery harmless."""

    id: str
    gateway: str
    device_id: str
    device_name: str
    host: str
    incident: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Say what was decided. `life` counts for an approval."""

    approve: bool
    life: timedelta = timedelta(hours=1)
    note: str = ""


async def keep_request(database: Database, asked: AccessRequest, now: datetime) -> tuple[RowMapping, bool]:
    """Keep a request; return it and whether it is new. One that waits for the same device and host stands for both.

    Raises TooManyRequestsError.
    """
    async with database.write() as connection:
        same = (_REQUESTS.device_id == asked.device_id) & (_REQUESTS.host == asked.host)
        twin = or_(_REQUESTS.id == asked.id, same & (_REQUESTS.status == PENDING))
        known = (await connection.execute(select(ACCESS_REQUESTS).where(twin))).mappings().first()
        if known:
            return known, False
        waiting = select(_REQUESTS.id).where(_REQUESTS.device_id == asked.device_id, _REQUESTS.status == PENDING)
        if len((await connection.execute(waiting.limit(MOST_PENDING))).all()) >= MOST_PENDING:
            raise TooManyRequestsError
        row = {
            "id": asked.id,
            "device_id": asked.device_id,
            "device_name": asked.device_name,
            "gateway": asked.gateway,
            "host": asked.host,
            "incident": asked.incident,
            "note": asked.note,
            "status": PENDING,
            "created": now,
            "decision_note": "",
        }
        made = await connection.execute(insert(ACCESS_REQUESTS).values(**row).returning(ACCESS_REQUESTS))
        return made.mappings().one(), True


async def let_through(database: Database, host: str, life: timedelta, by: str, now: datetime) -> None:
    """Approve what nobody asked for: every device may reach a host for a while, whatever indicator of ours says.

    Raises TooManyRequestsError.
    """
    request = f"console-{secrets.token_hex(8)}"
    asked = AccessRequest(request, "console", EVERYONE, "every device", host)
    kept, _ = await keep_request(database, asked, now)
    await decide(database, kept["id"], Decision(True, life), by, now)


async def decide(database: Database, request: str, decision: Decision, by: str, now: datetime) -> RowMapping | None:
    """Approve or deny a request; nothing where there is no such request.

    An approval may be taken back by a later denial, and made again. Raises DecidedError for the same answer twice.
    """
    async with database.write() as connection:
        row = await find_request(connection, request)
        if row is None:
            return None
        status = APPROVED if decision.approve else DENIED
        if status_of(row, now) == status:
            raise DecidedError(f"this request is {status} already")
        until = now + decision.life if decision.approve else None
        values = {
            "status": status,
            "decided": now,
            "decided_by": by[:256],
            "decision_note": decision.note,
            "until": until,
        }
        changed = update(ACCESS_REQUESTS).where(_REQUESTS.id == request).values(**values).returning(ACCESS_REQUESTS)
        after: RowMapping = (await connection.execute(changed)).mappings().one()
        whom = {"everyone": True} if row["device_id"] == EVERYONE else {"device": row["device_id"]}
        body = {"host": row["host"], **whom, "until": until.isoformat()} if until else None
        await tell(connection, Kind.APPROVAL, request, body, now)
        detail = {"host": row["host"], "device": row["device_id"], "until": until.isoformat() if until else None}
        await note(
            connection, AuditEntry(now, by, f"request.{'approve' if decision.approve else 'deny'}", request, detail)
        )
    return after


async def find_request(connection: AsyncConnection, request: str) -> RowMapping | None:
    """Return one request, or nothing."""
    return (await connection.execute(select(ACCESS_REQUESTS).where(_REQUESTS.id == request))).mappings().first()


async def list_requests(
    connection: AsyncConnection, now: datetime, status: str = "", top: int = 100, skip: int = 0
) -> list[RowMapping]:
    """Return requests, newest first; of one status where it is given."""
    wanted = select(ACCESS_REQUESTS).order_by(_REQUESTS.seq.desc()).limit(top).offset(skip)
    if status:
        wanted = wanted.where(_in_status(status, now))
    return list((await connection.execute(wanted)).mappings())


def status_of(row: RowMapping, now: datetime) -> str:
    """Return a request's status: an approval whose time is over has expired."""
    if row["status"] == APPROVED and row["until"] is not None and row["until"] <= now:
        return EXPIRED
    return str(row["status"])


def _in_status(status: str, now: datetime) -> ColumnElement[bool]:
    if status == EXPIRED:
        return (_REQUESTS.status == EXPIRED) | (_REQUESTS.status == APPROVED) & (_REQUESTS.until <= now)
    return (_REQUESTS.status == status) & ((_REQUESTS.until.is_(None)) | (_REQUESTS.until > now))


async def take_back_expired(database: Database, now: datetime) -> int:
    """Tell the gateways to forget approvals whose time is over; they have honoured it by themselves."""
    async with database.write() as connection:
        over = select(_REQUESTS.id).where(_REQUESTS.status == APPROVED, _REQUESTS.until <= now).limit(1000)
        ids = list((await connection.execute(over)).scalars())
        for request in ids:
            await tell(connection, Kind.APPROVAL, request, None, now)
            ended = update(ACCESS_REQUESTS).where(_REQUESTS.id == request).values(status=EXPIRED)
            await connection.execute(ended)
    return len(ids)
