"""ThreatFox: its CSV (14 or 15 columns, blanks after commas) and its JSON export.

Below 75 % confidence, and on a site that is only compromised, an entry is audited: a URL with a path on such a site is
still blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.digests import read_digest
from indicators.feeds.documents import read_records, whole, word
from indicators.feeds.entry import Entry, Outcome, Skipped, Why, skip
from indicators.feeds.tables import read_rows
from indicators.feeds.topics import topic
from indicators.feeds.values import read_host, read_network, read_url
from indicators.words import Action, IndicatorType

_OLD = (
    "first_seen_utc,ioc_id,ioc_value,ioc_type,threat_type,fk_malware,malware_alias,malware_printable,last_seen_utc,"
    "confidence_level,reference,tags,anonymous,reporter"
)
_LAYOUTS = (_OLD.replace("confidence_level,", "confidence_level,is_compromised,"), _OLD)
_SURE = 75  # percent, from which on the publisher advises to block
_HASHES = {
    "md5_hash": IndicatorType.MD5,
    "sha1_hash": IndicatorType.SHA1,
    "sha256_hash": IndicatorType.SHA256,
}


def parse_csv(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each row gives."""
    for line, _, row in read_rows(lines, _LAYOUTS):
        if isinstance(row, Skipped):
            yield row
            continue
        found = _read(line, row.get("ioc_type", ""), row.get("ioc_value", ""))
        sure = whole(row.get("confidence_level", ""))
        compromised = row.get("is_compromised", "").lower() in ("true", "1")
        yield from (_marked(one, sure, row.get("threat_type", ""), compromised) for one in found)


def parse_json(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each record gives."""
    for number, record in read_records(lines):
        if isinstance(record, Skipped):
            yield record
            continue
        kind, value = word(record, "ioc_type"), word(record, "ioc_value") or word(record, "ioc")
        sure = whole(record.get("confidence_level"))
        compromised = record.get("is_compromised") in (True, "True", "true", 1)
        found = _read(number, kind, value)
        yield from (_marked(one, sure, word(record, "threat_type"), compromised) for one in found)


def _read(line: int, kind: str, value: str) -> Iterator[Outcome]:
    if kind == "ip:port":
        yield from read_network(line, value)
    elif kind == "domain":
        yield read_host(line, value)
    elif kind == "url":
        yield read_url(line, value)
    elif kind in _HASHES:
        yield read_digest(line, value, _HASHES[kind])
    else:
        yield skip(line, f"{kind} {value}", Why.UNSUPPORTED)


def _marked(found: Outcome, sure: int | None, threat: str, compromised: bool) -> Outcome:
    if not isinstance(found, Entry):
        return found
    confidence = min(sure, 100) if sure is not None else 100
    on_site = found.type is IndicatorType.DOMAIN or (found.type is IndicatorType.URL and found.value.endswith("/"))
    weak = confidence < _SURE or (compromised and on_site)
    return found._replace(confidence=confidence, category=topic((threat,)), action=Action.AUDIT if weak else None)
