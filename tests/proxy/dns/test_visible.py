"""Keeping connections visible: `ech` and `h3` go where a host must be seen, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dnslib import QTYPE, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns.answers import Body, read_body
from proxy.dns.records import read_records, service_parameters
from proxy.dns.service_records import without_ech_and_h3
from tests.support.resolver import Running, TestPolicy, extended_errors, question, running
from tests.support.upstream import FakeUpstream

WITH_BOTH = "www.seen.example 60 HTTPS 1 . alpn=h3,h2 port=8443 ipv4hint=192.0.2.1 echconfig=AAEC"
SIGNATURE = "www.seen.example 60 RRSIG HTTPS 13 3 60 20270101000000 20260101000000 1 seen.example. AAAA"


async def https(resolver: Running, name: str, **more: Any) -> tuple[DNSRecord, list[dict[int, bytes]]]:
    reply = await resolver.udp(question(name, "HTTPS", edns=1232, **more))
    assert reply is not None
    size = len(DNSRecord.question(name, "HTTPS").pack()) - 12
    services = [one for one in read_records(reply, 12 + size) if one.type == QTYPE.HTTPS]
    parameters = [{key: reply[a:b] for key, a, b in service_parameters(reply, one)} for one in services]
    return DNSRecord.parse(reply), parameters


@pytest.mark.parametrize(
    ("rule", "config", "dns", "stripped"),
    [
        (None, {}, {}, False),
        (None, {}, {"strip_ech_h3": "always"}, True),
        (None, {"inspect": ["seen.example"]}, {}, True),
        (None, {"inspect": ["seen.example"]}, {"strip_ech_h3": "never"}, False),
        (None, {"inspect": ["seen.example"], "never_inspect": ["www.seen.example"]}, {}, False),
        ({"block": "www.seen.example/bad"}, {}, {}, True),
        ({"block": "www.seen.example/bad"}, {}, {"strip_ech_h3": "never"}, False),
        ({"block": "www.other.example/bad"}, {}, {}, False),
        (None, {"groups": {"default": {"strip_ech_h3": "always"}}}, {}, True),
        (None, {"groups": {"children": {"strip_ech_h3": "always"}}}, {}, False),
        (None, {"groups": {"default": {"strip_ech_h3": "never"}}}, {"strip_ech_h3": "always"}, False),
        (None, {"groups": {"default": {}}}, {"strip_ech_h3": "always"}, True),
    ],
)
async def test_who_must_be_seen(
    tmp_path: Path,
    upstream: FakeUpstream,
    rule: dict[str, str] | None,
    config: dict[str, Any],
    dns: dict[str, str],
    stripped: bool,
) -> None:
    upstream.add(WITH_BOTH, SIGNATURE, under="www.seen.example")
    policy = TestPolicy(rule) if rule else TestPolicy()
    async with running(tmp_path, {"upstreams": [upstream.address], **dns}, policy, config) as resolver:
        for _ in range(3):  # from the upstream, from the cache, from what is ready
            found, [parameters] = await https(resolver, "www.seen.example", do=True)
            assert (5 in parameters, parameters[1]) == ((False, b"\2h2") if stripped else (True, b"\2h3\2h2"))
            assert (parameters[3], parameters[4]) == (b"\x20\xfb", bytes((192, 0, 2, 1)))
            kinds = [QTYPE[rr.rtype] for rr in found.rr]
            assert kinds == (["HTTPS"] if stripped else ["HTTPS", "RRSIG"])
            assert [code for code, _ in extended_errors(found)] == ([4] if stripped else [])


async def test_an_alias_before_the_record(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.add("www.alias.example 60 CNAME www.seen.example", WITH_BOTH, under="www.alias.example")
    settings = {"upstreams": [upstream.address], "strip_ech_h3": "always"}
    async with running(tmp_path, settings) as resolver:
        found, [parameters] = await https(resolver, "WWW.alias.example")
    assert [str(rr.rname).lower() for rr in found.rr] == ["www.alias.example.", "www.seen.example."]
    assert str(found.rr[0].rdata) == "www.seen.example."
    assert (5 in parameters, parameters[1]) == (False, b"\2h2")


QUESTION = b"\3www\4seen\7example\0\0\x41\0\1"


def body(*services: bytes, flags: int = 0x20) -> Body:
    records = b"".join(b"\xc0\x0c\0\x41\0\1\0\0\0\x3c" + len(one).to_bytes(2) + one for one in services)
    head = bytes(2) + (0x8000 | flags).to_bytes(2) + b"\0\1" + len(services).to_bytes(2) + bytes(4)
    return read_body(head + QUESTION + records, len(QUESTION))


def service(*parameters: tuple[int, bytes]) -> bytes:
    return b"\0\1\0" + b"".join(key.to_bytes(2) + len(value).to_bytes(2) + value for key, value in parameters)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([service((1, b"\2h2"))], None),
        ([b"\0\0\3www\4seen\7example\0"], None),
        ([service((5, b"key"))], [service()]),
        ([service((1, b"\2h3"))], [service()]),
        ([service((1, b"\5h3-29\2h2\2h3"))], [service((1, b"\2h2"))]),
        ([service((1, b"\2h3"), (2, b""))], []),
        ([service((0, b"\0\1\0\5"), (1, b"\2h3\2h2"), (5, b"k"))], [service((0, b"\0\1"), (1, b"\2h2"))]),
        ([service((0, b"\0\5"), (5, b"k"), (65400, b"x"))], [service((65400, b"x"))]),
        ([service((5, b"k")), service((1, b"\2h2"))], [service(), service((1, b"\2h2"))]),
    ],
)
def test_records_without_ech_and_h3(before: list[bytes], after: list[bytes] | None) -> None:
    found = without_ech_and_h3(QUESTION, body(*before))
    if after is None:
        assert found is None
        return
    assert found is not None
    packet = bytes(4) + b"\0\1" + len(after).to_bytes(2) + bytes(4) + QUESTION + found.records
    assert [packet[one.data : one.end] for one in read_records(packet, 12 + len(QUESTION))] == after
    assert (found.flags & 0x20, found.counts) == (0, (len(after), 0, 0))


@given(
    st.dictionaries(st.integers(0, 9).filter(lambda key: key not in (1, 4, 6)), st.binary(max_size=6)), st.booleans()
)
def test_nothing_else_changes(parameters: dict[int, bytes], with_alpn: bool) -> None:
    """Every parameter but ech, alpn and mandatory is as it was, and a second pass finds nothing to do."""
    if with_alpn:
        parameters[1] = b"\2h3\2h2"
    one = body(service(*sorted(parameters.items())))
    found = without_ech_and_h3(QUESTION, one)
    if found is None:
        assert 5 not in parameters and not with_alpn
        return
    packet = bytes(4) + b"\0\1\0\1" + bytes(4) + QUESTION + found.records
    [record] = read_records(packet, 12 + len(QUESTION))
    left = {key: packet[a:b] for key, a, b in service_parameters(packet, record)}
    assert {k: v for k, v in left.items() if k > 1} == {k: v for k, v in parameters.items() if k > 1 and k != 5}
    assert left.get(1) == (b"\2h2" if with_alpn else None)
    assert without_ech_and_h3(QUESTION, found) is None
