"""The chain: what is not served, what is kept, what stands in when upstreams fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from indicators.observation import Device
from proxy.dns.asked import Asked, Outcome
from proxy.dns.cache import AnswerCache
from proxy.dns.clients import Client
from proxy.dns.codes import Rcode, Type
from proxy.dns.endpoint import parse_endpoint
from proxy.dns.forwarder import Forwarder
from proxy.dns.judge import Judge
from proxy.dns.own_names import StaticHosts
from proxy.dns.question import read_query
from proxy.dns.reports import Sightings
from proxy.dns.resolver import Resolver
from proxy.dns.routes import Routes
from tests.support.resolver import RecordingReporter, TestPolicy, question, until
from tests.support.upstream import FakeUpstream


@dataclass
class Bench:
    """A resolver whose time is set by hand."""

    resolver: Resolver
    cache: AnswerCache
    policy: TestPolicy
    client: Client
    now: float = 0.0

    async def ask(self, name: str, qtype: str = "A", **more: int) -> Outcome:
        query = read_query(question(name, qtype, **more))  # type: ignore[arg-type]
        return await self.resolver.resolve(Asked(query, self.client, self.now))


@pytest.fixture
async def bench(upstream: FakeUpstream) -> AsyncIterator[Bench]:
    cache = AnswerCache(stale_for=1000)
    forwarder = Forwarder(lambda: (parse_endpoint(upstream.address),), cache, lambda: made.now)
    policy = TestPolicy({"block": "evil.example"})
    judge = Judge(policy, Sightings(RecordingReporter(), lambda _, __: None), "zero")
    made = Bench(Resolver(judge, StaticHosts({}), cache, Routes(forwarder)), cache, policy, Client(Device("d", "d")))
    yield made
    await forwarder.close()


def found(outcome: Outcome) -> list[str]:
    return [str(address) for address in outcome.body.evidence.addresses]


@pytest.mark.parametrize(
    ("qtype", "qclass", "rcode"),
    [
        (Type.AXFR, 1, Rcode.REFUSED),
        (Type.IXFR, 1, Rcode.REFUSED),
        (249, 1, Rcode.REFUSED),
        (Type.OPT, 1, Rcode.REFUSED),
        (0, 1, Rcode.REFUSED),
        (16, 3, Rcode.REFUSED),
        (1, 255, Rcode.REFUSED),
        (Type.ANY, 1, Rcode.NOERROR),
    ],
)
async def test_what_is_not_served(bench: Bench, upstream: FakeUpstream, qtype: int, qclass: int, rcode: Rcode) -> None:
    packet = question("good.example")[:-4] + qtype.to_bytes(2) + qclass.to_bytes(2)
    outcome = await bench.resolver.resolve(Asked(read_query(packet), bench.client, 0.0))
    assert outcome.body.rcode == rcode
    assert outcome.body.counts == ((1, 0, 0) if qtype == Type.ANY else (0, 0, 0))
    assert not upstream.asked


async def test_the_root_is_forwarded_without_judging(bench: Bench, upstream: FakeUpstream) -> None:
    await bench.ask(".", "NS")
    assert upstream.names == {""}
    assert not bench.policy.judged


async def test_dnssec_and_checking_disabled_are_questions_of_their_own(bench: Bench, upstream: FakeUpstream) -> None:
    for _ in range(2):
        await bench.ask("good.example")
        await bench.ask("good.example", edns=1232)
        await bench.ask("good.example", edns=1232, do=True)
        await bench.ask("good.example", cd=True)
    assert upstream.count("good.example") == 3


async def test_negative_answers_are_kept(bench: Bench, upstream: FakeUpstream) -> None:
    upstream.rcode("none.example", "NXDOMAIN")
    upstream.add("none.example 300 SOA ns.example. admin.example. 1 2 3 4 120")
    for now in (0.0, 119.0):
        bench.now = now
        outcome = await bench.ask("none.example")
        assert (outcome.body.rcode, outcome.age) == (Rcode.NXDOMAIN, int(now))
    assert upstream.count("none.example") == 1
    bench.now = 121.0
    await bench.ask("none.example")
    assert upstream.count("none.example") == 2


async def test_a_stale_answer_stands_in_for_a_silent_upstream(bench: Bench, upstream: FakeUpstream) -> None:
    assert found(await bench.ask("good.example")) == ["192.0.2.10"]
    bench.now = 500.0
    upstream.behave("*", "silent")
    async with asyncio.timeout(3):
        outcome = await bench.ask("good.example")
    assert found(outcome) == ["192.0.2.10"]
    assert outcome.error is not None
    assert outcome.error.code == 3
    assert [int.from_bytes(outcome.body.records[at : at + 4]) for at, _ in outcome.body.ttls] == [30]
    assert outcome.holds == 0


async def test_a_stale_answer_stands_in_for_a_failure(bench: Bench, upstream: FakeUpstream) -> None:
    upstream.rcode("none.example", "NXDOMAIN")
    upstream.add("none.example 300 SOA ns.example. admin.example. 1 2 3 4 120")
    await bench.ask("none.example")
    bench.now = 500.0
    upstream.behave("*", "servfail")
    outcome = await bench.ask("none.example")
    assert (outcome.body.rcode, outcome.error and outcome.error.code) == (Rcode.NXDOMAIN, 19)


async def test_a_stale_answer_is_judged_too(bench: Bench, upstream: FakeUpstream) -> None:
    await bench.ask("good.example")
    bench.now = 500.0
    upstream.behave("*", "servfail")
    bench.policy.set({"block": "192.0.2.10"})
    outcome = await bench.ask("good.example")
    assert found(outcome) == ["0.0.0.0"]


async def test_what_came_late_is_kept_all_the_same(bench: Bench, upstream: FakeUpstream) -> None:
    await bench.ask("good.example")
    bench.now = 500.0
    upstream.replace("good.example", "good.example 60 A 192.0.2.77")
    assert found(await bench.ask("good.example")) == ["192.0.2.77"]
    assert found(await bench.ask("good.example")) == ["192.0.2.77"]


async def test_a_hot_name_is_fetched_before_its_time_is_over(bench: Bench, upstream: FakeUpstream) -> None:
    outcome = await bench.ask("good.example")
    assert outcome.holds == 0
    bench.now = 10.0
    outcome = await bench.ask("good.example")
    assert (outcome.age, outcome.holds) == (10, 44.0)  # ready answers end when fetching is due
    bench.now = 55.0
    outcome = await bench.ask("good.example")
    assert (found(outcome), outcome.holds) == (["192.0.2.10"], 5.0)
    await until(lambda: upstream.count("good.example") == 2)
    await until(lambda: (kept := bench.cache.get(_key(), 55.0)) is not None and kept.age == 0)


def _key() -> bytes:
    return read_query(question("good.example")).key + b"\0"


def test_fixed_names_must_be_names() -> None:
    with pytest.raises(ValueError, match=r"dns\.hosts: 'not a name'"):
        StaticHosts({"not a name": "192.0.2.1"})
