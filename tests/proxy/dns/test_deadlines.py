"""Deadlines of one length: what is not called off is done in its turn, and one timer is enough."""

from __future__ import annotations

import asyncio

from proxy.dns.deadlines import Deadlines


async def test_what_is_not_called_off_is_done_in_order_and_not_early() -> None:
    loop = asyncio.get_running_loop()
    deadlines, done = Deadlines(0.03), []
    began = loop.time()
    kept = [deadlines.add(lambda at=at: done.append((at, loop.time()))) for at in range(5)]
    kept[0].call_off()
    kept[3].call_off()
    await asyncio.sleep(0.01)
    deadlines.add(lambda: done.append((9, loop.time())))
    async with asyncio.timeout(20):
        while len(done) < 4:
            await asyncio.sleep(0.005)
    assert [at for at, _ in done] == [1, 2, 4, 9]
    assert done[0][1] - began >= 0.03
    assert done[-1][1] - began >= 0.04


async def test_one_that_is_added_while_another_ends_is_kept() -> None:
    deadlines = Deadlines(0.01)
    done = asyncio.Event()
    deadlines.add(lambda: deadlines.add(done.set) and None)
    async with asyncio.timeout(20):
        await done.wait()


async def test_nothing_is_done_after_the_end() -> None:
    deadlines, done = Deadlines(0.01), []
    deadlines.add(lambda: done.append(1))
    deadlines.close()
    deadlines.close()
    await asyncio.sleep(0.03)
    assert done == []
