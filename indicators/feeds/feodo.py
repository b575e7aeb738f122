"""Feodo Tracker: addresses of botnet servers, as CSV and JSON. Its text export is `ips`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.documents import read_records, word
from indicators.feeds.entry import Entry, Outcome, Skipped
from indicators.feeds.tables import read_rows
from indicators.feeds.values import read_network
from indicators.words import Category

_LAYOUTS = (
    "first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware",
    "Firstseen,DstIP,DstPort,LastOnline,Malware",
)


def parse_csv(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each row gives."""
    for line, _, row in read_rows(lines, _LAYOUTS):
        if isinstance(row, Skipped):
            yield row
        else:
            yield from _server(line, row.get("dst_ip", "") or row.get("DstIP", ""))


def parse_json(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each record gives."""
    for number, record in read_records(lines):
        if isinstance(record, Skipped):
            yield record
        else:
            yield from _server(number, word(record, "ip_address"))


def _server(line: int, text: str) -> Iterator[Outcome]:
    for one in read_network(line, text):
        yield one._replace(category=Category.COMMAND_AND_CONTROL) if isinstance(one, Entry) else one
