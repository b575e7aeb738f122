"""An open page hears of each change, at most once a second, until its session or the collector ends."""

from __future__ import annotations

import asyncio

import pytest

from collector.console import stream
from collector.live import MOST_WATCHERS, Live
from collector.web.parts import PARTS
from tests.support.events import verdict


async def heard(answer, word: bytes) -> None:
    async with asyncio.timeout(10):
        while word not in await answer.content.readline():
            pass


async def test_a_delivery_is_heard(running):
    async with await running.log_in() as browser, browser.get(f"{running.url}/stream") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        await heard(answer, b"hello")
        await running.deliver(verdict())
        await heard(answer, b"event: change")


async def test_a_silent_stream_shows_that_it_lives_and_ends_with_its_session(running, monkeypatch):
    monkeypatch.setattr(stream, "_BEAT", 0.01)
    monkeypatch.setattr(stream, "_PAUSE", 0.01)
    async with await running.log_in() as browser, browser.get(f"{running.url}/stream") as answer:
        await heard(answer, b": alive")
        running.clock.advance(days=8)
        async with asyncio.timeout(10):
            await answer.content.read()


async def test_stopping_ends_open_streams(running):
    async with await running.log_in() as browser, browser.get(f"{running.url}/stream") as answer:
        await heard(answer, b"hello")
        async with asyncio.timeout(10):
            await running.service.stop()
            await answer.content.read()


async def test_there_is_an_end_to_watchers(running):
    live = running.service._app[PARTS].live
    watching = [live.watching() for _ in range(MOST_WATCHERS)]
    for one in watching:
        one.__enter__()
    status, _, headers = await running.ask("GET", "/stream")
    assert (status, headers["Retry-After"]) == (503, "30")
    for one in watching:
        one.__exit__(None, None, None)
    assert not live.is_full


@pytest.mark.parametrize("act", [Live.changed, Live.close])
def test_every_watcher_wakes(act):
    live = Live()
    with live.watching() as one, live.watching() as other:
        act(live)
        assert one.is_set()
        assert other.is_set()
    assert live.closed is (act is Live.close)
