"""Defender's tables: read, written, and read again; each row has its number."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.indicator_form import read_submission
from indicators.defender import COLUMNS, body_of, is_json, read_csv, read_json, write_csv, write_json
from indicators.indicator import Indicator, Origin
from indicators.words import Action, Category, IndicatorType, Severity

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ORIGIN = Origin("api", custom=True)
VALUES = {
    IndicatorType.DOMAIN: ["evil.example", "xn--mnchen-3ya.example"],
    IndicatorType.URL: ["evil.example/a/b?c=1,2", "evil.example/"],
    IndicatorType.IP: ["8.8.1.1", "2a00:1::1"],
    IndicatorType.SHA256: ["a" * 64],
    IndicatorType.SHA1: ["b" * 40],
    IndicatorType.MD5: ["c" * 32],
    IndicatorType.CERTIFICATE: ["d" * 40],
}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)
WORDS = st.lists(TEXT, min_size=1, max_size=4).map(' "x", '.join)


@st.composite
def indicators(draw: st.DrawFn) -> Indicator:
    kind = draw(st.sampled_from(IndicatorType))
    certificate = (Action.ALLOW, Action.BLOCK)
    action = draw(st.sampled_from(certificate if kind is IndicatorType.CERTIFICATE else tuple(Action)))
    return Indicator(
        draw(st.sampled_from(VALUES[kind])),
        kind,
        action,
        ORIGIN,
        draw(st.sampled_from([one for one in Category if one is not Category.MALICIOUS])),
        draw(WORDS),
        draw(WORDS),
        draw(st.none() | st.sampled_from(Severity)),
        draw(st.none() | st.integers(1, 10**9).map(lambda more: datetime.fromtimestamp(NOW.timestamp() + more, UTC))),
        True if action is Action.AUDIT else draw(st.booleans()),
        draw(st.just("") | WORDS),
        device_groups=draw(st.frozensets(st.sampled_from(["children", "guests", "Über uns"]))),
    )


@given(st.lists(indicators(), max_size=4))
def test_what_is_exported_is_imported_again(given_: list[Indicator]) -> None:
    """Both tables, read by Defender's rules, give the same indicators."""
    bodies = [body_of(one) for one in given_]
    for rows in (read_csv(write_csv(bodies)), read_json(write_json(bodies))):
        assert [read_submission(row.body, NOW).indicator for row in rows] == given_


def test_the_columns_are_those_of_defenders_import() -> None:
    (header, row) = csv.reader(io.StringIO(write_csv([body_of(one("evil.example", IndicatorType.DOMAIN))])))
    assert header == list(COLUMNS)
    assert set(header) >= {
        "indicatorType",
        "indicatorValue",
        "action",
        "rbacGroups",
        "mitretechniques",
        "GenerateAlert",
    }
    assert dict(zip(header, row, strict=True))["GenerateAlert"] == "True"


def one(value: str, kind: IndicatorType, action: Action = Action.BLOCK, **more: object) -> Indicator:
    return Indicator(value, kind, action, ORIGIN, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("indicator", "why"),
    [
        (one("192.0.2.0/24", IndicatorType.IP), "no network"),
        (one("evil.example", IndicatorType.DOMAIN, exact=True), "no `exact`"),
        (one("d" * 40, IndicatorType.CERTIFICATE, Action.WARN), "does not warn certificates"),
        (one("evil.example", IndicatorType.DOMAIN, devices=frozenset({"d1"})), "single devices"),
    ],
)
def test_what_defender_has_no_form_for_is_said(indicator: Indicator, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        body_of(indicator)


def test_rows_are_numbered_by_the_line_they_begin_on() -> None:
    header = "\ufeffIndicatorType,indicatorValue,action,title\r\n\r\n"
    text = header + 'Url,a.example/x,Block,"two\nlines"\nUrl,b.example/,Warn,t\n'
    found = [(row.number, row.body["indicatorValue"]) for row in read_csv(text)]
    assert found == [(3, "a.example/x"), (5, "b.example/")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: expected a header"),
        ("indicatorType,indicatorValue\n", "expected a header with the columns action"),
        ("indicatorType,indicatorValue,action,colour\n", "there is no column 'colour'"),
        ('indicatorType,indicatorValue,action\n"a', "line 2"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        list(read_csv(text))


@pytest.mark.parametrize("text", ["{", "7", '{"Indicators": 3}', '{"other": []}'])
def test_json_that_holds_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|expected a list"):
        list(read_json(text))


def test_an_answer_of_the_api_is_read_too() -> None:
    assert is_json('\ufeff {"value": []}')
    assert not is_json("indicatorType,")
    assert [row.body for row in read_json('{"value": [{"indicatorValue": "a"}, 3]}')] == [
        {"indicatorValue": "a"},
        {"": "not an object"},
    ]
    (row,) = read_csv("indicatorType,indicatorValue,action\na,b,c,d\n")
    assert row.body[""] == "more cells than the header has"
