"""What indicators may be filtered and sorted by: Defender's names, and the columns they stand for."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, String, cast

from collector.indicator_form import ACTIONS, TYPES
from collector.odata.fields import Field, flag, instant, one_of, text
from collector.store.alert_fields import SEVERITIES
from collector.store.policy_tables import INDICATORS

_ID = cast(INDICATORS.c.seq, String)


def _has_group(name: object) -> ColumnElement[bool]:
    """Look for a name in the JSON list, as JSON spells it."""
    return cast(INDICATORS.c.groups, String).contains(json.dumps(name), autoescape=True)


INDICATOR_FIELDS = {
    "id": Field(_ID, text),
    "indicatorValue": Field(INDICATORS.c.shown, text),
    "indicatorType": Field(INDICATORS.c.kind, one_of({word: word for word in TYPES})),
    "action": Field(INDICATORS.c.action, one_of({word: word for word in ACTIONS})),
    "title": Field(INDICATORS.c.title, text),
    "severity": Field(INDICATORS.c.severity, one_of(SEVERITIES)),
    "application": Field(INDICATORS.c.application, text),
    "generateAlert": Field(INDICATORS.c.generate_alert, flag),
    "expirationTime": Field(INDICATORS.c.expires, instant),
    "creationTimeDateTimeUtc": Field(INDICATORS.c.created, instant),
    "lastUpdateTime": Field(INDICATORS.c.updated, instant),
    "createdBy": Field(INDICATORS.c.created_by, text),
    "createdByDisplayName": Field(INDICATORS.c.created_by, text),
    "externalId": Field(INDICATORS.c.external_id, text),
    "rbacGroupNames": Field(INDICATORS.c.groups, text, element=_has_group, sorts=False),
}
