"""Write exposures as the API and its exports do. Pure: assessments in, JSON values and tables out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from collector.exposures import DeviceExposure, FleetFlaw, fleet_score, top_releases
from collector.outputs.table_export import to_csv
from collector.vulnerabilities.assessment import Exposure, Vulnerability
from collector.vulnerabilities.choosing import SeenClaim
from collector.vulnerabilities.knowledge import Knowledge

type Json = dict[str, Any]

_DEVICE_COLUMNS = {
    "device": "computerDnsName",
    "id": "id",
    "platform": "osPlatform",
    "version": "version",
    "state": "state",
    "exposure": "exposureLevel",
    "score": "exposureScore",
    "exploited": "exploited",
    "missing": "missing",
    "latest": "latest",
    "source": "source",
    "confidence": "confidence",
    "seen": "seen",
}
_FLAW_COLUMNS = {
    "cve": "id",
    "name": "name",
    "exploited": "exploited",
    "platform": "osPlatform",
    "fixed in": "fixedIn",
    "fixed on": "fixedOn",
    "devices": "exposedMachines",
}


def device_resource(found: DeviceExposure) -> Json:
    """Write one device's exposure with the claim that it rests on."""
    assessed, claim = found.assessment, found.claim
    return {
        "id": found.id,
        "computerDnsName": found.name,
        "osPlatform": assessed.running.platform or None,
        "version": assessed.running.version or None,
        "patchLevel": assessed.running.patch_level.isoformat() if assessed.running.patch_level else None,
        "state": assessed.state,
        "exposureLevel": assessed.exposure,
        "exposureScore": assessed.score,
        "latest": assessed.latest or None,
        "exploited": assessed.exploited,
        "missing": len(assessed.vulnerabilities),
        "reasons": list(assessed.reasons),
        "source": claim.claim.source if claim else None,
        "confidence": claim.claim.confidence.name.lower() if claim else None,
        "seen": claim.seen.isoformat() if claim else None,
    }


def level_of(found: DeviceExposure) -> str | None:
    """Return how exposed a device is in Defender's words; nothing where that is not known."""
    exposure = found.assessment.exposure
    return None if exposure is Exposure.UNKNOWN else exposure.capitalize()


def claim_resources(claims: Iterable[SeenClaim]) -> list[Json]:
    """Write what clients claim, the latest first."""
    return [
        {
            "platform": one.claim.platform,
            "version": one.claim.version,
            "source": one.claim.source,
            "confidence": one.claim.confidence.name.lower(),
            "model": one.claim.model,
            "lastSeen": one.seen.isoformat(),
        }
        for one in sorted(claims, key=lambda one: one.seen, reverse=True)
    ]


def flaw_resource(flaw: Vulnerability) -> Json:
    """Write one vulnerability."""
    return {
        "id": flaw.cve,
        "name": flaw.name,
        "exploited": flaw.exploited,
        "fixedIn": flaw.fixed_in,
        "fixedOn": flaw.fixed_on.isoformat(),
    }


def fleet_flaw_resource(one: FleetFlaw) -> Json:
    """Write one vulnerability with the devices that miss its fix."""
    return {
        **flaw_resource(one.flaw),
        "osPlatform": one.platform,
        "exposedMachines": len(one.devices),
        "machineIds": list(one.devices[:100]),
    }


def fleet_resource(found: Sequence[DeviceExposure]) -> Json:
    """Write what is said of all devices together."""
    return {
        "score": fleet_score(found),
        "topReleases": [{"release": name, "devices": count} for name, count in top_releases(found)],
        "count": len(found),
        "unknown": sum(one.assessment.exposure is Exposure.UNKNOWN for one in found),
    }


def knowledge_resource(knowledge: Knowledge, today: date) -> Json:
    """Say where the knowledge comes from and that it is old when it is."""
    return {
        "dated": knowledge.dated.isoformat(),
        "old": knowledge.is_old(today),
        "sources": [
            {"name": one.name, "address": one.address, "licence": one.licence, "date": one.read.isoformat()}
            for one in knowledge.sources
        ],
    }


def devices_csv(found: Iterable[DeviceExposure]) -> str:
    """Return devices as a table for a spreadsheet."""
    return _table(_DEVICE_COLUMNS, map(device_resource, found))


def flaws_csv(found: Iterable[FleetFlaw]) -> str:
    """Return vulnerabilities as a table for a spreadsheet."""
    return _table(_FLAW_COLUMNS, map(fleet_flaw_resource, found))


def _table(columns: dict[str, str], rows: Iterable[Json]) -> str:
    return to_csv(list(columns), [[row[name] for name in columns.values()] for row in rows])
