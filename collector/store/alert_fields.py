"""What alerts may be filtered and sorted by: Defender's names, and the columns they stand for."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, cast, null, select

from collector.odata.fields import Field, instant, number, one_of, text
from collector.store.alerts import GROUP
from collector.store.tables import ALERTS, DEVICES
from collector.triage import CLASSIFICATIONS, DETERMINATIONS, STATUSES
from indicators.words import Severity

SEVERITIES = {severity.capitalize(): severity for severity in Severity}
_NOTHING = Field(cast(null(), BigInteger), number, sorts=False)  # what Defender has and we do not


def _of_devices(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Find devices first: there are few of them beside their alerts, and an index leads on."""
    return ALERTS.c.device_id.in_(select(DEVICES.c.id).where(condition).correlate(None))


ALERT_FIELDS = {
    "id": Field(ALERTS.c.id, text),
    "status": Field(ALERTS.c.status, one_of({word: word for word in STATUSES})),
    "severity": Field(ALERTS.c.severity, one_of(SEVERITIES)),
    "category": Field(ALERTS.c.category, text),
    "title": Field(ALERTS.c.title, text),
    "threatName": Field(ALERTS.c.threat_name, text),
    "detectionSource": Field(ALERTS.c.detection_source, text),
    "assignedTo": Field(ALERTS.c.assigned_to, text),
    "classification": Field(ALERTS.c.classification, one_of({word: word for word in CLASSIFICATIONS})),
    "determination": Field(ALERTS.c.determination, one_of({word: word for word in DETERMINATIONS})),
    "alertCreationTime": Field(ALERTS.c.created, instant),
    "firstEventTime": Field(ALERTS.c.first_event, instant),
    "lastEventTime": Field(ALERTS.c.last_event, instant),
    "lastUpdateTime": Field(ALERTS.c.updated, instant),
    "resolvedTime": Field(ALERTS.c.resolved, instant),
    "machineId": Field(ALERTS.c.device_id, text),
    "computerDnsName": Field(DEVICES.c.name, text, through=_of_devices),
    "rbacGroupName": Field(GROUP, text),
    "count": Field(ALERTS.c.count, number),
    "incidentId": _NOTHING,
    "InvestigationId": _NOTHING,
}
