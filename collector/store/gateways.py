"""Remember gateways: what each delivered, what of it was refused, and the status it last told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.database import Database
from collector.store.tables import GATEWAYS


@dataclass(frozen=True, slots=True)
class Delivery:
    """Count what one batch of a gateway brought; `last_rejection` is empty where nothing was refused."""

    accepted: int = 0
    rejected: int = 0
    last_rejection: str = ""


async def note_deliveries(
    database: Database, connection: AsyncConnection, deliveries: Mapping[str, Delivery], now: datetime
) -> None:
    """Add a batch's counts to its gateways."""
    for name, delivery in deliveries.items():
        statement = database.insert(GATEWAYS).values(
            name=name,
            first_seen=now,
            last_seen=now,
            accepted=delivery.accepted,
            rejected=delivery.rejected,
            last_rejection=delivery.last_rejection,
        )
        changes: dict[str, Any] = {
            "last_seen": statement.excluded.last_seen,
            "accepted": GATEWAYS.c.accepted + statement.excluded.accepted,
            "rejected": GATEWAYS.c.rejected + statement.excluded.rejected,
        }
        if delivery.last_rejection:
            changes["last_rejection"] = statement.excluded.last_rejection
        await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changes))


async def keep_status(database: Database, name: str, status: dict[str, Any], now: datetime) -> None:
    """Keep the status that a gateway tells of itself in place of the one before."""
    async with database.write() as connection:
        await note_deliveries(database, connection, {name: Delivery()}, now)
        told = GATEWAYS.update().where(GATEWAYS.c.name == name).values(status=status, status_time=now)
        await connection.execute(told)


async def forget_pins(connection: AsyncConnection, device: str) -> None:
    """Remove a device's apps from the statuses that gateways told; one that still has them tells them again."""
    told = select(GATEWAYS.c.name, GATEWAYS.c.status).where(GATEWAYS.c.status.is_not(None))
    for name, status in (await connection.execute(told)).all():
        kept = [pin for pin in status.get("pinned", ()) if pin["device"] != device]
        if len(kept) < len(status.get("pinned", ())):
            row = GATEWAYS.update().where(GATEWAYS.c.name == name)
            await connection.execute(row.values(status={**status, "pinned": kept}))


async def list_gateways(connection: AsyncConnection) -> list[RowMapping]:
    """Return every gateway, the one last heard of first."""
    found = await connection.execute(select(GATEWAYS).order_by(GATEWAYS.c.last_seen.desc(), GATEWAYS.c.name).limit(200))
    return list(found.mappings())
