"""Ways by which a device would leave this resolver unseen, and upstreams that behave in every wrong way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dnslib import RCODE

from tests.support.resolver import addresses, extended_errors, running
from tests.support.upstream import FakeUpstream

# Well-known names of each kind, written down here so that the data file cannot lose them unnoticed.
KNOWN = {
    "DoH and DoT": "dns.google cloudflare-dns.com one.one.one.one dns.quad9.net doh.opendns.com dns.adguard-dns.com "
    "dns.nextdns.io mozilla.cloudflare-dns.com chrome.cloudflare-dns.com dns.mullvad.net",
    "ODoH": "odoh.cloudflare-dns.com",
    "iCloud Private Relay": "mask.icloud.com mask-h2.icloud.com",
}
NAMES = [(kind, name) for kind, names in KNOWN.items() for name in names.split()]


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=[name for _, name in NAMES])
@pytest.mark.parametrize("policy", ["allow", "block"])
async def test_other_resolvers_by_policy(
    tmp_path: Path, upstream: FakeUpstream, kind: str, name: str, policy: str
) -> None:
    upstream.add(f"{name} 60 A 192.0.2.1", f"{name} 60 HTTPS 1 . alpn=h2")
    async with running(tmp_path, {"upstreams": [upstream.address], "encrypted_dns": policy}) as resolver:
        for qtype in ("A", "AAAA", "HTTPS"):
            found = await resolver.ask(name, qtype, edns=1232)
            blocked = policy == "block"
            assert found.header.rcode == (RCODE.NXDOMAIN if blocked else RCODE.NOERROR), kind
            assert [code for code, _ in extended_errors(found)] == ([17] if blocked else [])
        assert (await resolver.ask(f"sub.{name}", edns=1232)).header.rcode == found.header.rcode
    assert (name in upstream.names) is (policy == "allow")


@pytest.mark.parametrize("policy", ["allow", "block"])
@pytest.mark.parametrize(
    ("name", "qtype", "rcode"),
    [
        ("_dns.resolver.arpa", "SVCB", "NOERROR"),
        ("_dns.resolver.arpa", "A", "NOERROR"),
        ("resolver.arpa", "SOA", "NOERROR"),
        ("use-application-dns.net", "A", "NXDOMAIN"),
        ("use-application-dns.net", "AAAA", "NXDOMAIN"),
    ],
)
async def test_canaries_and_designated_resolvers(
    tmp_path: Path, upstream: FakeUpstream, policy: str, name: str, qtype: str, rcode: str
) -> None:
    async with running(tmp_path, {"upstreams": [upstream.address], "encrypted_dns": policy}) as resolver:
        found = await resolver.ask(name, qtype, edns=1232)
    assert (addresses(found), RCODE[found.header.rcode]) == ([], rcode)
    assert not upstream.asked


RIGHT = frozenset(
    "garbage wrong_id wrong_question other_port truncated slow lower_case stray_flood no_edns slow_once".split()
)
WRONG = frozenset("silent cut_records no_question servfail refused oversized".split())


@pytest.mark.parametrize("how", sorted(RIGHT | WRONG))
async def test_an_upstream_that_misbehaves(tmp_path: Path, upstream: FakeUpstream, how: str) -> None:
    """Nothing that an upstream does takes longer than five seconds, or brings an address that it was not asked for."""
    upstream.behave("good.example", how)
    upstream.add("calm.example 60 A 192.0.2.3")
    async with running(tmp_path, {"upstreams": [upstream.address]}) as resolver:
        async with asyncio.timeout(20):
            found = await resolver.ask("good.example", edns=1232)
        if how in RIGHT:
            assert (addresses(found), found.header.rcode) == (["192.0.2.10"], RCODE.NOERROR)
        else:
            assert addresses(found) == []
            assert found.header.rcode == (RCODE.REFUSED if how == "refused" else RCODE.SERVFAIL)
        async with asyncio.timeout(20):
            assert addresses(await resolver.ask("calm.example")) == ["192.0.2.3"]


@pytest.mark.parametrize("how", ["close", "tcp_garbage", "silent"])
async def test_a_stream_upstream_that_misbehaves(tmp_path: Path, upstream: FakeUpstream, how: str) -> None:
    upstream.behave("good.example", how)
    upstream.add("calm.example 60 A 192.0.2.3")
    async with running(tmp_path, {"upstreams": [f"tcp://{upstream.address}"]}) as resolver:
        async with asyncio.timeout(20):
            assert (await resolver.ask("good.example")).header.rcode == RCODE.SERVFAIL
        async with asyncio.timeout(20):
            assert addresses(await resolver.ask("calm.example")) == ["192.0.2.3"]
