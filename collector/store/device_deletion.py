"""Delete a device with all that is kept of it, in every table that names devices, and tell the gateways to forget it.

Tables are found by their columns, so that one made later is not forgotten; `activity` for all devices together stays.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from collector.audit.log import AuditEntry, note
from collector.store.alert_totals import subtract
from collector.store.database import Database
from collector.store.gateways import forget_pins
from collector.store.pin_clearing import forget_clearings
from collector.store.policy_stream import Kind, tell
from collector.store.policy_tables import ACCESS_REQUESTS
from collector.store.tables import ALERTS, DEVICES, METADATA

_COLUMN = "device_id"


async def delete_device(database: Database, device: str, by: str, now: datetime) -> bool:
    """Delete a device; false where nothing is known of it. A gateway that meets it again tells of it anew."""
    async with database.write() as connection:
        known = (await connection.execute(select(DEVICES.c.id).where(DEVICES.c.id == device))).first()
        if known is None:
            return False
        asked = select(ACCESS_REQUESTS.c.id).where(ACCESS_REQUESTS.c.device_id == device)
        for request in (await connection.execute(asked)).scalars().all():
            await tell(connection, Kind.APPROVAL, request, None, now)
        await subtract(connection, ALERTS.c.device_id == device)
        for table in reversed(METADATA.sorted_tables):
            if _COLUMN in table.c:
                await connection.execute(delete(table).where(table.c[_COLUMN] == device))
        await connection.execute(delete(DEVICES).where(DEVICES.c.id == device))
        for kind in (Kind.RISK, Kind.GROUP):
            await tell(connection, kind, device, None, now)
        await forget_clearings(connection, device, now)
        await forget_pins(connection, device)
        await note(connection, AuditEntry(now, by, "machine.delete", device))
    return True
