"""Write notices in ArcSight's Common Event Format, version 0. Pure."""

from __future__ import annotations

from importlib.metadata import version

from collector.outputs.notice import Notice, place_of, plain
from collector.outputs.settings import Send

_SEVERITIES = {"Informational": 2, "None": 0, "Low": 4, "Medium": 6, "High": 9}


def to_cef(notice: Notice) -> str:
    """Return one line: seven header fields, then `key=value` pairs."""
    kind, name, severity, pairs = _parts(notice)
    fields = ("CEF:0", "Seawall", "Seawall", version("seawall"), _header(kind), _header(name), str(severity))
    extension = " ".join(f"{key}={_value(value)}" for key, value in pairs.items() if value not in (None, ""))
    return f"{'|'.join(fields)}|{extension}"


def _parts(notice: Notice) -> tuple[str, str, int, dict[str, object]]:
    body, when = notice.body, int(notice.time.timestamp() * 1000)
    if notice.kind is Send.ALERTS:
        return f"alert:{body.get('category')}", str(body.get("title")), _severity(body.get("severity")), _alert(notice)
    if notice.kind is Send.RISK:
        words = {"cs1Label": "before", "cs1": body.get("before"), "cs2Label": "after", "cs2": body.get("after")}
        device = {"deviceExternalId": body.get("machineId")}
        return "risk", "Device risk changed", _severity(body.get("after")), {"rt": when, **device, **words}
    who = {"rt": when, "suser": body.get("who"), "act": body.get("what"), "msg": body.get("target")}
    return "audit", "Changed by a person or program", 1, who


def _alert(notice: Notice) -> dict[str, object]:
    body = notice.body
    return {
        "rt": int(notice.time.timestamp() * 1000),
        "externalId": body.get("id"),
        "shost": body.get("computerDnsName"),
        "deviceExternalId": body.get("machineId"),
        "request": place_of(body),
        "cnt": body.get("count"),
        "act": (body.get("evidence") or [{}])[0].get("action"),
        "cat": body.get("threatCategory"),
        "cs1Label": "threatName" if body.get("threatName") else None,
        "cs1": body.get("threatName"),
        "msg": body.get("description"),
    }


def _severity(word: object) -> int:
    return _SEVERITIES.get(str(word).capitalize(), 2)


def _header(text: str) -> str:
    r"""Escape a header field: pipes and backslashes.

    >>> print(_header("a|b"))
    a\|b
    """
    return plain(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(value: object) -> str:
    r"""Escape an extension's value: equals signs and backslashes; line ends are gone already.

    >>> print(_value("a=b"))
    a\=b
    """
    return plain(value).replace("\\", "\\\\").replace("=", "\\=")
