"""What keeps feeds fresh: what is due and when, and a process that is started, listened to and ended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from proxy.feeds import ledger, store, updater
from proxy.feeds.job import Job, make_job
from proxy.feeds.status import FeedState
from proxy.feeds.updater import FeedUpdater, run_process
from tests.support.feeds import Bench


def made(bench: Bench, jitter: float = 0.0) -> FeedUpdater:
    return FeedUpdater(bench.config, bench.state, lambda: bench.now, lambda: jitter)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


def test_a_feed_is_due_at_its_interval_and_a_share_of_it_later(bench: Bench) -> None:
    bench.put("names", "bad.example", interval="1h")
    bench.run()
    prompt, late = made(bench), made(bench, jitter=1.0)
    assert (prompt._due(), late._due()) == (["names"], ["names"])  # the file was not seen before
    assert (prompt._due(), late._due()) == ([], [])
    bench.now += timedelta(minutes=61)
    assert (prompt._due(), late._due()) == (["names"], [])
    bench.now += timedelta(minutes=6)
    assert late._due() == ["names"]


def test_a_file_is_due_when_it_changes(bench: Bench) -> None:
    bench.put("names", "bad.example")
    bench.run()
    keeper = made(bench)
    keeper._due()
    bench.put("names", "bad.example", "worse.example")
    assert keeper._due() == ["names"]
    (bench.folder / "names").unlink()
    assert keeper._due() == []


def test_failures_are_tried_again_soon_then_seldom(bench: Bench) -> None:
    bench.feeds["gone"] = {"name": "gone", "path": str(bench.folder / "gone"), "interval": "1h"}
    bench.run()
    keeper = made(bench)
    feed = bench.config.feeds[0]
    assert [keeper._wait(feed, n) for n in (1, 2, 3, 30)] == [
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=4),
        timedelta(hours=1),
    ]
    assert keeper._due() == []
    bench.now += timedelta(seconds=61)
    assert keeper._due() == ["gone"]


async def test_it_compiles_at_first_then_follows_files_and_configuration(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updater, "_LOOK", 0.05)
    bench.put("names", "bad.example")
    keeper = made(bench)
    assert not keeper.ready
    task = asyncio.create_task(keeper.run())
    try:
        await until(lambda: keeper.compiling)
        await until(lambda: keeper.ready and not keeper.compiling)
        assert keeper.status()[0].state is FeedState.FRESH
        bench.put("names", "bad.example", "worse.example")
        await until(lambda: bench.snapshot.mentions("worse.example"))
        bench.put("more", "third.example")
        keeper.reload(bench.config)
        await until(lambda: bench.snapshot.mentions("third.example"))
        bench.feeds.clear()
        keeper.reload(bench.config)
        await until(lambda: not bench.snapshot.mentions("third.example"))
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert keeper.last_error == ""


async def test_without_feeds_it_is_ready_and_publishes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Job] = []

    async def note(job: Job, _: Any) -> str:
        done.append(job)
        return ""

    monkeypatch.setattr(updater, "run_process", note)
    keeper = made(bench)
    assert keeper.ready
    task = asyncio.create_task(keeper.run())
    await until(lambda: bool(done))
    task.cancel()
    assert store.named(bench.state) == ()


async def test_what_goes_wrong_is_kept_and_logged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.put("names", "no list", "of any kind")
    keeper = made(bench)
    await keeper._do(make_job(bench.config, ["names"]))
    assert "feed names: its format was not recognised" in caplog.text
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    await keeper._do(make_job(bench.config))
    assert "cannot work with the feed process" in keeper.last_error
    assert not keeper.compiling


async def test_a_process_that_dies_or_cannot_work_is_reported(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = bench.state.feeds / "lock"
    lock.mkdir()
    assert "lock" in await run_process(make_job(bench.config), lambda _: None)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert await run_process(make_job(bench.config), lambda _: None) == "the feed process ended with code 1"


@pytest.mark.parametrize("deaf", [False, True])
async def test_a_cancelled_caller_ends_the_process(bench: Bench, monkeypatch: pytest.MonkeyPatch, deaf: bool) -> None:
    script = bench.folder / "python"
    trap = "trap '' TERM\n" if deaf else ""
    script.write_text(f'#!/bin/sh\n{trap}echo \'{{"event": "began"}}\'\nwhile :; do sleep 0.05; done\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(updater, "_STOPPING", 0.2)
    events: list[dict[str, Any]] = []
    task = asyncio.create_task(run_process(make_job(bench.config), events.append))
    await until(lambda: bool(events))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_stays_wrong_is_told_once_and_all_of_it_in_one_line(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a network a dozen feeds fail again and again: that is one line, not a dozen every minute."""
    caplog.set_level("INFO")
    for name in ("one", "two", "three"):
        bench.feeds[name] = {"name": name, "path": str(bench.folder / name)}
    keeper = made(bench)
    for _ in range(3):
        await keeper._do(make_job(bench.config, list(bench.feeds)))
    (line,) = [record.message for record in caplog.records]
    assert line.startswith("3 feeds could not be taken, such as ")
    assert "No such file" in line
    caplog.clear()
    bench.put("one", "evil.example")
    await keeper._do(make_job(bench.config, ["one"]))
    assert [record.message for record in caplog.records] == ["feeds are well again: one"]


async def test_without_a_network_the_gateway_is_ready_and_says_so(bench: Bench) -> None:
    bench.hosts = {"lists.example": "127.0.0.1"}
    bench.feeds["far"] = {"name": "far", "url": "http://lists.example:9/"}
    keeper = made(bench)
    assert not keeper.ready
    await keeper._do(make_job(bench.config, ["far"]))
    assert keeper.ready
    (status,) = keeper.status()
    assert status.state is FeedState.WAITING
    assert status.reason.startswith("not yet fetched: cannot fetch from lists.example")


def test_a_publisher_that_wants_rest_is_not_due(bench: Bench) -> None:
    bench.feeds["drop"] = {"name": "drop", "url": "https://www.spamhaus.org/drop/drop_v4.json", "interval": "1m"}
    keeper = made(bench)
    known = ledger.Ledger(source="https://www.spamhaus.org/drop/drop_v4.json", tried=bench.now, answered=bench.now)
    for failures in (0, 1):
        ledger.write(bench.state, "drop", known.model_copy(update={"failures": failures}))
        assert [keeper._due() for bench.now in (known.tried + timedelta(minutes=n) for n in (59, 61))] == [[], ["drop"]]


def test_another_guard_or_resolver_compiles_anew(bench: Bench) -> None:
    bench.put("names", "evil.example")
    keeper = made(bench)
    assert keeper._config_differs()
    assert not keeper._config_differs()
    bench.upstreams = ["8.8.8.8"]
    keeper.reload(bench.config)
    assert keeper._config_differs()
    bench.guards = {"never_block": ["good.example"]}
    keeper.reload(bench.config)
    assert keeper._config_differs()
    assert not keeper._config_differs()


def test_a_ledger_is_read_back_as_written(bench: Bench) -> None:
    known = ledger.Ledger(source="x", seen="abc", etag='"1"', tried=bench.now)
    ledger.write(bench.state, "names", known)
    assert ledger.read(bench.state, "names") == known
