"""What the settings ask for beside judging, at a running resolver: routes, local zones, rebinding, other resolvers."""

from __future__ import annotations

from pathlib import Path

import pytest
from dnslib import RCODE
from pydantic import ValidationError

from proxy.config.sections.dns import DnsConfig
from proxy.dns.encrypted_dns import known
from proxy.dns.lookup import LookupClient
from tests.support.resolver import BLOCK_EVIL, TestPolicy, addresses, extended_errors, running
from tests.support.upstream import FakeUpstream


@pytest.mark.parametrize("written", ["http://dns.example/dns-query", "quic://9.9.9.9", "9.9.9.9/x"])
def test_upstreams_that_cannot_be_asked_are_refused_by_the_model(written: str) -> None:
    with pytest.raises(
        ValidationError, match="UDP, TCP, TLS and HTTPS only" if "://" in written else "expected `system`"
    ):
        DnsConfig(upstreams=(written,))
    with pytest.raises(ValidationError):
        DnsConfig(routes={"corp.example": written})


async def test_a_routed_domain_goes_to_its_own_resolver(tmp_path: Path, upstream: FakeUpstream) -> None:
    async with FakeUpstream() as corp, FakeUpstream() as lab:
        corp.add("www.corp.example 60 A 10.0.0.80", "4.3.2.10.in-addr.arpa 60 PTR www.corp.example")
        lab.add("www.lab.corp.example 60 A 10.0.1.80")
        settings = {
            "upstreams": [upstream.address],
            "routes": {
                "corp.example": corp.address,
                "*.lab.corp.example": [lab.address],
                "2.10.in-addr.arpa": corp.address,
            },
            "private_answers": "block",
        }
        async with running(tmp_path, settings) as resolver:
            assert addresses(await resolver.ask("www.corp.example")) == ["10.0.0.80"]
            assert addresses(await resolver.ask("www.LAB.corp.example")) == ["10.0.1.80"]
            assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
            assert addresses(await resolver.ask("4.3.2.10.in-addr.arpa", "PTR")) == ["www.corp.example."]
    assert upstream.names == {"good.example"}
    assert corp.names == {"www.corp.example", "4.3.2.10.in-addr.arpa"}


async def test_a_route_for_no_domain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dns\.routes: 'a b' is not a domain"):
        async with running(tmp_path, {"routes": {"a b": "10.0.0.53"}}):
            pass


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("1.1.168.192.in-addr.arpa", True),
        ("9.8.20.172.in-addr.arpa", True),
        ("9.8.32.172.in-addr.arpa", False),
        ("1.0.64.100.in-addr.arpa", True),
        ("1." + "0." * 31 + "ip6.arpa", True),
        ("1." + "0." * 29 + "d.f.ip6.arpa", True),
        ("8.8.8.8.in-addr.arpa", False),
    ],
)
@pytest.mark.parametrize("local", [True, False])
async def test_reverse_names_of_private_addresses_stay_here(
    tmp_path: Path, upstream: FakeUpstream, name: str, stays: bool, local: bool
) -> None:
    async with running(tmp_path, {"upstreams": [upstream.address], "local_reverse": local}) as resolver:
        found = await resolver.ask(name, "PTR")
    kept = stays and local
    assert upstream.count(name) == (0 if kept else 1)
    assert found.header.rcode == (RCODE.NXDOMAIN if kept else RCODE.NOERROR)


PRIVATE = [
    ("public.example 60 A 192.168.1.1", "A"),
    ("public.example 60 A 127.0.0.1", "A"),
    ("public.example 60 A 169.254.169.254", "A"),
    ("public.example 60 AAAA ::1", "AAAA"),
    ("public.example 60 AAAA fd00::1", "AAAA"),
    ("public.example 60 AAAA ::ffff:a00:1", "AAAA"),
    ("public.example 60 HTTPS 1 . ipv4hint=10.0.0.1", "HTTPS"),
]


@pytest.mark.parametrize(("zone", "qtype"), PRIVATE)
async def test_rebinding_is_guarded_against(tmp_path: Path, upstream: FakeUpstream, zone: str, qtype: str) -> None:
    upstream.add(zone)
    settings = {"upstreams": [upstream.address], "private_answers": "block"}
    async with running(tmp_path, settings) as resolver:
        for _ in range(3):  # from the upstream, from the cache, from what is ready
            found = await resolver.ask("public.example", qtype, edns=1232)
            assert (addresses(found), found.header.rcode) == ([], RCODE.NOERROR)
            assert extended_errors(found)[0][0] == 17
        inside = LookupClient(resolver.socket_path)
        assert not (await inside.lookup("public.example", resolver.reporter.devices[0])).addresses
        await inside.close()
    async with running(tmp_path / "b", {**settings, "private_answers": "allow"}) as resolver:
        assert addresses(await resolver.ask("public.example", qtype))


@pytest.mark.parametrize(
    ("zone", "why"),
    [
        ("nas.lan 60 A 192.168.1.1", "the name means something only here"),
        ("www.split.example 60 A 192.168.1.1", "its domain is excepted"),
        ("trusted.example 60 A 192.168.1.1", "a custom indicator allows it"),
        ("sunk.example 60 A 0.0.0.0", "another resolver blocks it"),
        ("docs.example 60 A 192.0.2.1", "the address is not private"),
    ],
)
async def test_private_answers_that_may_be(tmp_path: Path, upstream: FakeUpstream, zone: str, why: str) -> None:
    upstream.add(zone)
    settings = {
        "upstreams": [upstream.address],
        "private_answers": "block",
        "private_names": ["split.example"],
        "hosts": {"fixed.example": "192.168.1.9"},
    }
    async with running(tmp_path, settings, TestPolicy({"allow": "trusted.example"})) as resolver:
        assert addresses(await resolver.ask(zone.split()[0])) == [zone.split()[-1]], why
        assert addresses(await resolver.ask("fixed.example")) == ["192.168.1.9"]


@pytest.mark.parametrize("name", ["dns.google", "abc123.dns.nextdns.io", "mask.icloud.com", "mask-h2.icloud.com"])
async def test_other_resolvers_are_not_found(tmp_path: Path, upstream: FakeUpstream, name: str) -> None:
    upstream.add(f"{name} 60 A 192.0.2.53")
    settings = {"upstreams": [upstream.address], "encrypted_dns": "block"}
    async with running(tmp_path, settings) as resolver:
        found = await resolver.ask(name, edns=1232)
        assert (addresses(found), RCODE[found.header.rcode]) == ([], "NXDOMAIN")
        assert extended_errors(found) == [(17, "another resolver: dns.encrypted_dns is block")]
        assert not upstream.asked
    async with running(tmp_path / "b", {"upstreams": [upstream.address]}) as resolver:
        assert addresses(await resolver.ask(name)) == ["192.0.2.53"]


async def test_another_resolver_that_is_allowed_by_name(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.add("dns.google 60 A 192.0.2.53", "www.google.example 60 A 192.0.2.54")
    settings = {"upstreams": [upstream.address], "encrypted_dns": "block"}
    async with running(tmp_path, settings, TestPolicy(BLOCK_EVIL, {"allow": "dns.google"})) as resolver:
        assert addresses(await resolver.ask("dns.google")) == ["192.0.2.53"]
        assert addresses(await resolver.ask("www.google.example")) == ["192.0.2.54"]


@pytest.mark.parametrize(
    ("dns", "group", "found"),
    [
        ("block", {"encrypted_dns": "allow"}, True),
        ("block", {"allowed_encrypted_dns": ["dns.google"]}, True),
        ("block", {"allowed_encrypted_dns": ["quad9.net"]}, False),
        ("allow", {"encrypted_dns": "block"}, False),
        ("allow", {"allowed_encrypted_dns": ["quad9.net"]}, True),
        ("block", {}, False),
    ],
)
async def test_a_group_has_its_own_say_on_other_resolvers(
    tmp_path: Path, upstream: FakeUpstream, dns: str, group: dict[str, object], found: bool
) -> None:
    upstream.add("dns.google 60 A 192.0.2.53")
    settings = {"upstreams": [upstream.address], "encrypted_dns": dns}
    for name in ("default", "others"):
        async with running(tmp_path / name, settings, config={"groups": {name: group}}) as resolver:
            for _ in range(2):
                answer = addresses(await resolver.ask("dns.google"))
                assert bool(answer) is (found if name == "default" else dns == "allow")


def test_the_data_file_holds_canonical_names() -> None:
    from indicators.hosts import canonical_host

    assert len(known()) > 50
    assert all(canonical_host(name) == name and "." in name for name in known())
