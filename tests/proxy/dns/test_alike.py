"""Listed names are answered as an earlier one was, when and only when nothing but the name differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dnslib import DNSRecord

from indicators.indicator import Indicator, Origin
from indicators.words import Action, IndicatorType
from proxy.dns import service
from tests.support.resolver import Running, TestPolicy, addresses, extended_errors, question, running, until
from tests.support.upstream import FakeUpstream

FAR = datetime(2999, 1, 1, tzinfo=UTC)


def listed(name: str, line: int, feed: str = "a-feed", **more: object) -> Indicator:
    return Indicator(name, IndicatorType.DOMAIN, Action.BLOCK, Origin(feed, False, feed, line), **more)  # type: ignore[arg-type]


LIST = [
    *(listed(f"bad{number}.example", number + 1) for number in range(9)),
    listed("two.example", 20),
    listed("two.example", 3, "another-feed"),
    listed("deep.bad1.example", 21),
    listed("deep.bad2.example", 22),
    listed("soon.example", 23, expiration=FAR),
    listed("bad.onion", 24),
    listed("allowed.example", 25),
    listed("only.example", 26, exact=True),
    listed("only2.example", 27, exact=True),
]


@asynccontextmanager
async def serving(folder: Path, *rules: object, **dns: object) -> AsyncIterator[Running]:
    async with FakeUpstream() as upstream:
        upstream.add("allowed.example 60 A 192.0.2.10", "www.only2.example 60 A 192.0.2.11")
        policy = TestPolicy({"allow": "allowed.example"}, *rules, listed=LIST)
        async with running(folder, {"upstreams": [upstream.address], **dns}, policy) as resolver:
            await resolver.ask("nothing.bad0.example")  # the device is noted once the long way
            yield resolver


async def judged(resolver: Running, names: Sequence[str], qtype: str = "A") -> tuple[list[list[str]], list[str]]:
    """Ask for names; return the answers and those that were judged the long way."""
    resolver.policy.judged.clear()
    answers = [addresses(await resolver.ask(name, qtype)) for name in names]
    return answers, [seen.host for seen in resolver.policy.judged]


async def test_only_the_first_of_a_kind_is_judged_and_each_has_its_event(tmp_path: Path) -> None:
    async with serving(tmp_path) as resolver:
        names = ["bad1.example", "bad2.example", "BAD3.example", "bad2.example"]
        assert await judged(resolver, names) == ([["0.0.0.0"]] * 4, ["bad1.example"])
        below = ["a.bad4.example", "b.c.bad5.example"]
        assert (await judged(resolver, below))[1] == []  # a parent was met when the device was noted
        deep = ["deep.bad1.example", "deep.bad2.example"]
        assert (await judged(resolver, deep))[1] == deep[:1]
        await until(lambda: len(resolver.reporter.hosts) == 8)
        await until(lambda: resolver.reporter.repeats)
        told = {
            event.host: [(m.indicator, m.line, m.source) for m in event.matches] for event in resolver.reporter.alike
        }
        assert told == {
            "bad2.example": [("bad2.example", 3, "a-feed")],
            "bad3.example": [("bad3.example", 4, "a-feed")],
            "a.bad4.example": [("bad4.example", 5, "a-feed")],
            "b.c.bad5.example": [("bad5.example", 6, "a-feed")],
            "deep.bad2.example": [("deep.bad2.example", 22, "a-feed"), ("bad2.example", 3, "a-feed")],
        }
        event = next(event for event in resolver.reporter.alike if event.host == "bad2.example")
        whole = next(verdict for seen, verdict, _ in resolver.reporter.reports if seen.host == "bad1.example")
        assert event.reason == whole.reason.replace("bad1", "bad2")
        assert (event.device.address, event.alert, sum(resolver.reporter.repeats.values())) == ("127.0.0.1", True, 1)


async def test_a_reply_is_what_the_long_way_gives(tmp_path: Path) -> None:
    async with serving(tmp_path) as resolver:
        for qtype in ("A", "AAAA", "HTTPS", "TXT"):
            first, second = [await resolver.ask(f"bad{number}.example", qtype) for number in (1, 2)]
            assert str(second).replace("bad2", "bad1").splitlines()[2:] == str(first).splitlines()[2:]
        mixed = await resolver.udp(question("bAd6.eXample", qid=4711))
        assert mixed is not None
        assert (mixed[:2], b"\x04bAd6\x07eXample\0" in mixed) == ((4711).to_bytes(2), True)


async def test_a_shown_incident_is_each_names_own_and_reported_before(tmp_path: Path) -> None:
    async with serving(tmp_path) as resolver:
        shown = []
        for number in range(1, 5):
            reply = await resolver.ask(f"bad{number}.example", edns=1232)
            [(code, text)] = extended_errors(reply)
            shown.append((code, text.rpartition(" ")[2], resolver.reporter.hosts[-1]))
        assert len({incident for _, incident, _ in shown}) == 4
        assert [host for *_, host in shown] == [f"bad{number}.example" for number in range(1, 5)]
        assert len(resolver.reporter.alike) == 3
        again = DNSRecord.parse(await resolver.udp(question("bad4.example", edns=1232)) or b"")
        assert extended_errors(again)[0][1].endswith(shown[-1][1])
        assert (await resolver.ask("bad3.example", edns=512)).ar[0].rdata  # another shape of question: its own kind


@pytest.mark.parametrize(
    ("names", "answers"),
    [
        (["two.example", "bad1.example"], [["0.0.0.0"], ["0.0.0.0"]]),
        (["bad1.example", "soon.example"], [["0.0.0.0"], ["0.0.0.0"]]),
        (["bad1.example", "bad.onion"], [["0.0.0.0"], []]),
        (["bad1.example", "allowed.example"], [["0.0.0.0"], ["192.0.2.10"]]),
        (["only.example", "www.only2.example"], [["0.0.0.0"], ["192.0.2.11"]]),
    ],
    ids=["several feeds", "expires", "reserved", "allowed by name", "exact"],
)
async def test_what_is_not_alike_goes_the_long_way(tmp_path: Path, names: list[str], answers: list[list[str]]) -> None:
    async with serving(tmp_path) as resolver:
        assert (await judged(resolver, names))[0] == answers
        assert resolver.reporter.alike == []


async def test_a_change_of_policy_is_seen_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as resolver:
        assert (await judged(resolver, ["bad1.example", "bad2.example"]))[1] == ["bad1.example"]
        resolver.policy.set({"allow": "allowed.example"}, {"block": "bad3.example", "category": "phishing"})
        assert (await judged(resolver, ["bad3.example"]))[1] == ["bad3.example"]
        assert (await judged(resolver, ["bad4.example", "bad2.example"]))[1] == ["bad4.example"]


async def test_a_group_with_its_own_policy_is_judged_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.resolver.TestPolicy.differs", lambda *_: True)
    async with serving(tmp_path) as resolver:
        names = ["bad1.example", "bad2.example"]
        assert (await judged(resolver, names))[1] == names


async def test_where_each_must_be_reported_whole_each_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.resolver.RecordingReporter.form", lambda *_: None)
    async with serving(tmp_path) as resolver:
        names = ["bad1.example", "bad2.example"]
        assert (await judged(resolver, names))[1] == names


async def test_a_reporter_that_fails_lets_nothing_through(tmp_path: Path) -> None:
    async with serving(tmp_path) as resolver:
        await resolver.ask("bad1.example", edns=1232)
        resolver.reporter.fails = True
        assert addresses(await resolver.ask("bad2.example", edns=1232)) == ["0.0.0.0"]
        assert addresses(await resolver.ask("bad2.example")) == ["0.0.0.0"]


@pytest.mark.parametrize(
    ("later", "left", "again"),
    [(1800.0, 86_400.0, []), (3601.0, 86_400.0, ["bad2.example"]), (200.0, 100.0, ["bad2.example"])],
    ids=["within the hour", "after it", "the next day"],
)
async def test_what_was_learned_holds_for_an_hour_of_the_same_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: float, left: float, again: list[str]
) -> None:
    loop, passed = asyncio.get_running_loop(), 0.0
    time = loop.time
    monkeypatch.setattr(loop, "time", lambda: time() + passed)
    monkeypatch.setattr(service, "day_left", lambda clock: lambda: left)
    async with serving(tmp_path) as resolver:
        assert (await judged(resolver, ["bad1.example"]))[1] == ["bad1.example"]
        passed = later
        await resolver.ask("nothing.bad0.example", "TXT")  # the device is noted again, the long way
        assert (await judged(resolver, ["bad2.example"]))[1] == again
