"""What is kept, for how long, and how much of it."""

from __future__ import annotations

import pytest
from dnslib import RCODE, RR, DNSRecord

from proxy.dns.answers import Body, read_body
from proxy.dns.cache import AnswerCache

SOA = "example. 900 SOA ns.example. admin.example. 1 2 3 4 {minimum}"


def body(*zone: str, auth: str = "", rcode: str = "NOERROR") -> Body:
    record = DNSRecord.question("a.example").reply()
    record.header.rcode = getattr(RCODE, rcode)
    for line in zone:
        record.add_answer(*RR.fromZone(line))
    if auth:
        record.add_auth(*RR.fromZone(auth))
    return read_body(bytes(record.pack()), 15)


@pytest.mark.parametrize(
    ("made", "seconds", "why"),
    [
        (body("a.example 60 A 192.0.2.1", "a.example 30 A 192.0.2.2"), 30, "the shortest TTL"),
        (body("a.example 9999999 A 192.0.2.1"), 86_400, "a day at most"),
        (body("a.example 0 A 192.0.2.1"), 0, "TTL 0"),
        (body(auth=SOA.format(minimum=300), rcode="NXDOMAIN"), 300, "the SOA's minimum (RFC 2308)"),
        (body(auth=SOA.format(minimum=3000), rcode="NXDOMAIN"), 900, "the SOA's own TTL"),
        (body(auth=SOA.format(minimum=100)), 100, "NODATA likewise"),
        (body(rcode="NXDOMAIN"), 5, "no SOA"),
        (body(auth="example. 900 NS ns.example."), 0, "a referral"),
        (body("a.example 60 A 192.0.2.1", rcode="SERVFAIL"), 0, "a failure"),
    ],
)
def test_lifetime(made: Body, seconds: int, why: str) -> None:
    cache = AnswerCache(stale_for=10)
    assert made.lifetime == seconds, why
    cache.put(b"k", made, 1000.0)
    kept = cache.get(b"k", 1000.0 + seconds - 0.5)
    if not seconds:
        assert kept is None
        return
    assert kept is not None
    assert (kept.age, kept.stale) == (seconds - 1, False)
    late = cache.get(b"k", 1000.0 + seconds)
    assert late is not None
    assert late.stale
    assert cache.get(b"k", 1000.0 + seconds + 10) is None
    assert (len(cache), cache.bytes) == (0, 0)


def test_ttls_count_down() -> None:
    made = body("a.example 60 A 192.0.2.1", "a.example 30 A 192.0.2.2")
    assert [int.from_bytes(made.aged(45)[at : at + 4]) for at, _ in made.ttls] == [15, 0]
    assert made.aged(0) is made.records
    stale = made.with_ttl(30)
    assert [int.from_bytes(stale.records[at : at + 4]) for at, _ in stale.ttls] == [30, 30]
    assert stale.lifetime == 0


def test_it_is_bounded_in_bytes_and_forgets_what_was_used_least() -> None:
    made = body("a.example 60 A 192.0.2.1")
    cache = AnswerCache(max_bytes=5000)
    for number in range(100):
        cache.put(bytes([number]), made, 0.0)
        assert cache.get(b"\0", 1.0) is not None  # used, so it stays
        assert cache.bytes <= 5000
    assert 3 < len(cache) < 10
    assert cache.get(b"\1", 1.0) is None
    cache.put(b"\0", made, 30.0)
    assert cache.get(b"\0", 31.0) is not None
    AnswerCache(max_bytes=100).put(b"k", made, 0.0)
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)


def test_an_answer_too_large_is_not_kept() -> None:
    cache = AnswerCache(max_bytes=100)
    cache.put(b"k", body("a.example 60 A 192.0.2.1"), 0.0)
    assert len(cache) == 0
