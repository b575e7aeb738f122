"""PostgreSQL's connections: whoever goes, none stays lent."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import make_url, text

from collector.store.postgresql import Postgresql


@pytest.fixture
async def lender(postgres_url):
    made = Postgresql(make_url(postgres_url))
    yield made
    await made.close()


async def _one(connection):
    return (await connection.execute(text("SELECT 1"))).scalar()


async def test_what_was_opened_for_who_is_cancelled_meanwhile_is_given_back(lender, monkeypatch):
    open_, opening, go_on = lender._open, asyncio.Event(), asyncio.Event()

    async def slowly():
        opening.set()
        await go_on.wait()
        return await open_()

    monkeypatch.setattr(lender, "_open", slowly)
    asking = asyncio.create_task(lender.all_at_once(_one))
    await opening.wait()
    asking.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert lender._engine.pool.checkedout() == 0


async def test_a_connection_is_lent_for_a_block_or_for_questions(lender):
    async with lender.lent() as connection:
        assert await _one(connection) == 1
    assert await lender.all_at_once(_one) == 1
    assert lender._engine.pool.checkedout() == 0
