"""Cookies towards upstreams: given back, learnt, insisted on once shown, and no reason ever to go without an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns.upstream_cookies import UpstreamCookies, is_bad_cookie
from tests.support.resolver import addresses, running
from tests.support.upstream import SERVER_COOKIE, FakeUpstream

NAMES = [f"n{number}.example" for number in range(3)]


def sent(upstream: FakeUpstream) -> list[bytes]:
    options = [[bytes(one.data) for one in asked.parsed.ar[0].rdata if one.code == 10] for asked in upstream.asked]
    return [found[0] if found else b"" for found in options]


@pytest.mark.parametrize(
    ("cookies", "sizes"),
    [("", [8, 8, 8]), ("kind", [8, 24, 24]), ("strict", [8, 24, 24, 24])],
)
async def test_the_servers_cookie_is_given_back(
    tmp_path: Path, upstream: FakeUpstream, cookies: str, sizes: list[int]
) -> None:
    upstream.cookies = cookies
    upstream.add(*(f"{name} 60 A 192.0.2.1" for name in NAMES))
    async with running(tmp_path, {"upstreams": [upstream.address]}) as resolver:
        for name in NAMES:
            assert addresses(await resolver.ask(name)) == ["192.0.2.1"]
    found = sent(upstream)
    assert [len(cookie) for cookie in found] == sizes
    assert len({cookie[:8] for cookie in found}) == 1
    assert {cookie[8:] for cookie in found} <= {b"", SERVER_COOKIE}


async def test_two_upstreams_cannot_tell_that_we_are_one(tmp_path: Path, upstream: FakeUpstream) -> None:
    async with FakeUpstream() as second:
        settings = {"upstreams": [upstream.address, second.address], "strategy": "parallel"}
        async with running(tmp_path, settings) as resolver:
            for name in NAMES:
                await resolver.ask(name)
        assert not {cookie[:8] for cookie in sent(upstream)} & {cookie[:8] for cookie in sent(second)}


async def test_an_answer_with_anothers_cookie_is_not_taken(tmp_path: Path, upstream: FakeUpstream) -> None:
    """Who does not see the question cannot forge the answer; who stops giving cookies is asked without them again."""
    upstream.cookies = "kind"
    upstream.add(*(f"{name} 60 A 192.0.2.1" for name in NAMES))
    async with running(tmp_path, {"upstreams": [upstream.address]}) as resolver:
        await resolver.ask(NAMES[0])
        upstream.cookies = "stray"
        async with asyncio.timeout(5):
            assert addresses(await resolver.ask(NAMES[1])) == ["192.0.2.1"]
    assert [len(cookie) for cookie in sent(upstream)] == [8, 24, 8]


@pytest.mark.parametrize("length", [8, 15, 41, 16, 40])
def test_only_cookies_that_may_be_are_learnt(length: int) -> None:
    cookies = UpstreamCookies()
    ours = cookies.option
    option = b"\0\x0a" + length.to_bytes(2) + ours + b"s" * (length - 8)
    cookies.learn(bytes(12) + option)
    assert cookies.option == ours + (b"s" * (length - 8) if 16 <= length <= 40 else b"")


@given(st.binary(max_size=80))
def test_any_bytes_can_be_looked_at(packet: bytes) -> None:
    """What an upstream sends may be anything: nothing is raised, and no cookie is learnt that does not follow ours."""
    cookies = UpstreamCookies()
    ours = cookies.option
    padded = packet + bytes(12)
    cookies.learn(padded)
    assert cookies.option == ours
    assert is_bad_cookie(padded, 0) in (True, False)
    cookies.learn(ours + packet)
    cookies.learn(b"\0\x0a\0\x18" + ours)
    assert cookies.option == ours
