"""Lookups and raw queries of the gateway's other processes, over the resolver's socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dnslib import DNSRecord

from indicators.observation import Device
from indicators.words import IdentifiedBy, Visibility
from proxy.dns import inside
from proxy.dns.lookup import LookupClient, ResolverUnreachableError
from proxy.dns.wire import Lookup, frame, read_frame
from tests.support.resolver import BLOCK_EVIL, Running, TestPolicy, addresses, extended_errors, question, running
from tests.support.upstream import FakeUpstream

PHONE = Device("phone", "Mira's phone", "family", IdentifiedBy.CREDENTIAL, "192.0.2.200", "http")


@pytest.fixture
async def client(resolver: Running) -> AsyncIterator[LookupClient]:
    made = LookupClient(resolver.socket_path)
    yield made
    await made.close()


def spelt(found: Lookup) -> list[str]:
    return [str(address) for address in found.addresses]


async def test_both_families_with_ttl_and_chain(client: LookupClient, upstream: FakeUpstream) -> None:
    upstream.add("www.example 50 CNAME good.example")
    upstream.add("good.example 40 A 192.0.2.10", under="www.example")
    found = await client.lookup("WWW.Example", PHONE)
    assert found.chain == ("good.example",)
    assert spelt(found) == ["192.0.2.10"]
    assert 0 < found.ttl <= 40
    found = await client.lookup("good.example", PHONE)
    assert (spelt(found), found.chain, found.ttl) == (["192.0.2.10", "2001:db8::10"], (), 60)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("fixed.example", ["127.0.0.1"]),
        ("seawall.internal", ["127.0.0.1"]),
        ("192.0.2.55", ["192.0.2.55"]),
        ("0x7f.1", ["127.0.0.1"]),
        ("[::1]", ["::1"]),
    ],
)
async def test_names_that_need_no_upstream(
    client: LookupClient, upstream: FakeUpstream, host: str, expected: list[str]
) -> None:
    assert spelt(await client.lookup(host, PHONE)) == expected
    assert not upstream.asked


async def test_a_blocked_host_is_blocked_and_never_forwarded(
    client: LookupClient, resolver: Running, upstream: FakeUpstream
) -> None:
    found = await client.lookup("www.evil.example", PHONE)
    assert (found.blocked, found.addresses, found.error) == (True, (), "")
    assert "evil.example" in found.reason
    assert not upstream.asked
    assert not resolver.reporter.reports  # who asks reports it, with its page


async def test_what_a_host_leads_to_is_judged_and_named(tmp_path: Path, upstream: FakeUpstream) -> None:
    policy = TestPolicy(BLOCK_EVIL, {"block": "198.51.100.66"})
    upstream.add("cloaked.example 60 CNAME evil.example", "bad.example 60 A 198.51.100.66")
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver:
        client = LookupClient(resolver.socket_path)
        found = await client.lookup("cloaked.example", PHONE)
        assert (found.blocked, found.addresses, found.chain) == (True, (), ("evil.example",))
        for host in ("bad.example", "198.51.100.66"):
            found = await client.lookup(host, PHONE)
            assert (found.blocked, found.addresses, [str(one) for one in found.refused]) == (
                True,
                (),
                ["198.51.100.66"],
            )
        await client.close()


async def test_reach_decides_what_is_final(tmp_path: Path, upstream: FakeUpstream) -> None:
    policy = TestPolicy({"block": "good.example"}, {"allow": "https://good.example/fine/"})
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver:
        client = LookupClient(resolver.socket_path)
        assert spelt(await client.lookup("good.example", PHONE, Visibility.URL)) == ["192.0.2.10", "2001:db8::10"]
        assert (await client.lookup("good.example", PHONE, Visibility.SNI)).blocked
        await client.close()


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("none.example", "nxdomain"),
        ("empty.example", "nodata"),
        ("broken.example", "servfail"),
        ("not a name", "bad_name"),
        ("a" * 64 + ".example", "bad_name"),
        ("", "bad_name"),
    ],
)
async def test_errors(client: LookupClient, upstream: FakeUpstream, host: str, error: str) -> None:
    upstream.rcode("none.example", "NXDOMAIN")
    upstream.behave("broken.example", "servfail")
    found = await client.lookup(host, PHONE)
    assert (found.error, found.addresses, found.blocked) == (error, (), False)


async def test_one_family_that_fails_does_not_hide_the_other(client: LookupClient, upstream: FakeUpstream) -> None:
    upstream.add("half.example 60 A 192.0.2.11")
    upstream.rcode("half.example", "SERVFAIL")
    assert spelt(await client.lookup("half.example", PHONE)) == ["192.0.2.11"]


async def test_raw_queries_are_answered_and_reported_with_their_device(
    client: LookupClient, resolver: Running, upstream: FakeUpstream
) -> None:
    found = DNSRecord.parse(await client.query(question("evil.example", edns=1232), PHONE))
    assert addresses(found) == ["0.0.0.0"]
    assert extended_errors(found) == [(17, "Phishing; incident inc-1")]
    assert resolver.reporter.reports[0][0].device == PHONE
    assert addresses(DNSRecord.parse(await client.query(question("good.example"), PHONE))) == ["192.0.2.10"]
    assert await client.query(b"\0", PHONE) == b""


@pytest.mark.parametrize(("qtype", "page"), [("A", "10.87.0.1"), ("AAAA", "fd87:5ea:11::1")], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("host", ["evil.example", "seawall.internal"])
async def test_a_device_in_a_tunnel_finds_the_page_at_our_addresses_in_there(
    client: LookupClient, host: str, qtype: str, page: str
) -> None:
    device = Device("phone", "Mira's phone", "family", IdentifiedBy.WIREGUARD, "10.87.0.2", "wireguard")
    assert addresses(DNSRecord.parse(await client.query(question(host, qtype), device))) == [page]


async def test_many_at_once_over_one_connection(client: LookupClient, upstream: FakeUpstream) -> None:
    for number in range(40):
        upstream.add(f"n{number}.example 60 A 192.0.2.{number}")
    found = await asyncio.gather(*(client.lookup(f"n{number}.example", PHONE) for number in range(40)))
    assert [spelt(one) for one in found] == [[f"192.0.2.{number}"] for number in range(40)]


async def test_a_resolver_that_was_started_again_is_found(tmp_path: Path, upstream: FakeUpstream) -> None:
    settings = {"hosts": {"fixed.example": "127.0.0.1"}}
    async with running(tmp_path, settings) as first:
        client = LookupClient(first.socket_path)
        assert spelt(await client.lookup("fixed.example", PHONE)) == ["127.0.0.1"]
    waiting = asyncio.create_task(client.lookup("fixed.example", PHONE))
    await asyncio.sleep(0)
    async with running(tmp_path, settings):
        assert spelt(await waiting) == ["127.0.0.1"]
    await client.close()


async def test_a_resolver_that_is_not_there(tmp_path: Path) -> None:
    client = LookupClient(tmp_path / "nobody", within=0.2)
    with pytest.raises(ResolverUnreachableError, match="the resolver did not answer"):
        await client.lookup("fixed.example", PHONE)
    await client.close()


async def test_a_resolver_that_hangs_up_each_time(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "s")
    client = LookupClient(tmp_path / "s", within=2)
    with pytest.raises(ResolverUnreachableError):
        await client.lookup("fixed.example", PHONE)
    server.close()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"op": "lookup"}, "KeyError"),
        ({"op": "nothing"}, "no operation 'nothing'"),
        ({"op": "lookup", "host": "a.example"}, "KeyError"),
        ({"op": "lookup", "host": "a.example", "reach": "everything"}, "ValueError"),
        ({"op": "query", "packet": "%%%"}, "ValueError|Error"),
        ({"op": "query", "device": {"id": "x"}}, "KeyError"),
        ({"op": "query", "device": 5}, "TypeError"),
    ],
)
async def test_bad_requests_are_told_and_the_connection_goes_on(
    resolver: Running, body: dict[str, object], problem: str
) -> None:
    from proxy.dns.wire import device_to_json

    good = {"op": "lookup", "host": "fixed.example", "device": device_to_json(PHONE), "reach": "url"}
    reader, writer = await asyncio.open_unix_connection(resolver.socket_path)
    writer.write(frame({"id": 1, "device": device_to_json(PHONE), **body}))
    found = await read_frame(reader)
    assert found["id"] == 1
    assert any(word in found["problem"] for word in problem.split("|"))
    writer.write(frame({"id": 2, **good}))
    assert (await read_frame(reader))["addresses"] == ["127.0.0.1"]
    writer.close()


@pytest.mark.parametrize("raw", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\3abc", b"\0\0\0\1\xff"])
async def test_a_broken_frame_ends_the_connection(resolver: Running, raw: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(resolver.socket_path)
    writer.write(raw)
    async with asyncio.timeout(2):
        assert await reader.read() == b""
    writer.close()


async def test_only_our_own_user_is_served(resolver: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolver.socket_path.stat().st_mode & 0o777 == 0o600
    assert resolver.socket_path.parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(inside, "peer_uid", lambda sock: os.getuid() + 1)
    reader, writer = await asyncio.open_unix_connection(resolver.socket_path)
    async with asyncio.timeout(2):
        assert await reader.read() == b""
    writer.close()


async def test_a_bad_request_is_the_callers_error(client: LookupClient) -> None:
    with pytest.raises(ValueError, match="'all' is not a valid Visibility"):
        await client.lookup("fixed.example", PHONE, "all")  # type: ignore[arg-type]


async def test_judging_that_breaks_is_an_error_for_who_asks(client: LookupClient, resolver: Running) -> None:
    resolver.policy.broken = True
    for host in ("good.example", "192.0.2.1"):
        with pytest.raises(ValueError, match="the resolver failed"):
            await client.lookup(host, PHONE)
    resolver.policy.broken = False
    assert spelt(await client.lookup("good.example", PHONE)) == ["192.0.2.10", "2001:db8::10"]
