"""Keep how well devices are covered; raise an alert when one that was protected is so no more, and resolve it again.

One incident is one alert, however often it is told; a device that never was protected raises none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.alerting import Sighting, alert_id
from collector.coverage import CoverageReport, DeviceCoverage
from collector.store.alert_rows import keep_alerts
from collector.store.coverage_tables import COVERAGES
from collector.store.database import Database, chunks
from collector.store.tables import ALERTS, DEVICES
from collector.store.triage import apply_change
from collector.triage import RESOLVED, Change
from indicators.words import Severity

TITLE = "This device is no longer protected"
_THREAT = "coverage"
_PLACE = " coverage"  # in an alert's id, where no destination reads so
_AGAIN = "The gateway sees it protected again."


async def keep_coverage(database: Database, report: CoverageReport, now: datetime) -> tuple[str, ...]:
    """Keep a report, as far as its devices are known here; return the ids of alerts that are new."""
    told = {each.device: each for each in report.devices}
    async with database.write() as connection:
        names = await _names(connection, sorted(told))
        before = await _known(connection, sorted(names))
        sightings: dict[str, Sighting] = {}
        rows = []
        for device, name in names.items():
            coverage, was = told[device], before.get(device)
            incident = _incident(coverage, was, now)
            rows.append(_row(coverage, report.gateway, incident, now))
            if incident == now:
                sighting = _sighting(coverage, name, now)
                sightings[sighting.id] = sighting
            elif coverage.protected and was is not None and was["incident"]:
                await _resolve(database, connection, device, report.gateway, now)
        await database.upsert(connection, COVERAGES, rows)
        return await keep_alerts(database, connection, sightings, {}, now)


async def coverage_of(connection: AsyncConnection, device: str) -> RowMapping | None:
    """Return what was last told of a device."""
    found = await connection.execute(select(COVERAGES).where(COVERAGES.c.device_id == device))
    return found.mappings().first()


def _incident(coverage: DeviceCoverage, was: RowMapping | None, now: datetime) -> datetime | None:
    """Return since when a device that was protected is so no more; nothing where it is, or never was."""
    if coverage.protected or was is None:
        return None
    if was["protected"]:
        return now
    began: datetime | None = was["incident"]
    return began


def _row(coverage: DeviceCoverage, gateway: str, incident: datetime | None, now: datetime) -> dict[str, Any]:
    return {
        "device_id": coverage.device,
        "gateway": gateway,
        "told": now,
        "score": coverage.score,
        "protected": coverage.protected,
        "incident": incident,
        "body": coverage.to_row(),
    }


def _sighting(coverage: DeviceCoverage, name: str, now: datetime) -> Sighting:
    why = "; ".join(coverage.reasons) or "no reason was told"
    return Sighting(
        id=alert_id(coverage.device, _PLACE, now.isoformat()),
        device_id=coverage.device,
        destination="",
        day=now.date().isoformat(),
        hidden=False,
        count=1,
        first_event=now,
        last_event=now,
        title=TITLE,
        description=f"Signs say that traffic of {name} goes around the gateway, or has stopped: {why}. "
        "A gateway sees signs, not causes: the device may as well be switched off.",
        recommended_actions="Ask its owner, and look whether its VPN, profile or proxy setting is still there.",
        category="DefenseEvasion",
        threat_category=_THREAT,
        threat_name="",
        severity=Severity.MEDIUM,
        detection_source="ThirdPartySensors",
        lead_time=now,
        lead_event=f"coverage-{int(now.timestamp())}",
    )


async def _resolve(database: Database, connection: AsyncConnection, device: str, gateway: str, now: datetime) -> None:
    of_coverage = (ALERTS.c.device_id == device) & (ALERTS.c.threat_category == _THREAT)
    still_open = select(ALERTS).where(of_coverage, ALERTS.c.status != RESOLVED)
    for row in (await connection.execute(still_open)).mappings().all():
        await apply_change(database, connection, row, Change(status=RESOLVED, comment=_AGAIN), gateway, now)


async def _names(connection: AsyncConnection, devices: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in chunks(devices):
        rows = await connection.execute(select(DEVICES.c.id, DEVICES.c.name).where(DEVICES.c.id.in_(part)))
        found.update({row.id: row.name for row in rows})
    return found


async def _known(connection: AsyncConnection, devices: list[str]) -> Mapping[str, RowMapping]:
    found: dict[str, RowMapping] = {}
    for part in chunks(devices):
        rows = await connection.execute(select(COVERAGES).where(COVERAGES.c.device_id.in_(part)))
        found.update({row["device_id"]: row for row in rows.mappings()})
    return found
