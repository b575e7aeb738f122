"""The index in memory finds what covers an observable, and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.addresses import parse_address, parse_network
from indicators.index import IndexCounts, IndicatorIndex
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.urls import canonical
from indicators.verdict import Match, Scope
from indicators.words import Action, IndicatorType

ORIGIN = Origin("custom", custom=True)


def one(
    value: str, kind: IndicatorType = IndicatorType.DOMAIN, action: Action = Action.BLOCK, **more: bool
) -> Indicator:
    return Indicator(value, kind, action, ORIGIN, **more)  # type: ignore[arg-type]


def url(value: str, action: Action = Action.BLOCK, **more: bool) -> Indicator:
    return one(value, IndicatorType.URL, action, **more)


def ip(value: str) -> Indicator:
    return one(value, IndicatorType.IP)


def told(matches: tuple[Match, ...]) -> list[tuple[str, Scope, int]]:
    return [(match.indicator.value, match.scope, match.length) for match in matches]


HOSTS = MemoryIndex(
    [
        one("evil.example"),
        one("www.evil.example"),
        one("only.example", exact=True),
        one("zip"),
        url("page.example/"),
        url("root.example/", exact=True),
        url("deep.example/a"),
    ]
)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("evil.example", [("evil.example", Scope.EXACT_HOST, 2)]),
        (
            "www.evil.example",
            [("www.evil.example", Scope.EXACT_HOST, 3), ("evil.example", Scope.PARENT_DOMAIN, 2)],
        ),
        (
            "a.www.evil.example",
            [("www.evil.example", Scope.PARENT_DOMAIN, 3), ("evil.example", Scope.PARENT_DOMAIN, 2)],
        ),
        ("notevil.example", []),
        ("evil.example.test", []),
        ("only.example", [("only.example", Scope.EXACT_HOST, 2)]),
        ("www.only.example", []),
        ("a.b.zip", [("zip", Scope.PARENT_DOMAIN, 1)]),
        ("page.example", [("page.example/", Scope.EXACT_HOST, 2)]),
        ("www.page.example", [("page.example/", Scope.PARENT_DOMAIN, 2)]),
        ("root.example", []),
        ("deep.example", []),
        ("192.0.2.1", []),
    ],
)
def test_hosts(host: str, found: list[tuple[str, Scope, int]]) -> None:
    matches = HOSTS.on_host(host)
    assert told(matches) == found
    assert all(match.observable == host for match in matches)
    assert HOSTS.mentions(host) or not found


@pytest.mark.parametrize(
    ("host", "mentioned"),
    [("deep.example", True), ("www.deep.example", True), ("example", False), ("good.test", False), ("", False)],
)
def test_mentions(host: str, mentioned: bool) -> None:
    assert HOSTS.mentions(host) is mentioned


@pytest.mark.parametrize(
    ("value", "text", "covered"),
    [
        ("h.example/a", "https://h.example/a", True),
        ("h.example/a", "http://h.example:8080/a", True),
        ("h.example/a", "https://h.example/a/b", True),
        ("h.example/a", "https://h.example/a?b", True),
        ("h.example/a", "https://h.example/ab", False),
        ("h.example/a", "https://h.example/A", False),
        ("h.example/a", "https://h.example/", False),
        ("h.example/a", "https://h.example/b/a", False),
        ("h.example/a", "https://www.h.example/a", True),
        ("h.example/a", "https://xh.example/a", False),
        ("h.example/a", "https://h.example/./x/../a#f", True),
        ("h.example/a", "https://h.example/%61", True),
        ("h.example/a/", "https://h.example/a/b", True),
        ("h.example/a/", "https://h.example/a", False),
        ("h.example/a?q=1", "https://h.example/a?q=1", True),
        ("h.example/a?q=1", "https://h.example/a?q=1&r=2", True),
        ("h.example/a?q=1", "https://h.example/a?q=12", False),
        ("h.example/a?q=1", "https://h.example/a", False),
        ("h.example/?q=1", "https://h.example/?q=1&r=2", True),
        ("192.0.2.1/a", "http://192.0.2.1/a", True),
        ("192.0.2.1/a", "http://0xc0000201/a", True),
        ("2001:db8::1/a", "http://[2001:DB8::1]/a/b", True),
    ],
)
def test_url_prefixes(value: str, text: str, covered: bool) -> None:
    index = MemoryIndex([url(value)])
    seen = canonical(text)
    length = len(value) - value.index("/")
    assert told(index.on_url(seen)) == ([(value, Scope.URL, length)] if covered else [])
    assert index.mentions(seen.host) or not covered


def test_exact_urls_and_several_lengths() -> None:
    index = MemoryIndex([url("h.example/a", exact=True), url("h.example/"), url("h.example/a/b"), url("example/a")])
    assert told(index.on_url(canonical("http://h.example/a"))) == [
        ("h.example/a", Scope.URL, 2),
        ("example/a", Scope.URL, 2),
    ]
    assert told(index.on_url(canonical("http://h.example/a/b/c"))) == [
        ("h.example/a/b", Scope.URL, 4),
        ("example/a", Scope.URL, 2),
    ]
    assert told(MemoryIndex([url("h.example/", exact=True)]).on_url(canonical("http://h.example/a"))) == []
    assert told(MemoryIndex([url("h.example/", exact=True)]).on_url(canonical("http://h.example"))) != []


PATHS = st.from_regex(r"/[ab/?&]{0,6}", fullmatch=True)


@given(st.lists(PATHS, max_size=6), PATHS)
def test_a_url_is_covered_just_by_its_prefixes_at_boundaries(values: list[str], target: str) -> None:
    """The index agrees with the rule of prefixes, tried on each value in turn."""
    seen = canonical("http://h.example" + target)
    tail = seen.expression[len("h.example") :]
    index = MemoryIndex([url("h.example" + value) for value in values])
    expected = [
        "h.example" + value
        for value in values
        if value != "/"
        and tail.startswith(value)
        and (tail == value or value[-1] in "/?&" or tail[len(value)] in "/?&")
    ]
    assert sorted(match.indicator.value for match in index.on_url(seen)) == sorted(expected)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("192.0.2.7", [("192.0.2.7", 32), ("192.0.2.0/24", 24), ("0.0.0.0/0", 0)]),
        ("192.0.2.8", [("192.0.2.0/24", 24), ("0.0.0.0/0", 0)]),
        ("::ffff:192.0.2.8", [("192.0.2.0/24", 24), ("0.0.0.0/0", 0)]),
        ("64:ff9b::192.0.2.8", [("192.0.2.0/24", 24), ("0.0.0.0/0", 0)]),
        ("2001:db8::7", [("2001:db8::/32", 32)]),
        ("2001:db9::7", []),
    ],
)
def test_addresses(address: str, found: list[tuple[str, int]]) -> None:
    index = MemoryIndex(map(ip, ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7", "2001:db8::/32"]))
    matches = index.on_address(parse_address(address))
    assert [(match.indicator.value, match.length) for match in matches] == found
    assert all((match.scope, match.observable) == (Scope.NETWORK, str(parse_address(address))) for match in matches)


def test_networks_agree_with_the_standard_library() -> None:
    dice = random.Random(7)
    networks = {f"10.{dice.randrange(4)}.{dice.randrange(4)}.0/{bits}" for bits in (24, 25, 30) for _ in range(12)}
    index = MemoryIndex(map(ip, networks))
    for _ in range(200):
        address = parse_address(f"10.{dice.randrange(4)}.{dice.randrange(4)}.{dice.randrange(256)}")
        expected = {network for network in networks if address in parse_network(network)}
        assert {match.indicator.value for match in index.on_address(address)} == expected


def test_hashes_and_certificates() -> None:
    kinds = {"a" * 64: IndicatorType.SHA256, "b" * 40: IndicatorType.SHA1, "c" * 32: IndicatorType.MD5}
    certificate = one("b" * 40, IndicatorType.CERTIFICATE)
    index = MemoryIndex([*(one(value, kind) for value, kind in kinds.items()), certificate])
    for value, kind in kinds.items():
        assert told(index.on_hash(value)) == [(value, Scope[kind.name], len(value))]
    assert told(index.on_certificate("b" * 40)) == [("b" * 40, Scope.CERTIFICATE, 40)]
    assert index.on_hash("d" * 64) == index.on_certificate("a" * 40) == ()
    assert index.counts() == IndexCounts(hashes=3, certificates=1)


def test_urls_under_a_host_are_few_and_stand_for_all() -> None:
    many = [url(f"h.example/{number}", action) for number in range(500) for action in (Action.BLOCK, Action.ALLOW)]
    index = MemoryIndex([*many, url("example/x", Action.WARN), one("h.example")])
    found = index.urls_under("www.h.example")
    assert [match.action for match in found] == [Action.BLOCK, Action.WARN, Action.ALLOW]
    assert {match.observable for match in found} == {"www.h.example"}
    assert index.urls_under("other.test") == ()
    assert MemoryIndex().urls_under("h.example") == ()


def test_counts_and_the_protocol() -> None:
    index: IndicatorIndex = HOSTS
    assert index.counts() == IndexCounts(hosts=5, urls=2)
    assert index.counts().total == 7
    assert MemoryIndex().counts().total == 0
