"""The rate limit: so many questions a second, by TC over UDP and REFUSED over TCP, each client for itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dnslib import RCODE, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from indicators.observation import Device
from proxy.dns.clients import Client
from proxy.dns.rate import RateLimit
from tests.support.resolver import extended_errors, question, running

PHONE = Device("d", "d")


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=60), st.integers(1, 20))
def test_never_more_than_the_rate_and_its_reserve(waits: list[float], rate: int) -> None:
    """In any stretch of time no more questions are taken than the rate times its length, and the reserve."""
    limit, client, now, taken = RateLimit(rate), Client(PHONE), 0.0, 0
    for wait in waits:
        now += wait
        taken += limit.takes(client, now)
        assert taken <= rate * (now + 1) + 1e-6
    assert taken >= 1


def test_a_client_that_goes_on_asking_still_gets_its_rate() -> None:
    limit, client = RateLimit(10), Client(PHONE)
    taken = sum(limit.takes(client, number / 100) for number in range(1000))
    assert 108 <= taken <= 110


async def test_too_many_questions(tmp_path: Path) -> None:
    async with running(tmp_path, {"rate_limit": 3}) as resolver:
        found = [await resolver.ask("evil.example") for _ in range(12)]
        assert sum(not one.header.tc for one in found) in (3, 4)
        cut = next(one for one in found if one.header.tc)
        assert (cut.rr, cut.header.rcode, str(cut.q.qname)) == ([], RCODE.NOERROR, "evil.example.")
        replies = await resolver.tcp(*[question("evil.example", edns=1232)] * 12)
        refused = [one for one in map(DNSRecord.parse, replies) if one.header.rcode == RCODE.REFUSED]
        assert len(refused) >= 8
        assert extended_errors(refused[0]) == [(18, "too many questions: dns.rate_limit")]
        other = await resolver.ask("evil.example", source="127.0.0.9")
        assert not other.header.tc


async def test_the_limit_passes(tmp_path: Path) -> None:
    async with running(tmp_path, {"rate_limit": 20}) as resolver:
        while not (await resolver.ask("evil.example")).header.tc:
            pass
        async with asyncio.timeout(3):
            while (await resolver.ask("evil.example")).header.tc:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "packet",
    [b"", b"\0" * 11, question("evil.example")[:-3], b"\0\0\x80" + bytes(20)],
    ids=["empty", "short head", "cut name", "an answer"],
)
def test_what_is_no_query_gets_silence(packet: bytes) -> None:
    limit = RateLimit(1)
    assert limit.over_udp(packet, Client(PHONE)) is None
    assert limit.over_tcp(packet, Client(PHONE)) is None
    assert limit.over_udp(question("evil.example"), Client(PHONE, allowed=False)) is None
