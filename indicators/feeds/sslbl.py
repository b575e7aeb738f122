"""SSLBL: thumbprints (SHA-1) of certificates of botnet servers, and addresses of such servers, as CSV.

A JA3 fingerprint is shared with ordinary clients and is not matched: its rows are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.digests import read_digest
from indicators.feeds.entry import Entry, Outcome, Skipped, Why, skip
from indicators.feeds.tables import Row, read_rows
from indicators.feeds.values import read_network
from indicators.words import Category, IndicatorType

_CERTIFICATES = "Listingdate,SHA1,Listingreason"
_LAYOUTS = (_CERTIFICATES, "ja3_md5,Firstseen,Lastseen,Listingreason", "Firstseen,DstIP,DstPort")


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each row gives."""
    for line, text, row in read_rows(lines, _LAYOUTS):
        if isinstance(row, Skipped):
            yield row
            continue
        for one in _read(line, text, row):
            yield one._replace(category=Category.COMMAND_AND_CONTROL) if isinstance(one, Entry) else one


def _read(line: int, text: str, row: Row) -> Iterator[Outcome]:
    if "ja3_md5" in row:
        yield skip(line, text, Why.UNSUPPORTED)
    elif "DstIP" in row:
        yield from read_network(line, row["DstIP"])
    else:
        yield read_digest(line, row.get("SHA1", ""), IndicatorType.CERTIFICATE)
