"""PhishTank: its CSV and its JSON export of verified phishing URLs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.documents import read_records, word
from indicators.feeds.entry import Entry, Outcome, Skipped
from indicators.feeds.tables import read_rows
from indicators.feeds.values import read_url
from indicators.words import Category

_LAYOUTS = ("phish_id,url,phish_detail_url,submission_time,verified,verification_time,online,target",)


def parse_csv(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each row gives."""
    for line, _, row in read_rows(lines, _LAYOUTS):
        yield row if isinstance(row, Skipped) else _url(line, row.get("url", ""))


def parse_json(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each record gives."""
    for number, record in read_records(lines):
        yield record if isinstance(record, Skipped) else _url(number, word(record, "url"))


def _url(line: int, text: str) -> Outcome:
    found = read_url(line, text)
    return found._replace(category=Category.PHISHING) if isinstance(found, Entry) else found
