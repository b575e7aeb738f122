"""Write notices as RFC 5424 messages, and frame them for a stream (RFC 6587 octet counting, RFC 5425). Pure."""

from __future__ import annotations

from datetime import UTC

from collector.outputs.cef import to_cef
from collector.outputs.notice import Notice, place_of, plain
from collector.outputs.ocsf import to_ocsf
from collector.outputs.settings import Format, Send

_FACILITY = 13  # log audit
_PRIORITIES = {"High": 2, "Medium": 4, "Low": 5}  # critical, warning, notice; all else is informational
_INFORMATIONAL = 6
_DATA_ID = "seawall@32473"  # the enterprise number that RFC 5612 keeps for examples: we have none of our own
_BOM = "\ufeff"


def message(notice: Notice, form: Format, host: str) -> bytes:
    """Return one RFC 5424 message. `host` is this machine's name."""
    priority = _FACILITY * 8 + _severity(notice)
    when = notice.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = f"<{priority}>1 {when} {_name(host, 255)} seawall - {notice.kind}"
    if form is Format.CEF:
        return f"{head} - {_BOM}{to_cef(notice)}".encode("utf-8", "replace")
    if form is Format.OCSF:
        return f"{head} - {to_ocsf(notice)}".encode("utf-8", "replace")
    return f"{head} {_data(notice)} {_BOM}{_words(notice)}".encode("utf-8", "replace")


def framed(text: bytes) -> bytes:
    """Count a message's octets before it, so that no byte in it can begin another message."""
    return b"%d %s" % (len(text), text)


def _severity(notice: Notice) -> int:
    return _PRIORITIES.get(
        str(notice.body.get("severity") or notice.body.get("after") or "").capitalize(), _INFORMATIONAL
    )


def _data(notice: Notice) -> str:
    pairs = [(name, plain(value)) for name, value in _facts(notice).items() if value not in (None, "")]
    return f"[{_DATA_ID} {' '.join(f'{name}="{_quoted(value)}"' for name, value in pairs)}]" if pairs else "-"


def _facts(notice: Notice) -> dict[str, object]:
    body = notice.body
    if notice.kind is Send.ALERTS:
        names = {"id": "id", "severity": "severity", "category": "category", "device": "machineId"}
        found = {short: body.get(name) for short, name in names.items()}
        return {**found, "destination": place_of(body), "threat": body.get("threatName")}
    if notice.kind is Send.RISK:
        return {"device": body.get("machineId"), "before": body.get("before"), "after": body.get("after")}
    return {"who": body.get("who"), "what": body.get("what"), "target": body.get("target")}


def _words(notice: Notice) -> str:
    body = notice.body
    if notice.kind is Send.ALERTS:
        return plain(f"{body.get('title')}: {body.get('description')}", 1500)
    if notice.kind is Send.RISK:
        return plain(f"risk of {body.get('machineId')} went from {body.get('before')} to {body.get('after')}")
    return plain(f"{body.get('who')}: {body.get('what')} {body.get('target')}")


def _quoted(value: str) -> str:
    r"""Escape a parameter's value (RFC 5424, 6.3.3).

    >>> print(_quoted('a"b]c\\'))
    a\"b\]c\\
    """
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _name(text: str, most: int) -> str:
    """Return a header field: printable ASCII without spaces, or the nil value."""
    kept = "".join(letter for letter in text if "!" <= letter <= "~")[:most]
    return kept or "-"
