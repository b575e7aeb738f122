"""Tables of indicators as Defender imports and exports them: CSV and JSON, both ways. Pure.

Columns are those of Defender's own CSV import; JSON has the keys of its API. What a row means is not known here: a row
becomes the body of a submission, and an indicator becomes a row, or the reason why Defender has no form for it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, NamedTuple

from indicators.indicator import Indicator
from indicators.words import Action, Category, IndicatorType

COLUMNS = (
    "indicatorType",
    "indicatorValue",
    "expirationTime",
    "action",
    "severity",
    "title",
    "description",
    "recommendedActions",
    "rbacGroups",
    "category",
    "mitretechniques",
    "GenerateAlert",
)
MAX_ROWS = 15_000  # Defender's own limit for a tenant
_KEYS = {name.lower(): name for name in COLUMNS}
_BODY = {"rbacGroups": "rbacGroupNames", "mitretechniques": "mitreTechniques", "GenerateAlert": "generateAlert"}
_TYPES = {
    IndicatorType.SHA1: "FileSha1",
    IndicatorType.SHA256: "FileSha256",
    IndicatorType.MD5: "FileMd5",
    IndicatorType.CERTIFICATE: "CertificateThumbprint",
    IndicatorType.IP: "IpAddress",
    IndicatorType.DOMAIN: "DomainName",
    IndicatorType.URL: "Url",
}
TYPES = {name.lower(): kind for kind, name in _TYPES.items()}
"""Our type by Defender's, in lower case."""
_ACTIONS = {Action.ALLOW: "Allowed", Action.AUDIT: "Audit", Action.WARN: "Warn", Action.BLOCK: "Block"}
_CATEGORIES = {
    Category.PHISHING: "InitialAccess",
    Category.MALWARE: "Malware",
    Category.COMMAND_AND_CONTROL: "CommandAndControl",
    Category.SUSPICIOUS: "SuspiciousActivity",
    Category.UNWANTED: "UnwantedSoftware",
}
_FLAGS = {"true": True, "false": False}


class Given(NamedTuple):
    """Hold one row: its number (in CSV the line on which it begins, in JSON its place from 1) and its body."""

    number: int
    body: dict[str, Any]


def is_json(text: str) -> bool:
    """Say whether a table is JSON, not CSV."""
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")


def read_csv(text: str) -> Iterator[Given]:
    """Yield the rows of a CSV table. Raises ValueError when its header is not Defender's."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    try:
        names = [_column(name) for name in next(reader, [])]
        missing = [name for name in ("indicatorType", "indicatorValue", "action") if name not in names]
        if missing:
            raise ValueError(f"line 1: expected a header with the columns {', '.join(missing)}")
        last, count = reader.line_num, 0
        for row in reader:
            if any(cell.strip() for cell in row):
                count += 1
                _check_count(count)
                yield Given(last + 1, _body(dict(zip(names, row, strict=False)), len(row) > len(names)))
            last = reader.line_num
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def _column(name: str) -> str:
    known = _KEYS.get(name.strip().lower())
    if known is None:
        raise ValueError(f"line 1: there is no column {name.strip()!r:.40}; expected {', '.join(COLUMNS)}")
    return known


def _body(cells: Mapping[str, str], too_many: bool) -> dict[str, Any]:
    body: dict[str, Any] = {_BODY.get(name, name): cell.strip() for name, cell in cells.items() if cell.strip()}
    if "generateAlert" in body:
        body["generateAlert"] = _FLAGS.get(body["generateAlert"].lower(), body["generateAlert"])
    return {**body, "": "more cells than the header has"} if too_many else body


def read_json(text: str) -> Iterator[Given]:
    """Yield the indicators of a list, of an import (`Indicators`) or of an answer of the API (`value`)."""
    try:
        found = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if isinstance(found, dict):
        found = found.get("Indicators", found.get("indicators", found.get("value")))
    if not isinstance(found, list):
        raise ValueError("expected a list of indicators, or an object with the key Indicators or value")
    _check_count(len(found))
    for number, one in enumerate(found, 1):
        yield Given(number, one if isinstance(one, dict) else {"": "not an object"})


def _check_count(rows: int) -> None:
    if rows > MAX_ROWS:
        raise ValueError(f"more than {MAX_ROWS:,} rows: at most so many are imported at once")


def body_of(one: Indicator) -> dict[str, Any]:
    """Return an indicator as the API has it. Raises ValueError where Defender has no form for it."""
    why = _unknown_to_defender(one)
    if why:
        raise ValueError(why)
    expires = one.expiration.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0Z") if one.expiration else None
    is_certificate = one.type is IndicatorType.CERTIFICATE and one.action is Action.BLOCK
    return {
        "indicatorType": _TYPES[one.type],
        "indicatorValue": f"https://{one.value}" if one.type is IndicatorType.URL else one.value,
        "expirationTime": expires,
        "action": "BlockAndRemediate" if is_certificate else _ACTIONS[one.action],
        "severity": one.severity.capitalize() if one.severity else None,
        "title": one.title or one.value[:256],
        "description": one.description or one.title or one.value,
        "recommendedActions": one.recommended_actions or None,
        "educateUrl": one.educate_url or None,
        "rbacGroupNames": sorted(one.device_groups),
        "category": _CATEGORIES.get(one.category),
        "generateAlert": one.generate_alert,
    }


def _unknown_to_defender(one: Indicator) -> str:
    if one.type is IndicatorType.IP and "/" in one.value:
        return "Defender takes one address, no network"
    if one.exact:
        return "Defender has no `exact`: a name covers its subdomains and a URL what lies below it"
    if one.type is IndicatorType.CERTIFICATE and one.action in (Action.AUDIT, Action.WARN):
        return f"Defender does not {one.action} certificates"
    if one.devices:
        return "Defender has no indicators for single devices"
    return ""


def write_json(bodies: Iterable[Mapping[str, Any]]) -> str:
    """Return indicators as the body of an import."""
    kept = [{key: value for key, value in body.items() if value is not None} for body in bodies]
    return json.dumps({"Indicators": kept}, indent=2, ensure_ascii=False) + "\n"


def write_csv(bodies: Iterable[Mapping[str, Any]]) -> str:
    """Return indicators as a CSV table, header first; `educateUrl` has no column there."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for body in bodies:
        writer.writerow([_cell(body.get(_BODY.get(name, name))) for name in COLUMNS])
    return out.getvalue()


def _cell(value: str | bool | Sequence[str] | None) -> str:
    if value is None or isinstance(value, bool | str):
        return "" if value is None else str(value)
    return ",".join(value)
