"""Defender's tables of indicators as a feed: its CSV and its JSON. `indicators/defender.py` takes them apart."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from indicators.defender import TYPES, read_json
from indicators.feeds.digests import read_digest
from indicators.feeds.entry import Entry, Outcome, Why, skip
from indicators.feeds.lines import content
from indicators.feeds.topics import topic
from indicators.feeds.values import read_host, read_network, read_url
from indicators.words import Action, IndicatorType

_ACTIONS = {"allowed": Action.ALLOW, "allow": Action.ALLOW, "audit": Action.AUDIT, "alert": Action.AUDIT}
_ACTIONS["warn"] = Action.WARN
_BLOCKS = frozenset(("block", "blockandremediate", "alertandblock"))
_NETWORK = frozenset((IndicatorType.DOMAIN, IndicatorType.URL, IndicatorType.IP))


def parse_csv(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives; a row must stand on one line. The first line with content is the header."""
    names: list[str] = []
    for line, text, skipped in content(lines):
        cells = [] if skipped else _cells(text)
        if skipped:
            yield skipped
        elif not names and "indicatorvalue" in map(str.lower, cells):
            names = [name.lower() for name in cells]
            yield skip(line, text, Why.SETTING)
        elif names and len(cells) <= len(names):
            yield from _row(line, dict(zip(names, cells, strict=False)))
        else:
            yield skip(line, text, Why.MALFORMED)


def _cells(text: str) -> list[str]:
    try:
        return [cell.strip() for row in csv.reader([text], strict=True) for cell in row]
    except csv.Error:
        return []


def parse_json(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each indicator gives. The whole document is held in memory."""
    try:
        for number, body in read_json("".join(lines)):
            yield from _row(number, {name.lower(): value for name, value in body.items()})
    except ValueError as error:
        yield skip(1, str(error), Why.MALFORMED)


def _row(line: int, body: dict[str, Any]) -> Iterator[Outcome]:
    value, action = str(body.get("indicatorvalue", "")), str(body.get("action", "")).lower()
    kind = TYPES.get(str(body.get("indicatortype", "")).lower())
    remediates = kind in _NETWORK and action in ("blockandremediate", "alertandblock")
    if kind is None or remediates or action not in _BLOCKS | _ACTIONS.keys():
        yield skip(line, f"{body.get('indicatortype')} {value} {action}", Why.UNSUPPORTED)
        return
    category = topic((str(body.get("category", "")),))
    expires = _moment(body.get("expirationtime"))
    for one in _values(line, kind, value):
        yield (
            one._replace(action=_ACTIONS.get(action), category=category, expires=expires)
            if isinstance(one, Entry)
            else one
        )


def _values(line: int, kind: IndicatorType, value: str) -> Iterator[Outcome]:
    if kind is IndicatorType.IP:
        yield from read_network(line, value)
    elif kind is IndicatorType.DOMAIN:
        yield read_host(line, value)
    elif kind is IndicatorType.URL:
        yield read_url(line, value)
    else:
        yield read_digest(line, value, kind)


def _moment(value: object) -> int:
    """Return a time in Unix seconds, 0 for none; one that cannot be read is none."""
    try:
        when = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return 0
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()) if when else 0
