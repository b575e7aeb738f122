"""Write alerts and machines as Defender's API does, with the keys that ours adds. Pure: records in, JSON values out.

Key names are Defender's (alerts.md, machine.md); `count`, `hidden`, `incidentIds`, `threatCategory`, `identifiedBy`,
`listeners`, `osPlatformSource`, `allowedCount` and the details of evidence are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from collector.jailbreak import JailbreakHint
from collector.risk import is_active, risk_of, risk_score
from collector.store.access_requests import status_of
from collector.store.alerts import AlertRecord
from collector.store.inventory_rows import ADDRESS, LISTENER
from collector.store.machines import MachineRecord
from collector.store.risk import Explained

type Json = dict[str, Any]

_SHA256 = 64
_SHA1 = 40


def stamp(when: datetime | None) -> str | None:
    """Write a time as RFC 3339 in UTC with milliseconds."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z") if when else None


def alert_resource(record: AlertRecord) -> Json:
    """Write one alert with its evidence, the newest first."""
    row = record.row
    return {
        "id": row["id"],
        "incidentId": None,
        "incidentIds": [incident["id"] for incident in record.incidents],
        "count": row["count"],
        "severity": row["severity"].capitalize(),
        "status": row["status"],
        "classification": row["classification"],
        "determination": row["determination"],
        "assignedTo": row["assigned_to"],
        "investigationState": "UnsupportedAlertType",
        "detectionSource": row["detection_source"],
        "category": row["category"],
        "threatCategory": row["threat_category"] or None,
        "threatFamilyName": None,
        "threatName": row["threat_name"] or None,
        "title": row["title"],
        "description": row["description"],
        "recommendedActions": row["recommended_actions"],
        "alertCreationTime": stamp(row["created"]),
        "firstEventTime": stamp(row["first_event"]),
        "lastEventTime": stamp(row["last_event"]),
        "lastUpdateTime": stamp(row["updated"]),
        "resolvedTime": stamp(row["resolved"]),
        "machineId": row["device_id"],
        "computerDnsName": row["device_name"] or row["device_id"],
        "rbacGroupName": row["device_group"],
        "hidden": row["hidden"],
        "comments": [_comment(comment) for comment in record.comments],
        "evidence": [evidence(incident) for incident in record.incidents],
    }


def _comment(row: RowMapping) -> Json:
    return {"comment": row["comment"], "createdBy": row["created_by"], "createdTime": stamp(row["created"])}


def evidence(row: RowMapping) -> Json:
    """Write one incident as an item of evidence."""
    body = row["body"]
    hashes = [text for text in body.get("hashes", ()) if text]
    addresses = [text for text in body.get("addresses", ()) if text]
    hidden = body.get("hidden", False)
    where = "" if hidden else body.get("url") or body.get("host") or ""
    return {
        "entityType": "File" if hashes else "Url" if where or hidden else "Ip",
        "evidenceCreationTime": stamp(row["time"]),
        "lastSeenTime": stamp(row["last_time"]),
        "incidentId": row["id"],
        "count": row["count"],
        "url": where or None,
        "ipAddress": addresses[0] if addresses and not hidden else None,
        "port": body.get("port"),
        "sha256": _hash(hashes, _SHA256),
        "sha1": _hash(hashes, _SHA1),
        "detectionStatus": "Prevented" if row["measure"] in ("blocked", "warned") else "Detected",
        "action": body.get("action"),
        "enforcement": body.get("enforcement"),
        "stage": body.get("stage"),
        "reason": body.get("reason"),
        "hidden": hidden,
        "matches": body.get("matches", []),
    }


def _hash(hashes: list[str], length: int) -> str | None:
    return next((text for text in hashes if len(text) == length), None)


def machine_resource(record: MachineRecord, now: datetime) -> Json:
    """Write one device, but for its exposure. What it says of its system is marked as the guess it is."""
    row = record.row
    addresses = [trait["value"] for trait in record.traits if trait["kind"] == ADDRESS]
    return {
        "id": row["id"],
        "computerDnsName": row["name"],
        "firstSeen": stamp(row["first_seen"]),
        "lastSeen": stamp(row["last_seen"]),
        "osPlatform": row["posture_platform"] or row["os_platform"] or "Unknown",
        "version": row["posture_version"] or row["os_version"] or None,
        "osPlatformSource": _platform_source(row),
        "userAgent": row["user_agent"] or None,
        "healthStatus": "Active" if is_active(row["last_seen"], now) else "Inactive",
        "onboardingStatus": "onboarded",
        "riskScore": risk_score(row["worst"]),
        "openAlerts": row["open_alerts"],
        "deviceValue": "Normal",
        "lastIpAddress": addresses[0] if addresses else None,
        "lastExternalIpAddress": None,
        "ipAddresses": [{"ipAddress": address, "operationalStatus": "Up"} for address in addresses],
        "listeners": [trait["value"] for trait in record.traits if trait["kind"] == LISTENER],
        "identifiedBy": row["identified_by"],
        "rbacGroupName": row["device_group"],
        "machineTags": record.tags,
        "posture": _posture(row),
        "allowedCount": row["allowed_count"],
        "gateway": row["gateway"],
    }


def coverage_resource(row: RowMapping) -> Json:
    """Write how a device is covered, as its gateway last told."""
    body = row["body"]
    return {
        "machineId": row["device_id"],
        "score": row["score"],
        "protected": row["protected"],
        "reasons": body["reasons"],
        "inTunnel": body["in_tunnel"],
        "lastHandshake": body["last_handshake"],
        "lastDns": body["last_dns"],
        "lastConnection": body["last_connection"],
        "signs": body["signs"],
        "unprotectedSince": stamp(row["incident"]),
        "told": stamp(row["told"]),
        "gateway": row["gateway"],
    }


def _platform_source(row: RowMapping) -> str | None:
    if row["posture_platform"]:
        return f"attested by {row['posture_issuer']}"
    return "guessed from user agent" if row["os_platform"] else None


def _posture(row: RowMapping) -> Json | None:
    """Write what an attestation service last said of a device; nothing where none ever did."""
    if row["posture_issuer"] is None:
        return None
    return {
        "issuer": row["posture_issuer"],
        "issued": stamp(row["posture_issued"]),
        "compromised": row["compromised"],
        "osVersion": row["posture_version"] or None,
        "patchLevel": row["patch_level"] or None,
    }


def hint_resources(hints: Sequence[JailbreakHint]) -> list[Json]:
    """Write what hints at a jailbreak; a hint is never a finding."""
    return [
        {
            "store": hint.store,
            "confidence": hint.confidence.name.lower(),
            "why": hint.why,
            "firstSeen": stamp(hint.first),
            "lastSeen": stamp(hint.last),
        }
        for hint in hints
    ]


def risk_resource(device: str, risk: Explained) -> Json:
    """Write a device's risk, why it is so, and how it was before."""
    return {
        "machineId": device,
        "riskLevel": risk.level,
        "since": stamp(risk.since),
        "reasons": [
            {
                "alertId": alert.id,
                "title": alert.title,
                "severity": alert.severity.capitalize(),
                "weighs": risk_of(alert.severity),
                "lastEventTime": stamp(alert.last_event),
            }
            for alert in risk.alerts
        ],
        "history": [
            {"time": stamp(row["time"]), "before": row["before"], "after": row["after"], "reasons": row["reasons"]}
            for row in risk.history
        ],
    }


def indicator_resource(row: RowMapping) -> Json:
    """Write one custom indicator."""
    return {
        "id": str(row["seq"]),
        "indicatorValue": row["shown"],
        "indicatorType": row["kind"],
        "action": row["action"],
        "title": row["title"],
        "description": row["description"],
        "severity": row["severity"].capitalize() if row["severity"] else "Informational",
        "recommendedActions": row["recommended_actions"] or None,
        "educateUrl": row["educate_url"] or None,
        "generateAlert": row["generate_alert"],
        "category": row["category"] or None,
        "mitreTechniques": row["techniques"],
        "rbacGroupNames": row["groups"],
        "rbacGroupIds": [],
        "application": row["application"] or None,
        "externalId": row["external_id"] or None,
        "source": row["created_by"],
        "sourceType": row["source_type"],
        "createdBySource": row["created_by"],
        "createdBy": row["created_by"],
        "createdByDisplayName": row["created_by"],
        "lastUpdatedBy": row["updated_by"],
        "creationTimeDateTimeUtc": stamp(row["created"]),
        "lastUpdateTime": stamp(row["updated"]),
        "expirationTime": stamp(row["expires"]),
    }


def access_request_resource(row: RowMapping, now: datetime) -> Json:
    """Write one access request."""
    return {
        "id": row["id"],
        "status": status_of(row, now),
        "device": {"id": row["device_id"], "name": row["device_name"]},
        "gateway": row["gateway"],
        "host": row["host"],
        "incident": row["incident"] or None,
        "note": row["note"],
        "created": stamp(row["created"]),
        "decided": stamp(row["decided"]),
        "decidedBy": row["decided_by"],
        "decisionNote": row["decision_note"],
        "until": stamp(row["until"]),
    }


def incident_resource(row: RowMapping) -> Json:
    """Write one incident: the event as its gateway told it, with what was counted since."""
    body: Json = row["body"]
    return body | {
        "count": row["count"],
        "lastTime": stamp(row["last_time"]),
        "received": stamp(row["received"]),
        "alertId": row["alert_id"],
        "machineId": row["device_id"],
    }
