"""The schemas of the API's document: bodies, questions, answers. Values only; handlers check by themselves."""

from __future__ import annotations

from typing import Any

from collector.indicator_form import ACTIONS, TYPES
from collector.odata.fields import Field
from collector.store.alert_fields import ALERT_FIELDS
from collector.store.indicator_fields import INDICATOR_FIELDS
from collector.triage import CLASSIFICATIONS, DETERMINATIONS, LONGEST_COMMENT, STATUSES
from indicators.words import Severity

type Json = dict[str, Any]

_JSON = "application/json"
_TEXT: Json = {"type": "string"}
_TIME: Json = {"type": ["string", "null"], "format": "date-time"}
_MAYBE: Json = {"type": ["string", "null"]}
_SEVERITIES = [word.capitalize() for word in Severity]


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str = "", **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required.split()}


def _list(of: str) -> Json:
    page = {"@odata.nextLink": _TEXT, "@odata.count": {"type": "integer"}, "@odata.context": _TEXT}
    return _object("value", value={"type": "array", "items": _ref(of)}, **page)


SCHEMAS: dict[str, Json] = {
    "Error": _object("error", error={"type": ["object", "string"]}),
    "Alert": _object(
        "id title severity status machineId count",
        id=_TEXT,
        title=_TEXT,
        severity={"enum": _SEVERITIES},
        status={"enum": list(STATUSES)},
        classification=_MAYBE,
        determination=_MAYBE,
        assignedTo=_MAYBE,
        machineId=_TEXT,
        count={"type": "integer"},
        alertCreationTime=_TIME,
        firstEventTime=_TIME,
        lastEventTime=_TIME,
        resolvedTime=_TIME,
        evidence={"type": "array", "items": {"type": "object"}},
        comments={"type": "array", "items": {"type": "object"}},
    ),
    "AlertChange": _object(
        status={"enum": list(STATUSES)},
        classification={"enum": [*CLASSIFICATIONS, None]},
        determination={"enum": [*DETERMINATIONS, None]},
        assignedTo={"type": ["string", "null"], "maxLength": 256},
        comment={"type": "string", "minLength": 1, "maxLength": LONGEST_COMMENT},
    ),
    "Machine": _object(
        "id computerDnsName healthStatus riskScore machineTags",
        id=_TEXT,
        computerDnsName=_TEXT,
        healthStatus={"enum": ["Active", "Inactive"]},
        riskScore={"enum": ["None", *_SEVERITIES]},
        machineTags={"type": "array", "items": _TEXT},
        jailbreakHints={"type": "array", "items": {"type": "object"}},
        lastSeen=_TIME,
        rbacGroupName=_MAYBE,
    ),
    "Risk": _object(
        "machineId riskLevel reasons history",
        machineId=_TEXT,
        riskLevel={"enum": ["none", "low", "medium", "high"]},
        since=_TIME,
        reasons={"type": "array", "items": {"type": "object"}},
        history={"type": "array", "items": {"type": "object"}},
    ),
    "Coverage": _object(
        "machineId score protected reasons signs",
        machineId=_TEXT,
        score={"type": "integer", "minimum": 0, "maximum": 100},
        protected={"type": "boolean"},
        reasons={"type": "array", "items": _TEXT},
        signs={"type": "object"},
        lastHandshake=_TIME,
        lastDns=_TIME,
        lastConnection=_TIME,
        unprotectedSince=_TIME,
    ),
    "Indicator": _object(
        "id indicatorValue indicatorType action title description",
        id=_TEXT,
        indicatorValue=_TEXT,
        indicatorType={"enum": list(TYPES)},
        action={"enum": list(ACTIONS)},
        title=_TEXT,
        description=_TEXT,
        severity={"enum": _SEVERITIES},
        generateAlert={"type": "boolean"},
        expirationTime=_TIME,
        rbacGroupNames={"type": "array", "items": _TEXT},
    ),
    "IndicatorSubmission": _object(
        "indicatorValue indicatorType action title description",
        indicatorValue={"type": "string", "minLength": 1, "maxLength": 4096},
        indicatorType={"enum": list(TYPES)},
        action={"enum": list(ACTIONS)},
        title={"type": "string", "minLength": 1, "maxLength": 256},
        description={"type": "string", "minLength": 1, "maxLength": 4096},
        severity={"enum": [*_SEVERITIES, None]},
        generateAlert={"type": ["boolean", "null"]},
        expirationTime=_TIME,
        recommendedActions=_MAYBE,
        educateUrl=_MAYBE,
        rbacGroupNames={"type": ["array", "null"], "items": _TEXT},
        category=_MAYBE,
        mitreTechniques={"type": ["array", "null"], "items": _TEXT},
    ),
    "AccessRequest": _object(
        "id status device host", id=_TEXT, status=_TEXT, device={"type": "object"}, host=_TEXT, until=_TIME
    ),
    "PolicyPage": _object(
        "stream last reset more changes",
        stream=_TEXT,
        last={"type": "integer"},
        reset={"type": "boolean"},
        more={"type": "boolean"},
        changes={"type": "array", "items": {"type": "object"}},
    ),
}

_REQUEST = _object(
    "id gateway device host",
    id={"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    gateway={"type": "string", "minLength": 1, "maxLength": 128},
    device=_object("id", id={"type": "string", "minLength": 1, "maxLength": 128}, name=_TEXT),
    host=_TEXT,
    incident=_TEXT,
    note={"type": "string", "maxLength": 1000},
)
BODIES: dict[str, tuple[str, Json]] = {
    "PATCH /api/alerts/{id}": (_JSON, _ref("AlertChange")),
    "POST /api/alerts/{id}/comments": (_JSON, _object("comment", comment=_TEXT)),
    "POST /api/alerts/batchUpdate": (
        _JSON,
        {"allOf": [_ref("AlertChange"), _object("alertIds", alertIds={"type": "array", "items": _TEXT})]},
    ),
    "POST /api/indicators": (_JSON, _ref("IndicatorSubmission")),
    "POST /api/indicators/import": (
        _JSON,
        _object("Indicators", Indicators={"type": "array", "items": _ref("IndicatorSubmission"), "maxItems": 500}),
    ),
    "POST /api/indicators/BatchDelete": (
        _JSON,
        _object("IndicatorIds", IndicatorIds={"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 500}),
    ),
    "POST /api/machines/{id}/tags": (
        _JSON,
        _object("Value Action", Value={"type": "string", "minLength": 1}, Action={"enum": ["Add", "Remove"]}),
    ),
    "PATCH /api/machines/{id}": (_JSON, _object("rbacGroupName", rbacGroupName=_MAYBE)),
    "POST /api/machines/{id}/posture": (_JSON, _object("report", report=_TEXT)),
    "POST /api/v1/access-requests": (_JSON, _REQUEST),
    "POST /api/v1/access-requests/{id}/approve": (_JSON, _object(hours={"type": "number"}, note=_TEXT)),
    "POST /api/v1/access-requests/{id}/deny": (_JSON, _object(note=_TEXT)),
    "POST /api/v1/events": (_JSON, _object("events", events={"type": "array", "items": {"type": "object"}})),
    "POST /api/v1/gateways/status": (_JSON, {"type": "object"}),
    "POST /api/v1/coverage": (
        _JSON,
        _object("gateway devices", gateway=_TEXT, devices={"type": "array", "items": {"type": "object"}}),
    ),
    "POST /{tenant}/oauth2/v2.0/token": (
        "application/x-www-form-urlencoded",
        _object("grant_type client_id client_secret", grant_type=_TEXT, client_id=_TEXT, client_secret=_TEXT),
    ),
}
ANSWERS: dict[str, dict[str, Json]] = {
    "GET /api/alerts": {"200": _list("Alert")},
    "GET /api/alerts/{id}": {"200": _ref("Alert")},
    "PATCH /api/alerts/{id}": {"200": _ref("Alert")},
    "POST /api/alerts/{id}/comments": {"201": _ref("Alert")},
    "GET /api/machines": {"200": _list("Machine")},
    "GET /api/machines/{id}": {"200": _ref("Machine")},
    "PATCH /api/machines/{id}": {"200": _ref("Machine")},
    "POST /api/machines/{id}/tags": {"200": _ref("Machine")},
    "DELETE /api/machines/{id}": {"204": {}},
    "POST /api/machines/{id}/posture": {"204": {}},
    "GET /api/machines/{id}/risk": {"200": _ref("Risk")},
    "GET /api/machines/{id}/coverage": {"200": _ref("Coverage")},
    "POST /api/v1/coverage": {"204": {}},
    "GET /api/indicators": {"200": _list("Indicator")},
    "POST /api/indicators": {"200": _ref("Indicator")},
    "GET /api/indicators/{id}": {"200": _ref("Indicator")},
    "DELETE /api/indicators/{id}": {"204": {}},
    "POST /api/indicators/BatchDelete": {"204": {}},
    "GET /api/v1/policy": {"200": _ref("PolicyPage")},
    "GET /api/v1/access-requests": {"200": _list("AccessRequest")},
    "GET /api/v1/access-requests/{id}": {"200": _ref("AccessRequest")},
    "POST /api/v1/access-requests": {"200": _ref("AccessRequest"), "201": _ref("AccessRequest")},
    "POST /api/v1/access-requests/{id}/approve": {"200": _ref("AccessRequest")},
    "POST /api/v1/access-requests/{id}/deny": {"200": _ref("AccessRequest")},
    "POST /api/v1/tickets": {"201": {}},
    "POST /api/v1/enrolments": {"201": {}},
    "POST /api/v1/gateways/status": {"204": {}},
}


def _query(name: str, schema: Json, about: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": about}


def _of_list(fields: dict[str, Field] | None = None) -> list[Json]:
    """Return the questions that a list takes."""
    paged = [
        _query("$top", {"type": "integer", "minimum": 0, "maximum": 10_000}, "How many; usually 1,000."),
        _query("$skip", {"type": "integer", "minimum": 0}, "How many to pass over."),
    ]
    if fields is None:
        return paged
    known = ", ".join(fields)
    return [
        *paged,
        _query("$filter", _TEXT, f"Conditions on {known}."),
        _query("$orderby", _TEXT, "Fields to sort by, each with asc or desc."),
        _query("$count", {"enum": ["true", "false"]}, "Whether to count all that match."),
    ]


LISTS: dict[str, list[Json]] = {
    "GET /api/alerts": [*_of_list(ALERT_FIELDS), _query("$expand", {"enum": ["evidence"]}, "Evidence always comes.")],
    "GET /api/machines": _of_list({}),
    "GET /api/indicators": _of_list(INDICATOR_FIELDS),
    "GET /api/v1/access-requests": _of_list(),
}
OPEN_QUERIES: dict[str, list[Json]] = {
    "GET /api/v1/policy": [
        _query("after", {"type": "integer", "minimum": 0}, "The number up to which everything is in force."),
        _query("stream", _TEXT, "The stream that `after` counts in."),
        _query("wait", {"type": "integer", "minimum": 0, "maximum": 50}, "Seconds to wait for something new."),
        _query("gateway", _TEXT, "Who asks."),
    ],
    "GET /api/v1/access-requests": [_query("status", _TEXT, "pending, approved, denied or expired.")],
}
