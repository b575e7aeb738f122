"""URLhaus: its CSV and its JSON export. Its host file is `hosts`, its text export is `urls`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.documents import read_records, word
from indicators.feeds.entry import Entry, Outcome, Skipped
from indicators.feeds.tables import read_rows
from indicators.feeds.topics import topic
from indicators.feeds.values import read_url

_LAYOUTS = (
    "id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter",
    "id,dateadded,url,url_status,threat,tags,urlhaus_link,reporter",
)


def parse_csv(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each row gives. Whether a URL answers at the moment does not matter: it may answer again."""
    for line, _, row in read_rows(lines, _LAYOUTS):
        yield row if isinstance(row, Skipped) else _url(line, row.get("url", ""), row.get("threat", ""))


def parse_json(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each record gives."""
    for number, record in read_records(lines):
        if isinstance(record, Skipped):
            yield record
        else:
            yield _url(number, word(record, "url"), word(record, "threat"))


def _url(line: int, text: str, threat: str) -> Outcome:
    found = read_url(line, text)
    return found._replace(category=topic((threat,))) if isinstance(found, Entry) else found
