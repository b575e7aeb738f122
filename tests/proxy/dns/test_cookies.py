"""DNS cookies: what the client sent comes back beside ours, and a cookie of a wrong size is no query."""

from __future__ import annotations

import pytest
from dnslib import RCODE, DNSRecord, EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns.cookies import BadCookieError, Cookies
from proxy.dns.question import Edns
from tests.support.resolver import Running, addresses, question
from tests.support.upstream import FakeUpstream

MINE = bytes(range(8))


def edns(cookie: bytes) -> Edns:
    return Edns(1232, 0, False, b"\0\x0a" + len(cookie).to_bytes(2) + cookie)


@given(st.binary(max_size=60))
def test_sizes(cookie: bytes) -> None:
    """8 octets, or 16 to 40, get a cookie of 24 that begins with the client's; any other size is refused."""
    if len(cookie) == 8 or 16 <= len(cookie) <= 40:
        found = Cookies().answer(edns(cookie), "192.0.2.1", 5.0)
        assert (found[:8], len(found)) == (cookie[:8], 24)
    else:
        with pytest.raises(BadCookieError):
            Cookies().answer(edns(cookie), "192.0.2.1", 5.0)


def test_each_client_and_each_secret_has_its_own() -> None:
    one = Cookies(b"secret").answer(edns(MINE), "192.0.2.1", 5.0)
    assert Cookies(b"secret").answer(edns(MINE), "192.0.2.1", 5.9) == one
    others = {
        Cookies(b"secret").answer(edns(MINE), "192.0.2.2", 5.0),
        Cookies(b"secret").answer(edns(MINE), "192.0.2.1", 6.0),
        Cookies(b"secret").answer(edns(bytes(8)), "192.0.2.1", 5.0),
        Cookies(b"other").answer(edns(MINE), "192.0.2.1", 5.0),
        Cookies().answer(edns(MINE), "192.0.2.1", 5.0),
    }
    assert len(others | {one}) == 6


@pytest.mark.parametrize("sent", [None, Edns(1232, 0, False, b""), Edns(1232, 0, False, b"\0\x08\0\4\0\1\0\0")])
def test_who_sends_none_gets_none(sent: Edns | None) -> None:
    assert Cookies().answer(sent, "192.0.2.1", 0.0) == b""


@pytest.mark.parametrize("name", ["good.example", "evil.example"])
async def test_a_cookie_comes_back(resolver: Running, upstream: FakeUpstream, name: str) -> None:
    for _ in range(3):
        found = await resolver.ask(name, edns=1232, options=[EDNSOption(10, MINE)])
        [cookie] = [one.data for one in found.ar[0].rdata if one.code == 10]
        assert (bytes(cookie[:8]), len(cookie)) == (MINE, 24)
        assert addresses(found)
    for asked in upstream.asked:  # each hop has a cookie of its own
        assert [(one.code, len(one.data)) for one in asked.parsed.ar[0].rdata] == [(10, 8)]
        assert MINE not in asked.packet


async def test_a_cookie_of_a_wrong_size(resolver: Running, upstream: FakeUpstream) -> None:
    reply = await resolver.udp(question("good.example", edns=1232, options=[EDNSOption(10, MINE[:5])]))
    assert reply is not None
    assert DNSRecord.parse(reply).header.rcode == RCODE.FORMERR
    assert not upstream.asked
