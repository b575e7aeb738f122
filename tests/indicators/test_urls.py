from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.hosts import canonical_host
from indicators.urls import CanonicalUrl, canonical, safe_browsing, whatwg_href

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
PUBLISHED = json.loads((VECTORS / "safebrowsing_canonical.json").read_text())["canonical"]

# Rows of the published rules that no client can connect to: the WHATWG parser refuses a host with a blank or a `#`.
NO_SUCH_HOST = {
    "http://host%23.com/%257Ea%2521b%2540c%2523d%2524e%25f%255E00%252611%252A22%252833%252944_55%252B",
    "http://\x01\x80.com/",
    "http:// leadingspace.com/",
    "http://%20leadingspace.com/",
    "%20leadingspace.com/",
}


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row['profile']} {row['input']!a}")
def test_published_canonical_forms(row: dict[str, Any]) -> None:
    if row["input"] in NO_SUCH_HOST:
        with pytest.raises(ValueError, match="is not a URL"):
            canonical(row["input"])
    else:
        url = canonical(row["input"])
        host = f"[{url.host}]" if ":" in url.host else url.host
        assert f"{url.scheme}://{host}{url.expression.removeprefix(url.host)}" == row["canonical"]


def test_the_published_rules_alone_take_bytes() -> None:
    assert safe_browsing(b"http://\x01\x80.com/") == "http://%01%80.com/"


@pytest.fixture(scope="module")
def rows(large_data: Callable[[str], Path]) -> list[dict[str, Any]]:
    return [row for row in json.loads(large_data("vectors/urltestdata.json").read_text()) if isinstance(row, dict)]


PARTS = "href protocol username password host hostname port pathname search hash".split()


def test_the_parser_passes_every_web_platform_case(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == 891
    wrong = [row["input"] for row in rows if _parts(row) != (None if row.get("failure") else [row[p] for p in PARTS])]
    assert wrong == []


def _parts(row: dict[str, Any]) -> list[str] | None:
    try:
        url = ada_url.URL(_scalar(row["input"]), _scalar(row["base"]) if row["base"] else None)
    except ValueError:
        return None
    return [getattr(url, part) for part in PARTS]


def _scalar(text: str) -> str:
    """Replace lone surrogates, as a browser does before it parses."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def test_our_parts_are_the_parsers_for_every_web_platform_case(rows: list[dict[str, Any]]) -> None:
    hrefs = {row["href"] for row in rows if row.get("protocol") in ("http:", "https:", "ws:", "wss:", "ftp:")}
    assert len(hrefs) > 200
    refused = sorted(href for href in hrefs if not _agrees(href))
    assert refused == ["http://../", "http://./", "http://foo.09../"]  # no host is left without the outer dots


def _agrees(href: str) -> bool:
    parsed = ada_url.URL(href)
    try:
        host = canonical_host(parsed.hostname)
    except ValueError:
        return False
    url = canonical(href)
    whole = parsed.href.partition("#")[0]
    query = parsed.search.removeprefix("?") if "?" in whole else None
    assert (url.href, url.scheme + ":", url.host) == (parsed.href, parsed.protocol, host)
    assert url.port == (int(parsed.port) if parsed.port else None)
    if "%" not in whole and "//" not in parsed.pathname:
        assert (url.path, url.query) == (parsed.pathname, query)
    return True


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "path", "query"),
    [
        ("http://evil.com\\@good.com/", "http", "evil.com", None, "/@good.com/", None),
        ("https://good.com@evil.com/", "https", "evil.com", None, "/", None),
        ("https://good.com%40evil.com@evil.net:8443/x", "https", "evil.net", 8443, "/x", None),
        ("https:evil.com/a", "https", "evil.com", None, "/a", None),
        ("http:///evil.com/", "http", "evil.com", None, "/", None),
        ("http:\\\\evil.com\\a", "http", "evil.com", None, "/a", None),
        ("  HTTP://EVIL.com:80/A \n", "http", "evil.com", None, "/A", None),
        ("ht\ntps://ev\til.com/", "https", "evil.com", None, "/", None),
        ("\u00a0evil.com", None, None, None, None, None),
        ("https://evil.com:443/", "https", "evil.com", None, "/", None),
        ("http://evil.com:443/", "http", "evil.com", 443, "/", None),
        ("wss://evil.com/s?", "wss", "evil.com", None, "/s", ""),
        ("evil.com", "http", "evil.com", None, "/", None),
        ("evil.com:8080/a?b#c", "http", "evil.com", 8080, "/a", "b"),
        ("evil.com?b", "http", "evil.com", None, "/", "b"),
        ("http://0x7f.1/", "http", "127.0.0.1", None, "/", None),
        ("2130706433/a", "http", "127.0.0.1", None, "/a", None),
        ("http://[::ffff:127.0.0.1]/", "http", "127.0.0.1", None, "/", None),
        ("2001:db8::1/a", "http", "2001:db8::1", None, "/a", None),
        ("[2001:db8::1]:81/a", "http", "2001:db8::1", 81, "/a", None),
        ("dead:beef::1/a", "http", "dead:beef::1", None, "/a", None),
        (" http:evil.com", "http", "evil.com", None, "/", None),
        ("\nhttp:80", "http", "0.0.0.80", None, "/", None),
        ("http:80", "http", "0.0.0.80", None, "/", None),
        ("localhost:80", "http", "localhost", None, "/", None),
        ("::1", "http", "::1", None, "/", None),
        ("http://evil.com../a", "http", "evil.com", None, "/a", None),
        ("http://evil.com/a%2Fb%252fc//d?e%2Ff//g", "http", "evil.com", None, "/a/b/c/d", "e/f//g"),
        ("http://evil.com/é?é", "http", "evil.com", None, "/%C3%A9", "%C3%A9"),
        ("http://evil.com/%E9", "http", "evil.com", None, "/%E9", None),
    ],
)
def test_canonical_parts(
    text: str, scheme: str | None, host: str, port: int | None, path: str, query: str | None
) -> None:
    if scheme is None:
        with pytest.raises(ValueError, match="is not"):
            canonical(text)
    else:
        url = canonical(text)
        assert url == CanonicalUrl(url.href, scheme, host, port, path, query)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "http://", "http://...", "http:///", "/etc/passwd", "//evil.com/", "\\evil.com", "?q", "#f"),
        *("mailto:a@evil.com", "javascript:alert(1)", "file:///etc/passwd", "data:text/plain,a", "about:blank"),
        *("hxxp://evil.com/", "foo://evil.com/", "evil.com:99999", "http://evil.com:x/", "http://a b/", "evil[.]com"),
        *("http://256.1.1.1/", "http://[::g]/", "1:2:3", "::1::/", "http://\ud800/", f"http://{'a' * 64}.com/"),
    ],
)
def test_what_is_no_web_url_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|longer than") as caught:
        canonical(text)
    assert type(caught.value) is ValueError
    assert len(str(caught.value)) < 200


PIECES = st.sampled_from(
    "http:// https:// wss:// HTTP: evil.com EVIL.com. 0x7f.1 [::1] ::1 bücher.de xn--a.com user:p@ss@ :80 :8080 / // "
    "\\ /a /../ /./ %2e%2e/ %2525 %2F %3F %5C %23 %09 ? ?q=%20 # #f é ' \" ^ | { %".split(" ")
)
URLS = st.lists(PIECES, max_size=10).map("".join) | st.tuples(st.text(max_size=20), st.text(max_size=20)).map(
    lambda pair: f"http://{pair[0]}.com/{pair[1]}"
)


@given(URLS)
def test_canonical_urls_are_fixed_points(text: str) -> None:
    """Invariant: a URL's href is parsed to the same URL, and its expression to the same expression."""
    url = _or_none(text)
    if url is not None:
        assert canonical(url.href) == url
        assert canonical(url.expression).expression == url.expression
        assert canonical(url.expression) == canonical(f"http://{_bracketed(url)}")
        assert url.host == canonical_host(url.host)
        assert url.path.startswith("/") and "?" not in url.path and url.expression.isascii()


def _or_none(text: str) -> CanonicalUrl | None:
    try:
        return canonical(text)
    except ValueError:
        return None


def _bracketed(url: CanonicalUrl) -> str:
    return url.expression.replace(url.host, f"[{url.host}]", 1) if ":" in url.host else url.expression


@given(URLS)
def test_hrefs_split_as_the_parser_splits_them(text: str) -> None:
    """Invariant: scheme, host, port are those that the parser's own getters give."""
    url = _or_none(text)
    if url is not None:
        assert _agrees(url.href)
        assert whatwg_href(url.href) == url.href
