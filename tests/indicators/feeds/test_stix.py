"""STIX: patterns of the published shapes, and indicators that ask for nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from indicators.feeds.entry import Entry, Skipped, Why
from indicators.feeds.formats import FORMATS
from indicators.feeds.stix_patterns import read_pattern
from indicators.words import Category
from tests.support.parsing import brief, entries

SHA256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def indicator(pattern: str, **fields: object) -> str:
    body = {"type": "indicator", "pattern": pattern, "pattern_type": "stix", **fields}
    return json.dumps({"type": "bundle", "objects": [body]})


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("[domain-name:value='evil.example']", [("domain", "evil.example")]),
        ("[ ipv4-addr:value = '8.8.1.1' ]", [("ip", "8.8.1.1")]),
        ("[ipv6-addr:value = '2606:4700::1']", [("ip", "2606:4700::1")]),
        ("[ipv4-addr:value ISSUBSET '8.8.1.0/24']", [("ip", "8.8.1.0/24")]),
        ("[url:value = 'http://evil.example/a\\'b']", [("url", "evil.example/a'b")]),
        (f"[file:hashes.'SHA-256' = '{SHA256}']", [("sha256", SHA256)]),
        (f"[file:hashes.sha256='{SHA256.upper()}']", [("sha256", SHA256)]),
        (f"[file:hashes.MD5 = '{SHA256[:32]}']", [("md5", SHA256[:32])]),
        (f"[x509-certificate:hashes.'SHA-1' = '{SHA256[:40]}']", [("certificate", SHA256[:40])]),
        (
            "[url:value = 'a.example/x' OR domain-name:value = 'b.example']",
            [("url", "a.example/x"), ("domain", "b.example")],
        ),
        (
            "[domain-name:value = 'a.example'] OR [ipv4-addr:value = '8.8.1.1']",
            [("domain", "a.example"), ("ip", "8.8.1.1")],
        ),
        ("[domain-name:value IN ('a.example', 'b.example')]", [("domain", "a.example"), ("domain", "b.example")]),
        ("[app:id='com.evil']", [(Why.UNSUPPORTED.value, "app:id com.evil")]),
        ("[file:path='/x']", [(Why.UNSUPPORTED.value, "file:path /x")]),
        ("[file:hashes.SSDEEP = 'x']", [(Why.UNSUPPORTED.value, "file:hashes.SSDEEP x")]),
        ("[file:hashes.MD5 = 'x']", [(Why.NOT_A_HASH.value, "x")]),
        (
            "[process:name='x' OR domain-name:value='a.example']",
            [(Why.UNSUPPORTED.value, "process:name x"), ("domain", "a.example")],
        ),
    ],
)
def test_a_pattern(pattern: str, found: list[tuple[str, str]]) -> None:
    assert [one[1:] for one in brief("stix", indicator(pattern))] == found


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "[",
        "[]",
        "[domain-name:value]",
        "[domain-name:value = ]",
        "[domain-name:value = 'a.example'",
        "[domain-name:value = 'a.example' OR",
        "[domain-name:value = 'a.example' OR ]",
        "[domain-name:value = 'a.example' AND ipv4-addr:value = '8.8.1.1']",
        "[domain-name:value = 'a.example'] AND [ipv4-addr:value = '8.8.1.1']",
        "[domain-name:value = 'a.example'] OR",
        "[domain-name:value = 'a.example'] OR x",
        "[domain-name:value = 'a.example'] WITHIN 5 SECONDS",
        "[domain-name:value != 'a.example']",
        "[NOT domain-name:value = 'a.example']",
        "[domain-name:value IN 'a.example']",
        "[domain-name:value IN ('a.example']",
        "[domain-name:value IN (",
        "[email-message:subject MATCHES '^x']",
        "[a:b = 'x' = 'y']",
        "alert tcp any any",
        "['x' = 'y' OR 'z']",
    ],
)
def test_a_pattern_of_another_shape_is_skipped_as_a_whole(pattern: str) -> None:
    assert read_pattern(pattern) is None
    assert [one[1] for one in brief("stix", indicator(pattern))] == [Why.PATTERN.value]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"type": "malware"}, Why.CONTEXT),
        ({"revoked": True}, Why.REVOKED),
        ({"pattern_type": "yara"}, Why.UNSUPPORTED),
        ({"indicator_types": ["benign"]}, Why.NOT_FOR_BLOCKING),
        ({"labels": ["benign"]}, Why.NOT_FOR_BLOCKING),
    ],
)
def test_what_asks_for_nothing(fields: dict[str, object], why: Why) -> None:
    assert brief("stix", indicator("[domain-name:value='evil.example']", **fields))[0][1] == why.value


@pytest.mark.parametrize(
    ("fields", "expires", "confidence", "category"),
    [
        ({}, 0, 100, None),
        ({"valid_until": "2026-12-20T00:00:00Z"}, int(datetime(2026, 12, 20, tzinfo=UTC).timestamp()), 100, None),
        ({"valid_until": "2026-12-20T00:00:00"}, int(datetime(2026, 12, 20, tzinfo=UTC).timestamp()), 100, None),
        ({"valid_until": "1960-01-01T00:00:00Z"}, 1, 100, None),  # over long ago, and not the 0 of never
        ({"valid_until": "soon", "confidence": 40}, 0, 40, None),
        ({"confidence": 900, "labels": ["Phishing"]}, 0, 100, Category.PHISHING),
        ({"confidence": True, "indicator_types": ["malicious-activity", "c2"]}, 0, 100, Category.COMMAND_AND_CONTROL),
    ],
)
def test_what_an_indicator_says_of_itself(
    fields: dict[str, object], expires: int, confidence: int, category: Category | None
) -> None:
    found = next(iter(FORMATS["stix"].parse([indicator("[domain-name:value='evil.example']", **fields)])))
    assert isinstance(found, Entry)
    assert (found.expires, found.confidence, found.category) == (expires, confidence, category)


def test_a_page_is_a_list_or_has_objects() -> None:
    body = {"type": "indicator", "pattern": "[domain-name:value='evil.example']"}
    for page in ([body], {"more": False, "objects": [body]}, body):
        assert brief("stix", json.dumps(page)) == [(1, "domain", "evil.example")]
    assert isinstance(next(iter(FORMATS["stix"].parse(["[1]"]))), Skipped)


def test_the_sample() -> None:
    assert entries("stix", "stix21_bundle.json") == [(1, "url", "evil.example/a'b"), (3, "sha256", SHA256)]
