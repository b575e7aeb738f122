"""Asking upstreams that behave in every way: the right answer comes, or a failure that says why, and nothing forged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from proxy.dns import forwarder as forwarder_module
from proxy.dns.answers import Body
from proxy.dns.cache import AnswerCache
from proxy.dns.codes import Rcode
from proxy.dns.endpoint import parse_endpoint
from proxy.dns.exchange import Question
from proxy.dns.forwarder import Forwarder, Strategy
from tests.support.upstream import FakeUpstream

type Ask = Callable[..., Forwarder]


def q(name: str, qtype: int = 1, do: bool = False) -> Question:
    labels = name.encode().split(b".")
    return Question(b"".join(bytes([len(one)]) + one for one in labels) + b"\0" + qtype.to_bytes(2) + b"\0\1", do)


def found(body: Body) -> list[str]:
    return [str(address) for address in body.evidence.addresses]


@pytest.fixture
async def forwarding() -> AsyncIterator[Ask]:
    made: list[Forwarder] = []

    def make(*addresses: str, strategy: Strategy = "strict") -> Forwarder:
        loop = asyncio.get_running_loop()
        endpoints = [parse_endpoint(address) for address in addresses]
        made.append(Forwarder(lambda: tuple(endpoints), AnswerCache(), loop.time, strategy))
        return made[-1]

    yield make
    for forwarder in made:
        await forwarder.close()


@pytest.mark.parametrize(
    ("how", "transports"),
    [
        ("", ["udp"]),
        ("garbage", ["udp"]),
        ("wrong_id", ["udp"]),
        ("wrong_question", ["udp"]),
        ("other_port", ["udp"]),
        ("truncated", ["udp", "tcp"]),
        ("lower_case", ["udp", "tcp", "tcp"]),
        ("stray_flood", ["udp", "tcp"]),
        ("no_edns", ["udp", "udp"]),
        ("slow", ["udp"]),
        ("slow_once", ["udp"]),
    ],
)
async def test_the_right_answer_comes(forwarding: Ask, upstream: FakeUpstream, how: str, transports: list[str]) -> None:
    upstream.behave("good.example", how)
    body = await forwarding(upstream.address).ask(q("good.example"))
    assert found(body) == ["192.0.2.10"]
    assert [asked.transport for asked in upstream.asked] == transports


@pytest.mark.parametrize(
    ("how", "rcode"),
    [("servfail", Rcode.SERVFAIL), ("refused", Rcode.REFUSED)],
)
async def test_a_poor_answer_is_passed_on_when_nobody_has_a_better_one(
    forwarding: Ask, upstream: FakeUpstream, how: str, rcode: Rcode
) -> None:
    upstream.behave("good.example", how)
    body = await forwarding(upstream.address).ask(q("good.example"))
    assert body.rcode == rcode
    assert upstream.count("good.example") == 1


@pytest.mark.parametrize("how", ["servfail", "refused", "cut_records", "no_question", "silent"])
async def test_the_next_upstream_is_asked(forwarding: Ask, upstream: FakeUpstream, how: str) -> None:
    async with FakeUpstream() as second:
        second.add("good.example 60 A 192.0.2.99")
        upstream.behave("good.example", how)
        forwarder = forwarding(upstream.address, second.address)
        assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.99"]
        upstream.behave("good.example", "")
        count = len(upstream.asked)
        await forwarder.ask(q("good.example"))
        if how not in ("servfail", "refused"):  # one that failed is asked last for a while
            assert len(upstream.asked) == count


async def test_what_failed_is_not_asked_again_at_once(forwarding: Ask, upstream: FakeUpstream) -> None:
    upstream.behave("good.example", "servfail")
    forwarder = forwarding(upstream.address)
    first = await forwarder.ask(q("good.example"))
    upstream.behave("good.example", "")
    assert await forwarder.ask(q("good.example")) is first
    assert upstream.count("good.example") == 1
    upstream.add("other.example 60 A 192.0.2.9")
    assert found(await forwarder.ask(q("other.example"))) == ["192.0.2.9"]


async def test_where_every_upstream_is_down_one_short_try_is_made(
    forwarding: Ask, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "ROUNDS", (0.05, 0.05, 0.05))
    forwarder = forwarding(upstream.address)
    tries = []
    for name in ("a.example", "b.example", "c.example"):
        upstream.behave(name, "silent")
        assert (await forwarder.ask(q(name))).rcode == Rcode.SERVFAIL
        tries.append(upstream.count(name))
    assert tries == [3, 3, 1]
    assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]
    upstream.behave("d.example", "silent")
    await forwarder.ask(q("d.example"))
    assert upstream.count("d.example") == 3, "one answer shows that it is up"


@pytest.mark.parametrize("how", ["cut_records", "no_question"])
async def test_an_unusable_answer_is_a_failure_that_says_so(forwarding: Ask, upstream: FakeUpstream, how: str) -> None:
    upstream.behave("good.example", how)
    body = await forwarding(upstream.address).ask(q("good.example"))
    assert body.rcode == Rcode.SERVFAIL
    assert body.error is not None
    assert body.error.code == 23


@pytest.mark.parametrize("how", ["close", "tcp_garbage", "refused"])
async def test_tcp_upstreams(forwarding: Ask, upstream: FakeUpstream, how: str) -> None:
    forwarder = forwarding("tcp://" + upstream.address)
    for _ in range(2):
        assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]
    assert {asked.port for asked in upstream.asked} == {upstream.asked[0].port}  # one connection for both
    if how != "refused":
        upstream.behave("other.example", how)
        assert (await forwarder.ask(q("other.example"))).rcode == Rcode.SERVFAIL
        assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]


async def test_tcp_questions_are_pipelined(forwarding: Ask, upstream: FakeUpstream) -> None:
    upstream.behave("slow.example", "slow")
    upstream.add("slow.example 60 A 192.0.2.20")
    forwarder = forwarding("tcp://" + upstream.address)
    await forwarder.ask(q("good.example"))
    slow = asyncio.create_task(forwarder.ask(q("slow.example")))
    await asyncio.sleep(0)
    assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]
    assert not slow.done()
    assert found(await slow) == ["192.0.2.20"]


async def test_equal_questions_are_asked_once(forwarding: Ask, upstream: FakeUpstream) -> None:
    upstream.behave("good.example", "slow")
    forwarder = forwarding(upstream.address)
    waiting = [asyncio.create_task(forwarder.ask(q("good.example"))) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # one that stops waiting does not stop the others
    bodies = await asyncio.gather(*waiting[1:])
    assert [found(body) for body in bodies] == [["192.0.2.10"]] * 19
    assert upstream.count("good.example") == 1


async def test_ids_ports_and_letter_case_cannot_be_guessed(forwarding: Ask, upstream: FakeUpstream) -> None:
    """Chance takes one of 32 ports for each question: 48 questions meet 25 of them on average, 18 nearly always."""
    upstream.add("a-long-enough-name.example 0 A 192.0.2.1")
    forwarder = forwarding(upstream.address)
    for _ in range(48):
        await forwarder.ask(q("a-long-enough-name.example"))
    assert len({asked.parsed.header.id for asked in upstream.asked}) >= 45
    assert len({asked.port for asked in upstream.asked}) >= 18
    assert len({asked.packet[12:36] for asked in upstream.asked}) >= 45
    assert {asked.name for asked in upstream.asked} == {"a-long-enough-name.example"}


async def test_every_hop_has_an_opt_of_its_own(forwarding: Ask, upstream: FakeUpstream) -> None:
    for address in (upstream.address, "tcp://" + upstream.address):
        await forwarding(address).ask(q("good.example", do=True))
    opts = [asked.parsed.ar for asked in upstream.asked]
    assert [(opt.edns_len, opt.edns_do, [one.code for one in opt.rdata]) for (opt,) in opts] == [
        (1232, 1, [10]),
        (1232, 1, []),
    ]


async def test_too_many_questions_at_once(
    forwarding: Ask, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "MAX_IN_FLIGHT", 2)
    upstream.behave("*", "slow")
    forwarder = forwarding(upstream.address)
    waiting = [asyncio.create_task(forwarder.ask(q(f"n{number}.example"))) for number in range(2)]
    await asyncio.sleep(0)
    body = await forwarder.ask(q("good.example"))
    assert body.rcode == Rcode.SERVFAIL
    assert body.error is not None
    assert body.error.code == 14
    forwarder.refresh(q("good.example"))  # there is no room for it either
    await asyncio.gather(*waiting)
    assert upstream.count("good.example") == 0
    forwarder.refresh(q("good.example"))
    assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]


async def test_upstreams_come_and_go(upstream: FakeUpstream) -> None:
    async with FakeUpstream() as second:
        second.add("good.example 60 A 192.0.2.99")
        listed = [parse_endpoint("tcp://" + upstream.address)]
        forwarder = Forwarder(lambda: tuple(listed), AnswerCache(), asyncio.get_running_loop().time)
        assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]
        listed[:] = [parse_endpoint(second.address)]
        assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.99"]
        await forwarder.close()


async def test_a_connection_that_idled_is_opened_anew(
    forwarding: Ask, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxy.dns import stream

    monkeypatch.setattr(stream, "_IDLE", 0.05)
    forwarder = forwarding("tcp://" + upstream.address)
    await forwarder.ask(q("good.example"))
    async with asyncio.timeout(3):
        while upstream.open_connections:
            await asyncio.sleep(0.01)
    assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]
    assert len({asked.port for asked in upstream.asked}) == 2


async def test_the_fastest_is_asked_first(forwarding: Ask, upstream: FakeUpstream) -> None:
    async with FakeUpstream(delay=0.05) as slow:
        slow.behave("*", "slow")
        forwarder = forwarding(slow.address, upstream.address, strategy="fastest")
        for number in range(20):
            await forwarder.ask(q(f"n{number}.example"))
        assert (len(slow.asked), len(upstream.asked)) == (1, 19)


async def test_a_slow_upstream_is_tried_again_now_and_then(
    forwarding: Ask, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "_LOOK_AROUND", 4)
    async with FakeUpstream(delay=0.03) as slow:
        slow.behave("*", "slow")
        forwarder = forwarding(slow.address, upstream.address, strategy="fastest")
        for number in range(16):
            await forwarder.ask(q(f"n{number}.example"))
        assert 2 <= len(slow.asked) <= 5


async def test_all_are_asked_at_once_and_the_first_good_answer_counts(forwarding: Ask, upstream: FakeUpstream) -> None:
    async with FakeUpstream() as silent, FakeUpstream() as failing:
        silent.behave("*", "silent")
        failing.behave("*", "servfail")
        forwarder = forwarding(silent.address, failing.address, upstream.address, strategy="parallel")
        async with asyncio.timeout(0.5):
            assert found(await forwarder.ask(q("good.example"))) == ["192.0.2.10"]
        assert (silent.count("good.example"), failing.count("good.example")) == (1, 1)


async def test_none_of_those_asked_at_once_is_good(forwarding: Ask, upstream: FakeUpstream) -> None:
    async with FakeUpstream() as failing:
        upstream.behave("*", "refused")
        failing.behave("*", "refused")
        forwarder = forwarding(upstream.address, failing.address, strategy="parallel")
        assert (await forwarder.ask(q("good.example"))).rcode == Rcode.REFUSED
        assert (len(upstream.asked), len(failing.asked)) == (1, 1)


async def test_an_answer_that_comes_too_late_harms_nobody(forwarding: Ask, upstream: FakeUpstream) -> None:
    """On a shared connection a question that was given up is answered late: the others still get their answers."""
    upstream.behave("late.example", "slow")
    upstream.behave("other.example", "slow")
    upstream.add("other.example 60 A 192.0.2.20", "late.example 60 A 192.0.2.21")
    upstream.delay = 1.0  # longer than the first round, shorter than the second
    forwarder = forwarding("tcp://" + upstream.address)
    late = asyncio.create_task(forwarder.ask(q("late.example")))
    await asyncio.sleep(0.3)
    other = asyncio.create_task(forwarder.ask(q("other.example")))
    assert found(await late) == ["192.0.2.21"]
    assert found(await other) == ["192.0.2.20"]
    assert len({asked.port for asked in upstream.asked}) == 1
