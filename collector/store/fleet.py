"""Read how exposed devices are: what is known of each, assessed with the knowledge of the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.exposures import DeviceExposure, Exposures
from collector.store.claims import claims_of, patch_levels
from collector.store.tables import DEVICES
from collector.vulnerabilities.knowledge import Knowledge

EVERY = 10_000  # devices assessed at once, those seen last


async def fleet_exposure(connection: AsyncConnection, knowledge: Knowledge, now: datetime) -> list[DeviceExposure]:
    """Return the exposure of every device, as far as `EVERY` goes."""
    order = (DEVICES.c.last_seen.desc(), DEVICES.c.id)
    rows = await connection.execute(select(DEVICES.c.id, DEVICES.c.name).order_by(*order).limit(EVERY))
    return await exposures_of(connection, [(row.id, row.name) for row in rows], knowledge, now)


async def exposures_of(
    connection: AsyncConnection, devices: Sequence[tuple[str, str]], knowledge: Knowledge, now: datetime
) -> list[DeviceExposure]:
    """Return the exposure of some devices, given by id and name, in their order."""
    ids = [id_ for id_, _ in devices]
    claims, levels = await claims_of(connection, ids), await patch_levels(connection, ids)
    assess = Exposures(knowledge, now)
    return [assess.of(id_, name, claims.get(id_, ()), levels.get(id_)) for id_, name in devices]
