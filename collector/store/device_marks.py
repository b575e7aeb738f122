"""Write what an administrator says of a device: its tags and its group; the gateways are told of the group."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.audit.log import AuditEntry, note
from collector.store.database import Database
from collector.store.policy_stream import Kind, tell
from collector.store.policy_tables import DEVICE_GROUPS, DEVICE_TAGS
from collector.store.tables import DEVICES

MOST_TAGS = 100  # of one device


async def change_tag(database: Database, device: str, tag: str, *, add: bool, by: str, now: datetime) -> bool:
    """Add a tag to a device, or take it away; false where there is no such device. Raises ValueError for too many."""
    async with database.write() as connection:
        if not await _exists(connection, device):
            return False
        await connection.execute(delete(DEVICE_TAGS).where(DEVICE_TAGS.c.device_id == device, DEVICE_TAGS.c.tag == tag))
        if add:
            held = select(func.count()).select_from(DEVICE_TAGS).where(DEVICE_TAGS.c.device_id == device)
            if (await connection.execute(held)).scalar_one() >= MOST_TAGS:
                raise ValueError(f"a device has at most {MOST_TAGS} tags")
            await connection.execute(insert(DEVICE_TAGS).values(device_id=device, tag=tag))
        await note(connection, AuditEntry(now, by, "machine.tag" if add else "machine.untag", device, {"tag": tag}))
    return True


async def change_group(database: Database, device: str, group: str, by: str, now: datetime) -> bool:
    """Put a device into a group, or with an empty name leave that to its gateway again; false for an unknown device."""
    async with database.write() as connection:
        if not await _exists(connection, device):
            return False
        if group:
            await database.upsert(connection, DEVICE_GROUPS, [{"device_id": device, "name": group}])
        else:
            await connection.execute(delete(DEVICE_GROUPS).where(DEVICE_GROUPS.c.device_id == device))
        await tell(connection, Kind.GROUP, device, {"group": group} if group else None, now)
        await note(connection, AuditEntry(now, by, "machine.group", device, {"group": group}))
    return True


async def _exists(connection: AsyncConnection, device: str) -> bool:
    return (await connection.execute(select(DEVICES.c.id).where(DEVICES.c.id == device))).first() is not None
