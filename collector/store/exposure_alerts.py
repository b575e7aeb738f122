"""Let exposure feed the risk where policy says so: an alert for each release that leaves a device exposed.

So the risk is explained as ever, and falls when the device is updated or a person resolves the alert. One resolved by
hand stays resolved while the device runs that release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import Sighting
from collector.exposures import DeviceExposure
from collector.store.alert_rows import keep_alerts
from collector.store.database import Database, chunks
from collector.store.tables import ALERTS, OPEN
from collector.store.triage import apply_change
from collector.triage import RESOLVED, Change
from collector.vulnerabilities.assessment import Exposure
from indicators.words import Severity

THREAT = "exposure"
_WEIGHS = {Exposure.HIGH: Severity.MEDIUM, Exposure.MEDIUM: Severity.LOW}
_BY = "Seawall"


async def follow_exposure(database: Database, found: Sequence[DeviceExposure], now: datetime) -> int:
    """Raise alerts for devices that are exposed and resolve those of devices that are not any more; return how many.

    No devices at all resolve every such alert: that is how the policy is taken back.
    """
    wanted = {sighting.id: sighting for sighting in (_sighting(one, now) for one in found) if sighting}
    async with database.write() as connection:
        known = await _known(connection, list(wanted))
        fresh = {id_: sighting for id_, sighting in wanted.items() if id_ not in known}
        await keep_alerts(database, connection, fresh, {}, now)
        over = select(ALERTS).where(ALERTS.c.threat_category == THREAT, OPEN)
        ended = [row for row in (await connection.execute(over)).mappings().all() if row["id"] not in wanted]
        change = Change(status=RESOLVED, comment="The device is no longer known to run this release.")
        for row in ended:
            await apply_change(database, connection, row, change, _BY, now)
    return len(fresh) + len(ended)


async def _known(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for part in chunks(ids):
        known.update((await connection.execute(select(ALERTS.c.id).where(ALERTS.c.id.in_(part)))).scalars())
    return known


def _sighting(one: DeviceExposure, now: datetime) -> Sighting | None:
    """Write the alert of a device that is exposed enough to weigh; its id follows from device, release and weight."""
    severity = _WEIGHS.get(one.assessment.exposure)
    if severity is None:
        return None
    running = one.assessment.running
    release = f"{running.platform} {running.version}"
    number = hashlib.sha256(f"exposure\n{one.id}\n{release}\n{severity}".encode()).hexdigest()[:30]
    latest = one.assessment.latest
    return Sighting(
        id=f"al{number}",
        device_id=one.id,
        destination="",
        day=now.date().isoformat(),
        hidden=False,
        count=1,
        first_event=now,
        last_event=now,
        title=f"Runs {release}, which has known vulnerabilities",
        description=". ".join((*one.assessment.reasons, f"Known from: {_source(one)}")) + ".",
        recommended_actions=f"Update it to {latest} or later." if latest else "Replace it or update its system.",
        category="SuspiciousActivity",
        threat_category=THREAT,
        threat_name="",
        severity=severity,
        detection_source="CustomDetection",
        lead_time=now,
        lead_event=f"exposure-{number}",
    )


def _source(one: DeviceExposure) -> str:
    if one.claim is None:
        return "nothing"
    return f"{one.claim.claim.source}, {one.claim.claim.confidence.name.lower()} confidence"
