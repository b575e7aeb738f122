"""Spamhaus DROP as JSON lines."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Why
from tests.support.parsing import brief, entries

LINE = '{"cidr":"8.8.1.0/24","sblid":"SBL1","rir":"arin"}'


@pytest.mark.parametrize(("records", "why"), [(1, Why.SETTING), (2, Why.CUT_SHORT)])
def test_the_count_in_the_metadata_is_checked(records: int, why: Why) -> None:
    found = brief("spamhaus_json", "", LINE, f'{{"type":"metadata","records":{records}}}')
    assert [one[1] for one in found] == [Why.BLANK.value, "ip", why.value]


def test_lines_that_name_no_network() -> None:
    found = brief("spamhaus_json", '{"asn":64496}', "[1]", "{", "[" * 10000)
    assert [one[1] for one in found] == [Why.UNSUPPORTED.value, *[Why.MALFORMED.value] * 3]
    assert entries("spamhaus_json", "spamhaus_asndrop.json") == []
    assert entries("ips", "spamhaus_drop.txt") == []  # documentation addresses
