"""Write notices as OCSF 1.3 JSON, one line of ASCII. Pure.

Alerts are Detection Finding (2004), changes of risk Device Config State Change (5019), changes by people Entity
Management (3004).
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from collector.outputs.notice import Notice, place_of, plain
from collector.outputs.settings import Send

_SEVERITY_IDS = {"Informational": 1, "None": 1, "Low": 2, "Medium": 3, "High": 4}
_SECURITY_LEVELS = {"None": 1, "Low": 2, "Medium": 2, "High": 3}  # secure, at risk, compromised
_MOST_EVIDENCE = 5

type Json = dict[str, Any]


def to_ocsf(notice: Notice) -> str:
    """Return one line of JSON."""
    made = {Send.ALERTS: _finding, Send.RISK: _risk, Send.AUDIT: _audit}[notice.kind](notice)
    return json.dumps(made, separators=(",", ":"))


def _base(notice: Notice, category: int, class_: int, activity: int, severity: object) -> Json:
    product = {"name": "Seawall", "vendor_name": "Seawall", "version": version("seawall")}
    return {
        "category_uid": category,
        "class_uid": class_,
        "activity_id": activity,
        "type_uid": class_ * 100 + activity,
        "time": int(notice.time.timestamp() * 1000),
        "severity_id": _SEVERITY_IDS.get(str(severity).capitalize(), 1),
        "metadata": {"version": "1.3.0", "product": product, "uid": f"{notice.kind}-{notice.seq}"},
    }


def _finding(notice: Notice) -> Json:
    body = notice.body
    information = {
        "uid": plain(body.get("id")),
        "title": plain(body.get("title")),
        "desc": plain(body.get("description")),
        "types": [plain(body.get("threatCategory") or "unknown")],
    }
    evidence = [_evidence(item) for item in (body.get("evidence") or [])[:_MOST_EVIDENCE]]
    return _base(notice, 2, 2004, 1, body.get("severity")) | {
        "message": plain(body.get("title")),
        "status_id": {"New": 1, "InProgress": 2, "Resolved": 4}.get(str(body.get("status")), 0),
        "is_alert": True,
        "count": body.get("count"),
        "finding_info": information,
        "device": _device(body.get("machineId"), body.get("computerDnsName")),
        "evidences": [item for item in evidence if item],
    }


def _evidence(item: Json) -> Json:
    place = place_of({"evidence": [item]})
    found: Json = {"data": {"incident": plain(item.get("incidentId")), "reason": plain(item.get("reason"))}}
    if item.get("url"):
        found["url"] = {"url_string": plain(place)}
    if item.get("ipAddress"):
        found["dst_endpoint"] = {"ip": plain(item.get("ipAddress")), "port": item.get("port")}
    return found


def _risk(notice: Notice) -> Json:
    body = notice.body
    levels = {
        "prev_security_level_id": _SECURITY_LEVELS.get(str(body.get("before")).capitalize(), 0),
        "security_level_id": _SECURITY_LEVELS.get(str(body.get("after")).capitalize(), 0),
    }
    reasons = [plain(reason) for reason in body.get("reasons") or ()][:10]
    device = _device(body.get("machineId"), None)
    return _base(notice, 5, 5019, 1, body.get("after")) | levels | {"device": device, "unmapped": {"reasons": reasons}}


def _audit(notice: Notice) -> Json:
    body = notice.body
    entity = {"name": plain(body.get("target")), "type": plain(body.get("what")).partition(".")[0]}
    actor = {"user": {"name": plain(body.get("who"))}}
    return _base(notice, 3, 3004, 3, "Informational") | {
        "actor": actor,
        "entity": entity,
        "comment": plain(body.get("what")),
    }


def _device(uid: object, name: object) -> Json:
    return {"uid": plain(uid), "name": plain(name or uid), "type_id": 0}
