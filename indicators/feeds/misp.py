"""MISP feed events: the attributes that their publisher marks for detection (`to_ids`), those of objects too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from indicators.feeds.digests import read_digest
from indicators.feeds.documents import Fields, Json, read_document, word
from indicators.feeds.entry import Entry, Outcome, Skipped, Why, skip
from indicators.feeds.topics import topic
from indicators.feeds.values import read_host, read_network, read_url
from indicators.words import IndicatorType

type _Reader = Callable[[int, str], Iterator[Outcome]]


def _digest(kind: IndicatorType) -> _Reader:
    def read(number: int, value: str) -> Iterator[Outcome]:
        yield read_digest(number, value, kind)

    return read


def _host(number: int, value: str) -> Iterator[Outcome]:
    yield read_host(number, value)


def _url(number: int, value: str) -> Iterator[Outcome]:
    yield read_url(number, value)


_READERS: dict[str, _Reader] = {
    "domain": _host,
    "hostname": _host,
    "url": _url,
    "uri": _url,
    "ip": read_network,
    "ip-dst": read_network,
    "md5": _digest(IndicatorType.MD5),
    "sha1": _digest(IndicatorType.SHA1),
    "sha256": _digest(IndicatorType.SHA256),
    "x509-fingerprint-sha1": _digest(IndicatorType.CERTIFICATE),
}
_IGNORED = frozenset(("port", "filename"))  # halves of a composite value that say nothing alone


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each attribute gives, numbered from 1 through all events of the document."""
    document = read_document(lines)
    if isinstance(document, Skipped):
        yield document
        return
    for number, (attribute, tags) in enumerate(_attributes(document), 1):
        if isinstance(attribute, dict):
            yield from _attribute(number, attribute, tags)
        else:
            yield skip(number, f"a JSON {type(attribute).__name__}", Why.MALFORMED)


def _attributes(document: Json) -> Iterator[tuple[Json, list[str]]]:
    for event in document if isinstance(document, list) else [document]:
        body = event.get("Event") if isinstance(event, dict) else None
        if not isinstance(body, dict):
            yield None, []
            continue
        tags = _tags(body)
        for holder in [body, *_list(body, "Object")]:
            for one in _list(holder, "Attribute") if isinstance(holder, dict) else [holder]:
                yield one, tags


def _attribute(number: int, fields: Fields, tags: list[str]) -> Iterator[Outcome]:
    kind, value = word(fields, "type"), word(fields, "value")
    if fields.get("to_ids") is not True or fields.get("deleted") is True:
        yield skip(number, f"{kind} {value}", Why.NOT_FOR_BLOCKING)
        return
    kinds, values = kind.split("|"), value.split("|")
    if len(kinds) != len(values) or not set(kinds) <= _READERS.keys() | _IGNORED or set(kinds) <= _IGNORED:
        yield skip(number, f"{kind} {value}", Why.UNSUPPORTED)
        return
    category = topic([*_tags(fields), *tags])
    for one, part in zip(kinds, values, strict=True):
        for found in _READERS[one](number, part) if one not in _IGNORED else ():
            yield found._replace(category=category) if isinstance(found, Entry) else found


def _tags(fields: Fields) -> list[str]:
    return [word(one, "name") for one in _list(fields, "Tag") if isinstance(one, dict)]


def _list(fields: Fields, name: str) -> list[Json]:
    value = fields.get(name)
    return value if isinstance(value, list) else []
