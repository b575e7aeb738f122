"""Costly answers hold for a while in proportion to their cost; cheap ones never; memory is bounded; one finds anew."""

from __future__ import annotations

import asyncio

import pytest

from collector.console.remembered import Remembered


class Work:
    def __init__(self, cost: float) -> None:
        self.now, self.cost, self.done, self.fails = 100.0, cost, 0, False

    async def find(self) -> int:
        if self.fails:
            raise OSError("no database")
        self.now += self.cost
        self.done += 1
        return self.done


async def found_anew(kept: Remembered) -> None:
    async with asyncio.timeout(10):
        while kept._finding:
            await asyncio.sleep(0)


async def test_costly_answers_hold_in_proportion():
    work = Work(0.1)
    kept = Remembered(lambda: work.now)
    assert await kept.get("a", work.find) == 1
    work.now += 1.9
    assert await kept.get("a", work.find) == 1
    assert await kept.get("b", work.find) == 2
    work.now += 2.1
    assert await kept.get("a", work.find) == 1  # given while it is found anew, once for all who ask
    assert await kept.get("a", work.find) == 1
    await found_anew(kept)
    assert work.done == 3
    assert await kept.get("a", work.find) == 3


async def test_cheap_answers_are_always_fresh():
    work = Work(0.01)
    kept = Remembered(lambda: work.now)
    assert [await kept.get("a", work.find) for _ in range(3)] == [1, 2, 3]


async def test_what_became_cheap_is_fresh_again():
    work = Work(0.1)
    kept = Remembered(lambda: work.now)
    await kept.get("a", work.find)
    work.now, work.cost = work.now + 5, 0.01
    await kept.get("a", work.find)
    await found_anew(kept)
    assert [await kept.get("a", work.find) for _ in range(2)] == [3, 4]


async def test_no_answer_is_given_for_long_and_not_many_are_kept():
    work = Work(60.0)
    kept = Remembered(lambda: work.now)
    await kept.get("a", work.find)
    work.now += 121.0
    assert await kept.get("a", work.find) == 2
    for number in range(100):
        await kept.get(number, work.find)
    assert len(kept._answers) == 32


async def test_what_cannot_be_found_anew_leaves_the_old_answer_for_a_while(caplog):
    work = Work(0.1)
    kept = Remembered(lambda: work.now)
    assert await kept.get("a", work.find) == 1
    work.now, work.fails = work.now + 5, True
    assert await kept.get("a", work.find) == 1
    await found_anew(kept)
    assert "could not be found anew" in caplog.text
    work.fails = False
    assert await kept.get("a", work.find) == 1
    await found_anew(kept)
    assert await kept.get("a", work.find) == 2


async def test_who_waits_is_told_what_went_wrong():
    work = Work(0.1)
    kept, work.fails = Remembered(lambda: work.now), True
    with pytest.raises(OSError, match="no database"):
        await kept.get("a", work.find)


async def test_a_search_outlives_who_asked_first():
    work, go = Work(0.1), asyncio.Event()
    kept = Remembered(lambda: work.now)

    async def slow() -> int:
        await go.wait()
        return await work.find()

    first = asyncio.create_task(kept.get("a", slow))
    await asyncio.sleep(0)
    first.cancel()
    second = asyncio.create_task(kept.get("a", slow))
    go.set()
    assert await second == 1
