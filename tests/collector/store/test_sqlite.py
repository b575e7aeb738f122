"""SQLite in threads: in one turn or statement by statement, each in a transaction, and nobody leaves a thread alone."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest
from sqlalchemy import create_engine, event, insert, select, text

from collector.store import sqlite
from collector.store.database import Database, StoreUnavailableError
from collector.store.tables import RECEIPTS
from tests.collector.conftest import NOW

_RECEIPT = insert(RECEIPTS).values(id="a", received=NOW)
_ENOUGH = 20  # seconds


@pytest.fixture
async def file(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/c.sqlite")
    await database.open()
    yield database
    await database.close()


async def _ids(database: Database) -> list[str]:
    return [row["id"] for row in await database.rows(select(RECEIPTS.c.id))]


async def test_questions_are_asked_in_one_turn_of_a_thread(file):
    async def threads(connection):
        first = threading.current_thread().name
        await connection.execute(select(RECEIPTS))
        await connection.exec_driver_sql("SELECT 1")
        return first, threading.current_thread().name, connection.dialect.name

    first, last, kind = await file.ask(threads)
    assert first == last
    assert first.startswith("sqlite")
    assert kind == "sqlite"


async def test_statement_by_statement_rows_and_counts_are_read(file):
    async with file.write() as connection:
        assert (await connection.execute(_RECEIPT)).rowcount == 1
        assert (await connection.execute(select(RECEIPTS.c.id))).scalars().all() == ["a"]
        assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1


async def test_who_waits_for_something_else_is_refused_and_changes_nothing(file):
    async def waits(connection):
        await connection.execute(_RECEIPT)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="may wait for nothing else"):
        await file.change(waits)
    assert await _ids(file) == []


async def test_a_reader_cannot_write(file):
    async def write(connection):
        await connection.execute(_RECEIPT)

    with pytest.raises(StoreUnavailableError, match="readonly"):
        await file.ask(write)
    assert await _ids(file) == []


async def test_who_is_cancelled_goes_when_the_thread_is_done(file):
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def slow(connection):
        await connection.execute(_RECEIPT)
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(_ENOUGH)

    changing = asyncio.create_task(file.change(slow))
    await begun.wait()
    for _ in range(2):  # also who is cancelled twice
        changing.cancel()
        await asyncio.sleep(0)
    assert not changing.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert await _ids(file) == ["a"]


async def test_a_block_that_is_cancelled_leaves_nothing_and_lets_the_next_one_write(file):
    begun = asyncio.Event()

    async def block():
        async with file.write() as connection:
            await connection.execute(_RECEIPT)
            begun.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(block())
    await begun.wait()
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing
    async with asyncio.timeout(_ENOUGH), file.write() as connection:
        assert (await connection.execute(select(RECEIPTS))).all() == []


async def test_one_reader_too_many_waits_for_a_place_and_gives_up(tmp_path, monkeypatch):
    monkeypatch.setattr("collector.store.database._READERS", 1)
    database = Database(f"sqlite:///{tmp_path}/c.sqlite")
    await database.open()
    async with database.read():
        waiting = asyncio.create_task(_ids(database))
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == []
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.01)
    async with database.read():
        with pytest.raises(StoreUnavailableError, match="TimeoutError"):
            await _ids(database)
    await database.close()


def test_pragmas_are_set_on_each_connection_and_transactions_begin_as_told(tmp_path):
    engine, begun = create_engine(f"sqlite:///{tmp_path}/c.sqlite"), []
    sqlite._prepare(engine, "BEGIN IMMEDIATE", sqlite.WRITER)
    event.listen(engine, "before_cursor_execute", lambda *told: begun.append(told[2]))
    with engine.begin() as connection:
        assert connection.execute(text("PRAGMA cache_size")).scalar() == -65536
    engine.dispose()
    assert begun[0] == "BEGIN IMMEDIATE"
