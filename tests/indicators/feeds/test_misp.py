"""MISP events: only what is marked for detection, composite values, and tags as categories."""

from __future__ import annotations

import json

import pytest

from indicators.feeds.entry import Entry, Why
from indicators.feeds.formats import FORMATS
from indicators.words import Category
from tests.support.parsing import brief, entries

MD5 = "0cc175b9c0f1b6a831c399e269772661"


def event(*attributes: object, **fields: object) -> str:
    return json.dumps({"Event": {"Attribute": attributes, **fields}})


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("hostname", "Evil.example", [("domain", "evil.example")]),
        ("ip-dst", "8.8.1.1", [("ip", "8.8.1.1")]),
        ("ip-dst|port", "8.8.1.1|80", [("ip", "8.8.1.1")]),
        ("domain|ip", "evil.example|8.8.1.1", [("domain", "evil.example"), ("ip", "8.8.1.1")]),
        ("filename|md5", f"a.apk|{MD5}", [("md5", MD5)]),
        ("filename", "a.apk", [(Why.UNSUPPORTED.value, "filename a.apk")]),
        ("ip-src", "8.8.1.1", [(Why.UNSUPPORTED.value, "ip-src 8.8.1.1")]),
        ("domain|ip", "evil.example", [(Why.UNSUPPORTED.value, "domain|ip evil.example")]),
    ],
)
def test_an_attribute(kind: str, value: str, found: list[tuple[str, str]]) -> None:
    assert [one[1:] for one in brief("misp", event({"type": kind, "value": value, "to_ids": True}))] == found


@pytest.mark.parametrize("fields", [{}, {"to_ids": False}, {"to_ids": "true"}, {"to_ids": True, "deleted": True}])
def test_what_is_not_for_detection(fields: dict[str, object]) -> None:
    found = brief("misp", event({"type": "domain", "value": "evil.example", **fields}))
    assert [one[1] for one in found] == [Why.NOT_FOR_BLOCKING.value]


def test_a_tag_of_the_attribute_goes_before_one_of_the_event() -> None:
    attribute = {"type": "domain", "value": "evil.example", "to_ids": True}
    tagged = attribute | {"Tag": [{"name": 'circl:incident="phishing"'}]}
    outcomes = FORMATS["misp"].parse([event(attribute, tagged, Tag=[{"name": "malware"}, 1])])
    assert [one.category for one in outcomes if isinstance(one, Entry)] == [Category.MALWARE, Category.PHISHING]


def test_several_events_and_what_is_none() -> None:
    good = json.loads(event({"type": "domain", "value": "evil.example", "to_ids": True}, 5))
    assert [one[1] for one in brief("misp", json.dumps([good, {}, 3]))] == ["domain", *[Why.MALFORMED.value] * 3]


def test_the_sample() -> None:
    found = entries("misp", "misp_e4e97113-80f9-55f5-9c3a-1abdbbf4b0e1.json")
    assert [one[:2] for one in found] == [
        (1, "domain"),
        (2, "url"),
        (5, "domain"),
        (6, "sha256"),
        (7, "sha256"),
        (10, "certificate"),
        (11, "url"),
    ]
