"""TweetFeed's CSV: time, user, kind, value, tags, source. Values are as people posted them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.digests import read_digest
from indicators.feeds.entry import Entry, Outcome, Skipped, Why, skip
from indicators.feeds.tables import read_rows
from indicators.feeds.topics import topic
from indicators.feeds.values import read_host, read_network, read_url
from indicators.words import IndicatorType

_LAYOUTS = ("date,user,type,value,tags,tweet",)
_HASHES = {"sha256": IndicatorType.SHA256, "md5": IndicatorType.MD5}


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each row gives."""
    for line, text, row in read_rows(lines, _LAYOUTS):
        if isinstance(row, Skipped):
            yield row
            continue
        category = topic(row["tags"].split())
        for one in _read(line, text, row["type"], row["value"]):
            yield one._replace(category=category) if isinstance(one, Entry) else one


def _read(line: int, text: str, kind: str, value: str) -> Iterator[Outcome]:
    if kind == "ip":
        yield from read_network(line, value)
    elif kind == "domain":
        yield read_host(line, value)
    elif kind == "url":
        yield read_url(line, value)
    elif kind in _HASHES:
        yield read_digest(line, value, _HASHES[kind])
    else:
        yield skip(line, text, Why.UNSUPPORTED)
