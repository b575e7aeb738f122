"""A snapshot answers as an index in memory over the same indicators does, and as ten plain lines do."""

from __future__ import annotations

import mmap
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.expressions import host_suffixes
from indicators.hosts import parents
from indicators.index import IndexCounts
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.snapshot.layout import SnapshotError, pack, unpack
from indicators.snapshot.reader import Snapshot
from indicators.urls import canonical
from indicators.verdict import Match, Scope
from indicators.words import Action, IndicatorType
from tests.support.snapshots import BUILT, compile_indicators

LATER = datetime(2027, 1, 1, tzinfo=UTC)


def indicator(value: str, type_: str = "domain", feed: str = "one", line: int = 1, **fields: object) -> Indicator:
    action = fields.pop("action", Action.BLOCK)
    return Indicator(value, IndicatorType(type_), action, Origin(feed, False, feed, line), **fields)  # type: ignore[arg-type]


def opened(*indicators: Indicator) -> Snapshot:
    return Snapshot(compile_indicators(indicators).content)


def found(matches: tuple[Match, ...]) -> list[tuple[str, str, int, Scope, int]]:
    return sorted(
        (m.indicator.value, m.indicator.origin.source, m.indicator.origin.line, m.scope, m.length) for m in matches
    )


def test_a_domain_covers_its_subdomains_unless_exact() -> None:
    snapshot = opened(indicator("evil.example", line=7), indicator("only.example", exact=True, line=8))
    assert found(snapshot.on_host("www.evil.example")) == [("evil.example", "one", 7, Scope.PARENT_DOMAIN, 2)]
    assert found(snapshot.on_host("evil.example")) == [("evil.example", "one", 7, Scope.EXACT_HOST, 2)]
    assert found(snapshot.on_host("only.example")) == [("only.example", "one", 8, Scope.EXACT_HOST, 2)]
    assert snapshot.on_host("www.only.example") == snapshot.on_host("notevil.example") == ()
    assert snapshot.mentions("a.b.evil.example")
    assert not snapshot.mentions("example")


def test_several_feeds_may_name_one_host_and_each_is_evidence() -> None:
    feeds = [indicator("evil.example", feed=f"feed{n}", line=n) for n in range(1, 5)]
    again = [indicator("evil.example", feed="feed1", line=99)]
    built = compile_indicators([*feeds, *again])
    assert [source for _, source, *_ in found(Snapshot(built.content).on_host("evil.example"))] == [
        "feed1",
        "feed2",
        "feed3",
        "feed4",
    ]
    assert sum(built.repeated.values()) == 1
    assert built.counts == IndexCounts(hosts=4)


@pytest.mark.parametrize(
    ("url", "hit"),
    [
        ("http://github.com/user/repo/x.exe", True),
        ("https://www.github.com:8443/user/repo/x.exe?a=1", True),
        ("https://github.com/user/repo/x.exe/more", True),
        ("https://github.com/user/repo/x.exe2", False),
        ("https://github.com/user/repo", False),
        ("https://github.com/", False),
        ("https://github.org/user/repo/x.exe", False),
    ],
)
def test_a_url_with_a_path_is_met_as_host_and_path_prefix(url: str, hit: bool) -> None:
    snapshot = opened(indicator("github.com/user/repo/x.exe", "url", line=3), indicator("other.example"))
    assert bool(snapshot.on_url(canonical(url))) is hit
    assert snapshot.on_host("github.com") == ()
    assert snapshot.mentions("github.com")


def test_a_path_on_a_public_suffix_says_nothing_of_its_tenants() -> None:
    snapshot = opened(indicator("github.io/bad", "url"))
    assert snapshot.on_url(canonical("http://github.io/bad"))
    assert not snapshot.on_url(canonical("http://tenant.github.io/bad"))


def test_urls_under_a_host_show_each_action_and_feed_that_occurs() -> None:
    many = [indicator(f"cdn.example/{n}", "url", line=n) for n in range(500)]
    rest = [
        indicator("cdn.example/zz/audit", "url", action=Action.AUDIT, line=501),
        indicator("cdn.example/zz/good", "url", action=Action.ALLOW, feed="two", line=502),
        indicator("cdn.example", feed="three"),
    ]
    snapshot = opened(*many, *rest)
    under = snapshot.urls_under("www.cdn.example")
    assert [(m.action, m.indicator.origin.source) for m in under] == [
        (Action.BLOCK, "one"),
        (Action.AUDIT, "one"),
        (Action.ALLOW, "two"),
    ]
    assert {m.observable for m in under} == {"www.cdn.example"}
    assert snapshot.urls_under("www.cdn.example") is under
    assert snapshot.urls_under("example") == ()
    assert found(snapshot.on_host("cdn.example")) == [("cdn.example", "three", 1, Scope.EXACT_HOST, 2)]


def test_the_representative_of_a_host_is_one_that_lasts() -> None:
    short = [indicator(f"cdn.example/{n}", "url", expiration=LATER, line=n) for n in range(3)]
    under = opened(*short, indicator("cdn.example/zz", "url", line=9)).urls_under("cdn.example")
    assert [m.indicator.value for m in under] == ["cdn.example/zz"]
    assert opened(*short).urls_under("cdn.example")[0].indicator.expiration == LATER


def test_an_exact_url_is_no_prefix_and_a_host_only_url_is_a_host() -> None:
    snapshot = opened(indicator("a.example/x", "url", exact=True), indicator("b.example/", "url"))
    assert snapshot.on_url(canonical("http://a.example/x"))
    assert not snapshot.on_url(canonical("http://a.example/x/y"))
    assert found(snapshot.on_host("www.b.example")) == [("b.example/", "one", 1, Scope.PARENT_DOMAIN, 2)]
    assert not snapshot.on_url(canonical("http://b.example/x"))


def test_a_host_that_is_an_address_is_a_key_like_any_other() -> None:
    snapshot = opened(indicator("192.0.2.7/i", "url"), indicator("2001:db8::1/i", "url"), indicator("1.1.1.1/x", "url"))
    assert snapshot.on_url(canonical("http://192.0.2.7:38010/i"))[0].indicator.value == "192.0.2.7/i"
    assert snapshot.on_url(canonical("http://[2001:db8::1]/i"))[0].indicator.value == "2001:db8::1/i"
    assert snapshot.on_url(canonical("http://1.1.1.1/x"))
    assert not snapshot.mentions("7.2.0.192")


def test_networks_nest_and_the_narrowest_comes_first() -> None:
    values = ["198.51.100.0/24", "198.51.100.64/26", "198.51.100.65", "0.0.0.0/1", "255.255.255.255", "2001:db8::/32"]
    snapshot = opened(*(indicator(value, "ip", line=n) for n, value in enumerate(values)))
    hits = snapshot.on_address(ip_address("198.51.100.65"))
    assert [(m.indicator.value, m.length) for m in hits] == [
        ("198.51.100.65", 32),
        ("198.51.100.64/26", 26),
        ("198.51.100.0/24", 24),
    ]
    assert [m.length for m in snapshot.on_address(ip_address("198.51.100.66"))] == [26, 24]
    assert snapshot.on_address(ip_address("198.51.101.0")) == ()
    assert snapshot.on_address(ip_address("255.255.255.255"))
    assert snapshot.on_address(ip_address("::ffff:198.51.100.1"))[0].observable == "::ffff:198.51.100.1"
    assert snapshot.on_address(ip_address("2001:db8:1::1"))[0].indicator.value == "2001:db8::/32"
    assert snapshot.on_address(ip_address("2001:db9::")) == snapshot.on_address(ip_address("::1")) == ()


def test_digests_of_every_length_and_certificates() -> None:
    values = {"md5": "0" * 32, "sha1": "1" * 40, "sha256": "2" * 64, "certificate": "3" * 40}
    snapshot = opened(*(indicator(value, kind) for kind, value in values.items()))
    for kind, value in values.items():
        if kind != "certificate":
            assert snapshot.on_hash(value)[0].indicator.type == kind
    assert snapshot.on_hash("3" * 40) == snapshot.on_hash("abc") == snapshot.on_hash("f" * 64) == ()
    assert snapshot.on_certificate("3" * 40)[0].scope is Scope.CERTIFICATE
    assert snapshot.on_certificate("ff") == snapshot.on_certificate("1" * 40) == ()
    assert snapshot.counts() == IndexCounts(hashes=3, certificates=1)


def test_what_does_not_fit_four_bytes_is_kept_all_the_same() -> None:
    far = indicator("far.example", line=50_000_000)
    ending = indicator("ending.example", expiration=LATER, line=2)
    snapshot = opened(far, ending)
    assert snapshot.on_host("far.example")[0].indicator.origin.line == 50_000_000
    assert snapshot.on_host("ending.example")[0].indicator.expiration == LATER


def test_more_profiles_than_ten_bits_can_number() -> None:
    rows = [indicator(f"h{n}.example", feed=f"feed{n}", line=n) for n in range(1100)]
    snapshot = opened(*rows)
    for n in (0, 1020, 1021, 1099):
        assert found(snapshot.on_host(f"h{n}.example")) == [(f"h{n}.example", f"feed{n}", n, Scope.EXACT_HOST, 2)]


def test_an_empty_snapshot_knows_nothing() -> None:
    snapshot = opened()
    assert snapshot.counts() == IndexCounts()
    assert not snapshot.mentions("example")
    assert snapshot.on_url(canonical("http://example/")) == snapshot.on_address(ip_address("192.0.2.1")) == ()
    assert (snapshot.built, snapshot.inputs, snapshot.feeds) == (BUILT, "test", ())


def test_it_works_from_a_mapping_and_keeps_it_alive(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(compile_indicators([indicator("evil.example")]).content)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    snapshot = Snapshot(memoryview(mapped))
    with pytest.raises(BufferError):
        mapped.close()
    del mapped
    assert snapshot.on_host("evil.example")


@pytest.mark.parametrize("lost", ["meta", "names", "names.words", "v4"])
def test_a_snapshot_without_a_section_or_with_a_foreign_one_is_refused(lost: str) -> None:
    sections = dict(unpack(compile_indicators([indicator("evil.example")]).content))
    with pytest.raises(SnapshotError, match="damaged"):
        Snapshot(pack({name: view for name, view in sections.items() if name != lost}))
    with pytest.raises(SnapshotError, match="damaged"):
        Snapshot(pack({**sections, lost: b"abc"}))


LABELS = st.sampled_from(["a", "b", "evil", "x1", "www"])
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"]))
PATHS = st.lists(st.sampled_from(["/", "a", "b", "ab", "?", "&", "=1"]), max_size=6).map(
    lambda parts: "/" + "".join(parts)
)
EXPRESSIONS = st.tuples(HOSTS, PATHS).map(lambda pair: canonical("http://" + pair[0] + pair[1]).expression)
NETS = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda n: str(ip_network(n, strict=False))),
    st.tuples(st.integers(2**125, 2**125 + 2**20), st.integers(90, 128)).map(
        lambda n: str(ip_network(n, strict=False))
    ),
).map(lambda text: text.removesuffix("/32") if "." in text else text.removesuffix("/128"))
KINDS = st.one_of(
    st.tuples(st.just("domain"), HOSTS), st.tuples(st.just("url"), EXPRESSIONS), st.tuples(st.just("ip"), NETS)
)
INDICATORS = st.lists(
    st.builds(
        lambda kind, feed, action, exact: indicator(kind[1], kind[0], feed, 1, action=action, exact=exact),
        KINDS,
        st.sampled_from(["one", "two"]),
        st.sampled_from(list(Action)),
        st.booleans(),
    ).filter(lambda one: not (one.type == "ip" and one.exact)),
    max_size=30,
    unique_by=lambda one: (one.value, one.origin.source, one.action, one.exact),
)


@given(INDICATORS, st.lists(HOSTS, max_size=8), st.lists(EXPRESSIONS, max_size=8))
def test_it_agrees_with_the_index_in_memory(known: list[Indicator], hosts: list[str], urls: list[str]) -> None:
    """Invariant: hosts and URLs get the same matches from the mapped file as from dictionaries."""
    snapshot, memory = opened(*known), MemoryIndex(known)
    for host in [*hosts, *(one.host for one in known if one.host)]:
        assert snapshot.mentions(host) == memory.mentions(host)
        assert set(snapshot.on_host(host)) == set(memory.on_host(host))
        assert {m.action for m in snapshot.urls_under(host)} == {m.action for m in memory.urls_under(host)}
    for text in [*urls, *(one.value for one in known if one.type == "url")]:
        assert set(snapshot.on_url(canonical(text))) == set(memory.on_url(canonical(text)))


@given(INDICATORS, st.lists(st.integers(0, 2**32 - 1)))
def test_addresses_agree_with_a_plain_search(known: list[Indicator], numbers: list[int]) -> None:
    """Invariant: an address meets exactly the networks that hold it, narrowest first."""
    snapshot = opened(*known)
    nets = [(ip_network(one.value), one) for one in known if one.type == "ip"]
    edges = [address for net, _ in nets for address in (net.network_address, net.broadcast_address)]
    around = [type(a)(int(a) + d) for a in edges for d in (-1, 0, 1) if 0 <= int(a) + d < 2**a.max_prefixlen]
    for address in [*map(ip_address, numbers), *around]:
        hits = snapshot.on_address(address)
        assert {m.indicator for m in hits} == {one for net, one in nets if address in net}
        assert [m.length for m in hits] == sorted((m.length for m in hits), reverse=True)


@given(INDICATORS, EXPRESSIONS)
def test_urls_agree_with_ten_plain_lines(known: list[Indicator], text: str) -> None:
    """Invariant: a URL meets the values that are prefixes of one of its Safe Browsing hosts, at a boundary."""
    url = canonical(text)
    target = url.expression[len(url.host) :]
    expected = set()
    for one in known:
        path = one.value[len(one.host) :]
        if (
            one.type == "url"
            and not one.is_host_only
            and one.host in host_suffixes(url.host)
            and target.startswith(path)
        ):
            rest = target[len(path) :]
            if not rest or (not one.exact and (rest[0] in "/?&" or path[-1] in "/?&")):
                expected.add(one)
    assert {m.indicator for m in opened(*known).on_url(url)} == expected
    hosts = {one for one in known if one.type == "domain" and one.value in parents(url.host)}
    hosts = {one for one in hosts if one.value == url.host or not one.exact}
    assert hosts <= {m.indicator for m in opened(*known).on_host(url.host)}


GLANCED = st.sampled_from(("evil", "a.evil", "evil.example", "a.evil.example", "b.a.evil.example", "x.example"))


@given(
    st.lists(st.tuples(GLANCED, st.sampled_from(("one", "two")), st.booleans(), st.integers(1, 9)), max_size=12),
    GLANCED,
    GLANCED,
)
def test_a_glance_tells_what_matches_would(rows: list[tuple[str, str, bool, int]], host: str, other: str) -> None:
    """Invariant: a glance has the names and lines of `on_host`, in order; equal kinds differ in nothing else."""
    snapshot = opened(*[indicator(name, feed=feed, exact=exact, line=line) for name, feed, exact, line in rows])
    seen = {}
    for one in (host, other):
        matches, glance = snapshot.on_host(one), snapshot.glance(one)
        where = [each for match in matches for each in (len(match.indicator.value), match.indicator.origin.line)]
        assert (list(glance[1]) if glance else []) == where
        seen[one] = (glance, [(m.scope, m.action, m.indicator.origin.source, m.indicator.exact) for m in matches])
    if seen[host][0] and seen[other][0] and seen[host][0][0] == seen[other][0][0]:
        assert seen[host][1] == seen[other][1]


def test_a_glance_does_not_speak_of_what_expires_or_of_nothing() -> None:
    snapshot = opened(indicator("soon.example", expiration=LATER), indicator("evil.example/path", "url"))
    assert snapshot.glance("soon.example") is snapshot.glance("evil.example") is snapshot.glance("good.example") is None
