"""Keep what was reported of a posture; a jailbreak raises a High alert, and a later clean report resolves it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import Sighting, alert_id
from collector.audit.log import AuditEntry, note
from collector.posture import Posture
from collector.store.alert_rows import keep_alerts
from collector.store.database import Database
from collector.store.policy_tables import POSTURES
from collector.store.tables import ALERTS, DEVICES
from collector.store.triage import apply_change
from collector.triage import RESOLVED, Change
from indicators.words import Severity

TITLE = "Jailbreak or root detected"
_THREAT = "posture"
_SAID = ("issuer", "compromised", "os_platform", "os_version", "patch_level")
_PLACE = " posture"  # in an alert's id, where no destination reads so


class StaleReportError(ValueError):
    """Say that a newer report is known already."""

    def __init__(self) -> None:
        super().__init__("iat: a report of this time or a later one is known already")


async def keep_posture(database: Database, posture: Posture, by: str, now: datetime) -> bool:
    """Keep a report and let alerts and risk follow; false for a device that is not known. Raises StaleReportError.

    `by` handed it in; it is believed for its issuer. The audit log tells of one that says something new.
    """
    async with database.write() as connection:
        device = (await connection.execute(select(DEVICES).where(DEVICES.c.id == posture.device_id))).mappings().first()
        if device is None:
            return False
        known = select(POSTURES).where(POSTURES.c.device_id == posture.device_id)
        last = (await connection.execute(known)).mappings().first()
        if last is not None and posture.issued <= last["issued"]:
            raise StaleReportError
        row = {
            "device_id": posture.device_id,
            "issuer": posture.issuer,
            "issued": posture.issued,
            "received": now,
            "compromised": posture.compromised,
            "os_platform": posture.os_platform,
            "os_version": posture.os_version,
            "patch_level": posture.patch_level,
        }
        await database.upsert(connection, POSTURES, [row])
        if last is None or any(last[name] != row[name] for name in _SAID):
            said = {name: row[name] for name in _SAID}
            await note(connection, AuditEntry(now, by, "machine.posture", posture.device_id, said))
        if posture.compromised:
            sighting = _sighting(posture, device["name"])
            await keep_alerts(database, connection, {sighting.id: sighting}, {}, now)
        else:
            await _resolve(database, connection, posture, now)
    return True


def _sighting(posture: Posture, name: str) -> Sighting:
    day = posture.issued.date().isoformat()
    return Sighting(
        id=alert_id(posture.device_id, _PLACE, day),
        device_id=posture.device_id,
        destination="",
        day=day,
        hidden=False,
        count=1,
        first_event=posture.issued,
        last_event=posture.issued,
        title=TITLE,
        description=f"{posture.issuer} reports that {name} is jailbroken or rooted: its own protection is off.",
        recommended_actions="Take corporate data off the device and set it up anew; then let it be reported again.",
        category="PrivilegeEscalation",
        threat_category=_THREAT,
        threat_name="",
        severity=Severity.HIGH,
        detection_source="ThirdPartySensors",
        lead_time=posture.issued,
        lead_event=f"posture-{int(posture.issued.timestamp())}",
    )


async def _resolve(database: Database, connection: AsyncConnection, posture: Posture, now: datetime) -> None:
    of_posture = (ALERTS.c.device_id == posture.device_id) & (ALERTS.c.threat_category == _THREAT)
    still_open = select(ALERTS).where(of_posture, ALERTS.c.status != RESOLVED)
    change = Change(status=RESOLVED, comment="A later report says that the device is in order.")
    for row in (await connection.execute(still_open)).mappings().all():
        await apply_change(database, connection, row, change, posture.issuer, now)
