"""STIX 2.1 bundles and TAXII pages: their indicators, and why each other object is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from indicators.feeds.digests import read_digest
from indicators.feeds.documents import Fields, Json, read_document, whole, word, words
from indicators.feeds.entry import Outcome, Skipped, Why, skip
from indicators.feeds.stix_patterns import Comparison, read_pattern
from indicators.feeds.topics import topic
from indicators.feeds.values import read_host, read_network, read_url
from indicators.words import IndicatorType

_HASHES = {
    "md5": IndicatorType.MD5,
    "sha1": IndicatorType.SHA1,
    "sha256": IndicatorType.SHA256,
}
_ADDRESSES = frozenset(("ipv4-addr:value", "ipv6-addr:value", "network-traffic:dst_ref.value"))
_HARMLESS = frozenset(("benign", "anonymization"))  # STIX 2.1, 10.10: indicator types that warn of nothing


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each object gives, numbered from 1."""
    document = read_document(lines)
    if isinstance(document, Skipped):
        yield document
        return
    objects = document.get("objects", [document]) if isinstance(document, dict) else document
    for number, one in enumerate(objects if isinstance(objects, list) else [objects], 1):
        yield from _object(number, one)


def _object(number: int, one: Json) -> Iterator[Outcome]:
    if not isinstance(one, dict):
        yield skip(number, f"a JSON {type(one).__name__}", Why.MALFORMED)
        return
    pattern = word(one, "pattern")
    why = _why_not(one)
    comparisons = None if why else read_pattern(pattern)
    if not comparisons:
        yield skip(number, pattern or f"{word(one, 'type')} {word(one, 'id')}", why or Why.PATTERN)
        return
    expires = _until(word(one, "valid_until"))
    confidence = whole(one.get("confidence"))
    category = topic([*words(one, "labels"), *words(one, "indicator_types")])
    for comparison in comparisons:
        for found in _read(number, comparison):
            yield (
                found
                if isinstance(found, Skipped)
                else found._replace(
                    expires=expires,
                    category=category,
                    confidence=100 if confidence is None else max(0, min(confidence, 100)),
                )
            )


def _why_not(one: Fields) -> Why | None:
    if word(one, "type") != "indicator":
        return Why.CONTEXT
    if one.get("revoked") is True:
        return Why.REVOKED
    if word(one, "pattern_type") not in ("stix", ""):
        return Why.UNSUPPORTED
    return Why.NOT_FOR_BLOCKING if _HARMLESS & {*words(one, "indicator_types"), *words(one, "labels")} else None


def _read(number: int, comparison: Comparison) -> Iterator[Outcome]:
    path, value = comparison
    thing, _, rest = path.partition(":")
    if path == "domain-name:value":
        yield read_host(number, value)
    elif path == "url:value":
        yield read_url(number, value)
    elif path in _ADDRESSES:
        yield from read_network(number, value)
    elif rest.startswith("hashes.") and thing in ("file", "x509-certificate"):
        kind = _HASHES.get(rest.removeprefix("hashes.").strip("'").replace("-", "").lower())
        if thing != "file":
            kind = IndicatorType.CERTIFICATE if kind is IndicatorType.SHA1 else None
        yield read_digest(number, value, kind) if kind else skip(number, f"{path} {value}", Why.UNSUPPORTED)
    else:
        yield skip(number, f"{path} {value}", Why.UNSUPPORTED)


def _until(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return max(1, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())) if text else 0
    except (ValueError, OverflowError):
        return 0
