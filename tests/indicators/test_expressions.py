from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.expressions import expressions, host_suffixes, path_prefixes
from indicators.public_suffix import is_public_suffix
from indicators.urls import canonical

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
PUBLISHED = json.loads((VECTORS / "safebrowsing_expressions.json").read_text())


@pytest.mark.parametrize("row", PUBLISHED["expressions"], ids=lambda row: f"{row['profile']} {row['url']}")
def test_published_expressions(row: dict[str, Any]) -> None:
    assert list(expressions(canonical(row["url"]))) == row["expressions"]


@pytest.mark.parametrize("row", [row for row in PUBLISHED["hashes"] if "sha256" in row], ids=lambda row: row["input"])
def test_published_hashes_are_of_our_expressions(row: dict[str, Any]) -> None:
    """A list is looked up by the hash of the expression's UTF-8."""
    text = row["input"]
    found = expressions(canonical(text))[0] if "/" in text else text
    assert sha256(found.encode()).hexdigest() == row["sha256"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.com", "example.com"),
        ("www.example.com", "www.example.com example.com"),
        ("example.co.uk", "example.co.uk"),
        ("a.example.co.uk", "a.example.co.uk example.co.uk"),
        ("a.b.c.d.e.co.uk", "a.b.c.d.e.co.uk b.c.d.e.co.uk c.d.e.co.uk d.e.co.uk e.co.uk"),
        ("z.a.b.c.d.e.co.uk", "z.a.b.c.d.e.co.uk b.c.d.e.co.uk c.d.e.co.uk d.e.co.uk e.co.uk"),
        ("tenant.blogspot.com", "tenant.blogspot.com"),
        ("github.io", "github.io"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_host_suffixes(host: str, expected: str) -> None:
    assert list(host_suffixes(host)) == expected.split()


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/", None, ["/"]),
        ("/", "q", ["/?q", "/"]),
        ("/", "", ["/?", "/"]),
        ("/a", None, ["/a", "/"]),
        ("/a/", None, ["/a/", "/"]),
        ("/a/b/", "q", ["/a/b/?q", "/a/b/", "/", "/a/"]),
        ("/a/b/c/d/e.html", None, ["/a/b/c/d/e.html", "/", "/a/", "/a/b/", "/a/b/c/"]),
        ("/a/b/c/", None, ["/a/b/c/", "/", "/a/", "/a/b/"]),
    ],
)
def test_path_prefixes(path: str, query: str | None, expected: list[str]) -> None:
    assert list(path_prefixes(path, query)) == expected


LABELS = st.lists(st.text("abc09-", min_size=1, max_size=5), max_size=9)
ENDS = st.sampled_from(["com", "co.uk", "github.io", "nosuchtld", "b.example", "xn--p1ai"])
PATHS = st.lists(st.text("ab.%25/?#", max_size=4), max_size=9).map("/".join)


@given(LABELS, ENDS, PATHS)
def test_expressions_are_few_distinct_and_name_no_public_suffix(labels: list[str], end: str, path: str) -> None:
    """Invariant: at most thirty, each once, all `host/…`, the URL's own first, no public suffix but the host itself."""
    url = canonical(".".join([*labels, end]) + "/" + path)
    found = expressions(url)
    assert len(found) == len(set(found)) <= 30
    assert found[0] == url.expression
    for expression in found:
        host = expression.partition("/")[0]
        assert url.host == host or (url.host.endswith("." + host) and not is_public_suffix(host))
        assert canonical(expression).expression == expression
