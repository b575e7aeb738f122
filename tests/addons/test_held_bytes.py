from __future__ import annotations

import asyncio

import pytest

from addons.held_bytes import HeldBytes, Holder

A, B, C, D = (Holder(client, f"flow of {client}") for client in "abcd")
LONG = 60.0


async def begun(held: HeldBytes, who: Holder, size: int, within: float = LONG) -> asyncio.Task[bool]:
    task = asyncio.create_task(held.take(who, size, within))
    await asyncio.sleep(0)
    return task


async def test_turns_come_in_the_order_of_asking_and_the_small_do_not_overtake() -> None:
    held = HeldBytes(100)
    assert held.take_now(A, 60)
    large, small = await begun(held, B, 80), await begun(held, C, 10)
    assert not held.take_now(D, 1)
    assert (held.waiting, held.held) == (2, 60)
    held.give_back(A)
    assert await large and await small
    assert (held.waiting, held.held) == (0, 90)


async def test_what_is_larger_than_all_is_held_alone() -> None:
    held = HeldBytes(100)
    assert held.take_now(A, 1)
    large, after = await begun(held, B, 5000), await begun(held, C, 1)
    assert not large.done()
    held.give_back(A)
    assert await large
    assert (held.held, after.done()) == (100, False)
    held.give_back(B)
    assert await after


async def test_who_waits_in_vain_lets_the_next_go_on() -> None:
    held = HeldBytes(100)
    assert held.take_now(A, 60)
    large, small = await begun(held, B, 80, within=0.05), await begun(held, C, 40)
    assert not await large
    assert await small
    held.give_back(A)
    held.give_back(C)
    assert (held.held, held.waiting) == (0, 0)


async def test_who_is_cancelled_takes_nothing() -> None:
    held = HeldBytes(100)
    assert held.take_now(A, 100)
    first, second = await begun(held, B, 100), await begun(held, C, 100)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    third = await begun(held, D, 100)
    held.give_back(A)
    second.cancel()  # in the moment in which its turn has come
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await third
    assert held.held == 100


async def test_a_client_that_has_gone_neither_holds_nor_waits() -> None:
    held = HeldBytes(100)
    assert held.take_now(A, 90)
    assert held.take_now(D, 10)
    waits, next_one = await begun(held, Holder("a", "another"), 100), await begun(held, C, 90)
    held.gone("a")
    assert (await waits, await next_one, held.held) == (False, True, 100)


def test_what_cannot_wait_is_counted_all_the_same() -> None:
    held = HeldBytes(100)
    assert held.take_now(A, 90)
    assert held.take_now(B, 90, beyond=True)
    assert (held.held, held.take_now(C, 1)) == (180, False)
    assert (held.take_now(C, 21, beyond=True), held.take_now(C, 20, beyond=True)) == (False, True)
