from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators import safe_browsing
from indicators.safe_browsing import canonical_form, escape, legacy_ipv4, tail, unescape

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
PUBLISHED = json.loads((VECTORS / "safebrowsing_canonical.json").read_text())


def _text(row: dict[str, Any]) -> str | bytes:
    encoding = row.get("input_encoding")
    return row["input"].encode(encoding) if encoding else row["input"]


@pytest.mark.parametrize("row", PUBLISHED["canonical"], ids=lambda row: f"{row['profile']} {row['input']!a}")
def test_published_canonical_forms(row: dict[str, Any]) -> None:
    assert canonical_form(_text(row)) == row["canonical"]


@pytest.mark.parametrize("row", PUBLISHED["ipv4"], ids=lambda row: f"{row['profile']} {row['host']}")
def test_published_ipv4_forms(row: dict[str, Any]) -> None:
    assert legacy_ipv4(row["host"]) == row["expected"]


def test_published_rows_are_all_there() -> None:
    assert [row["profile"] for row in PUBLISHED["canonical"]].count("spec") == 33
    assert [row["profile"] for row in PUBLISHED["canonical"]].count("spec_v5") == 3
    assert len(PUBLISHED["ipv4"]) == 29


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("1", "0.0.0.1"),
        ("1.2", "1.0.0.2"),
        ("1.2.3.256", "1.2.3.0"),
        ("4294967296", "0.0.0.0"),
        ("08.1.1.1", None),
        ("0x", None),
        ("1..2", None),
        ("1.2.3.4.", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_ipv4_forms_of_old_resolvers(host: str, expected: str | None) -> None:
    assert legacy_ipv4(host) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC"),
        ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/"),
        ("http://user:pass@Evil.com:80/a", "http://evil.com/a"),
        ("HTTPS://evil.com?q", "https://evil.com/?q"),
        (b"http://\xffEvil.com/", "http://%FFevil.com/"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]/"),
        ("http://..evil..com../a/./b/..", "http://evil.com/a/"),
    ],
)
def test_whole_urls_by_the_rules(text: str | bytes, expected: str) -> None:
    assert canonical_form(text) == expected


@pytest.mark.parametrize("text", ["", "http://", "http:///a", "http://.../", "http://user@:80/", "http://[::g]/", "?q"])
def test_a_url_without_a_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no host|is not an IP address"):
        canonical_form(text)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/", None, ("/", None)),
        ("", None, ("/", None)),
        ("/a//b/", "c//d/../e", ("/a/b/", "c//d/../e")),
        ("/a/%2e%2E/b", None, ("/b", None)),
        ("/../..//", None, ("/", None)),
        ("/a/.", None, ("/a/", None)),
        ("/a/..b/...", None, ("/a/..b/...", None)),
        ("/a%3Fb", None, ("/a", "b")),
        ("/a%253Fb", "c?d", ("/a", "b?c?d")),
        ("/a%5Cb", "c%5Cd", ("/a/b", "c\\d")),
        ("/%2523", "%23", ("/%23", "%23")),
        ("/%", "%4", ("/%25", "%254")),
        ("/%7f%80 ", None, ("/%7F%80%20", None)),
        ("/a", "", ("/a", "")),
    ],
)
def test_path_and_query(path: str, query: str | None, expected: tuple[str, str | None]) -> None:
    assert tail(path, query) == expected


NESTED = st.text("%%%2535aF41", max_size=60)


def _by_passes(text: str) -> str:
    raw = text.encode("latin-1")
    while (then := unquote_to_bytes(raw)) != raw:
        raw = then
    return raw.decode("latin-1")


@given(NESTED | st.text(st.characters(max_codepoint=255)))
def test_unescaping_ends_where_repeated_passes_end(text: str) -> None:
    """Invariant: both ways give what unescaping pass by pass gives."""
    assert unescape(text) == safe_browsing._unescape_nested(text) == _by_passes(text)


@given(st.text(st.characters(max_codepoint=255)))
def test_escaped_text_is_printable_and_comes_back(text: str) -> None:
    """Invariant: escaping leaves printable ASCII without `#`, and unescaping once undoes it."""
    escaped = escape(text)
    assert escaped.isascii() and "#" not in escaped and all("!" <= letter <= "~" for letter in escaped)
    assert unquote_to_bytes(escaped).decode("latin-1") == text


@given(st.text("/.%2eE5Cc3Fa", max_size=40), st.none() | st.text("%253fa/?", max_size=20))
def test_canonical_tails_are_fixed_points(path: str, query: str | None) -> None:
    """Invariant: a canonical tail is its own canonical form, and its path has no `?`, no `//` and no dot segment."""
    found = tail("/" + path, query)
    assert tail(*found) == found
    assert found[0].startswith("/") and "//" not in found[0] and "?" not in found[0]
    assert not {".", ".."} & set(found[0].split("/"))


@pytest.mark.parametrize("text", ["%" + "25" * 50_000, "%3" * 30_000 + "%35" + "5" * 30_000])
def test_deeply_nested_escapes_cost_linear_time(text: str) -> None:
    begin = time.process_time()
    assert len(unescape(text)) <= len(text) / 3
    assert time.process_time() - begin < 10  # pass by pass would take minutes
