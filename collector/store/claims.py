"""Keep what clients said of a device's operating system, and read it with what posture reports say. Judges nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import case, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.arrival import Arrival
from collector.store.bulk import Row, run_many
from collector.store.claim_tables import CLAIMS
from collector.store.database import Database, Insert, chunks
from collector.store.policy_tables import POSTURES
from collector.vulnerabilities.choosing import SeenClaim
from collector.vulnerabilities.claims import Claim, ClaimSource, Confidence, claim_of, claim_of_sign
from indicators.event import VerdictEvent

type _Key = tuple[str, ClaimSource, str, str]

MOST = 32  # claims kept of one device; a client that varies what it says pushes its own oldest out


async def keep_claims(database: Database, connection: AsyncConnection, told: Iterable[Arrival]) -> None:
    """Note what user agents and signs claim; a claim made again is seen later, not twice."""
    rows: dict[_Key, Row] = {}
    for arrival in told:
        device, when = arrival.event.device.id, arrival.when
        for claim in _claims(arrival.event):
            _join(rows, (device, claim.source, claim.platform, claim.version), claim, when)
    if not rows:
        return
    await run_many(connection, _seen_later(database.insert(CLAIMS)), list(rows.values()))
    await _drop_beyond(connection, sorted({device for device, *_ in rows}))


@lru_cache(maxsize=2)  # made once for each database: what it is compiled to is kept
def _seen_later(statement: Insert) -> Insert:
    new, old = statement.excluded, CLAIMS.c
    later = new.last_seen > old.last_seen
    changed = {name: case((later, new[name]), else_=old[name]) for name in ("last_seen", "model", "built")}
    changed["first_seen"] = case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen)
    keys = [column.name for column in CLAIMS.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


async def claims_of(connection: AsyncConnection, devices: Sequence[str]) -> dict[str, list[SeenClaim]]:
    """Return the claims about each device, posture reports among them."""
    found: defaultdict[str, list[SeenClaim]] = defaultdict(list)
    for part in chunks(devices):
        for row in await connection.execute(select(CLAIMS).where(CLAIMS.c.device_id.in_(part))):
            claim = Claim(
                row.platform,
                row.version,
                row.places,
                ClaimSource(row.source),
                Confidence(row.confidence),
                row.model,
                row.built,
            )
            found[row.device_id].append(SeenClaim(claim, row.last_seen))
        for row in await connection.execute(select(POSTURES).where(POSTURES.c.device_id.in_(part))):
            claim = Claim(row.os_platform, row.os_version, 3, ClaimSource.POSTURE, Confidence.REPORTED)
            found[row.device_id].append(SeenClaim(claim, row.issued))
    return dict(found)


async def patch_levels(connection: AsyncConnection, devices: Sequence[str]) -> dict[str, date]:
    """Return the patch levels that posture reports gave and that are days (`2026-08-05`)."""
    found: dict[str, date] = {}
    for part in chunks(devices):
        columns = (POSTURES.c.device_id, POSTURES.c.patch_level)
        for row in await connection.execute(select(*columns).where(POSTURES.c.device_id.in_(part))):
            try:
                found[row.device_id] = date.fromisoformat(row.patch_level)
            except ValueError:
                continue
    return found


def _claims(event: VerdictEvent) -> Iterator[Claim]:
    """Yield what an event claims of its device's system."""
    if event.user_agent and (claim := claim_of(event.user_agent)):
        yield claim
    yield from filter(None, map(claim_of_sign, event.signs))


def _join(rows: dict[_Key, Row], key: _Key, claim: Claim, when: datetime) -> None:
    """Add a claim; of one made twice the later words stand, and the span of both."""
    row = rows.get(key)
    if row is None:
        rows[key] = _row(key[0], claim, when)
        return
    row["first_seen"] = min(row["first_seen"], when)
    if (when, claim.model, str(claim.built)) > (row["last_seen"], row["model"], str(row["built"])):
        row.update(_row(key[0], claim, when), first_seen=row["first_seen"])


def _row(device: str, claim: Claim, when: datetime) -> Row:
    return {
        "device_id": device,
        "source": str(claim.source),
        "platform": claim.platform,
        "version": claim.version,
        "places": claim.places,
        "confidence": int(claim.confidence),
        "model": claim.model,
        "built": claim.built,
        "first_seen": when,
        "last_seen": when,
    }


async def _drop_beyond(connection: AsyncConnection, devices: Sequence[str]) -> None:
    """Drop the oldest claims of devices that have too many."""
    keys = list(CLAIMS.primary_key)
    for part in chunks(devices):
        rank = func.row_number().over(
            partition_by=CLAIMS.c.device_id, order_by=(CLAIMS.c.last_seen.desc(), CLAIMS.c.version, CLAIMS.c.source)
        )
        ranked = select(*keys, rank.label("rank")).where(CLAIMS.c.device_id.in_(part)).subquery()
        beyond = select(*(ranked.c[key.name] for key in keys)).where(ranked.c.rank > MOST)
        await connection.execute(delete(CLAIMS).where(tuple_(*keys).in_(beyond)))
