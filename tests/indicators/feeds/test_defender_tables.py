"""Defender's tables as feeds: every type and action, and rows that it would refuse."""

from __future__ import annotations

import json

import pytest

from indicators.feeds.entry import Entry, Why
from indicators.feeds.formats import FORMATS, recognise
from indicators.words import Action, Category
from tests.support.parsing import brief

HEADER = "indicatorType,indicatorValue,action,title,description,expirationTime,category\n"
ROWS = [
    "DomainName,evil.example,Block,t,d,,Malware\n",
    "Url,https://evil.example/a,Warn,t,d,2030-01-01T00:00:00.0Z,\n",
    "IpAddress,8.8.1.1,Audit,t,d,,\n",
    f"FileSha256,{'a' * 64},BlockAndRemediate,t,d,,\n",
    f"CertificateThumbprint,{'b' * 40},Allowed,t,d,,\n",
    "DomainName,worse.example,BlockAndRemediate,t,d,,\n",
    "Mutex,x,Block,t,d,,\n",
]
FOUND = [
    (1, Why.SETTING.value, HEADER.strip()),
    (2, "domain", "evil.example"),
    (3, "url", "evil.example/a"),
    (4, "ip?", "8.8.1.1"),
    (5, "sha256", "a" * 64),
    (6, "certificate!", "b" * 40),
    (7, Why.UNSUPPORTED.value, "DomainName worse.example blockandremediate"),
    (8, Why.UNSUPPORTED.value, "Mutex x block"),
]


def test_csv() -> None:
    assert recognise([HEADER, *ROWS]) == "defender_csv"
    assert brief("defender_csv", HEADER, *ROWS) == FOUND
    _, first, second, *_ = FORMATS["defender_csv"].parse([HEADER, *ROWS])
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert (first.category, first.expires, first.action) == (Category.MALWARE, 0, None)
    assert (second.expires, second.action) == (1893456000, Action.WARN)


def test_json() -> None:
    names = HEADER.strip().split(",")
    rows = [dict(zip(names, row.strip().split(","), strict=True)) for row in ROWS]
    text = json.dumps({"Indicators": rows})
    assert recognise([text]) == "defender_json"
    assert brief("defender_json", text) == [(line - 1, kind, value) for line, kind, value in FOUND[1:]]


@pytest.mark.parametrize(
    ("format_", "text", "why"),
    [
        ("defender_csv", "a,b\n", Why.MALFORMED),
        ("defender_csv", 'indicatorType,"x\n', Why.MALFORMED),
        ("defender_json", "{}", Why.MALFORMED),
        ("defender_json", '[{"indicatorValue": "x"}]', Why.UNSUPPORTED),
        ("defender_json", "[3]", Why.UNSUPPORTED),
    ],
)
def test_what_is_no_table_is_skipped_with_its_reason(format_: str, text: str, why: Why) -> None:
    assert [one[1] for one in brief(format_, text)] == [why.value]
