"""Opening, migrating and locking, on both databases."""

from __future__ import annotations

import asyncio
import gc
import stat
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from collector.store.database import Database, StoreUnavailableError, chunks
from collector.store.tables import METADATA, RECEIPTS
from tests.collector.conftest import NOW


async def test_migrations_make_the_tables(database):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_opening_again_changes_nothing(database, database_url):
    again = Database(database_url)
    await again.open()
    await again.close()


async def test_a_database_of_a_newer_seawall_is_left_alone(database, database_url):
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    newer = Database(database_url)
    with pytest.raises(RuntimeError, match="newer Seawall"):
        await newer.open()
    await newer.close()


async def test_a_block_that_raises_leaves_nothing(database):
    with pytest.raises(ZeroDivisionError):
        async with database.write() as connection:
            await database.insert_fresh(connection, RECEIPTS, [{"id": "a", "received": NOW}])
            raise ZeroDivisionError
    async with database.read() as connection:
        assert (await connection.execute(select(RECEIPTS.c.id))).all() == []


async def test_what_is_new_is_told_from_what_is_not(database):
    rows = [{"id": str(number), "received": NOW} for number in range(1100)]
    async with database.write() as connection:
        assert await database.insert_fresh(connection, RECEIPTS, rows[:600]) == {row["id"] for row in rows[:600]}
        assert await database.insert_fresh(connection, RECEIPTS, rows) == {row["id"] for row in rows[600:]}


@pytest.mark.parametrize(
    "url", ["sqlite:////nonexistent/folder/x.sqlite", "postgresql+asyncpg://x@/x?host=/nonexistent"]
)
async def test_a_database_that_cannot_be_reached(url):
    database = Database(url)
    with pytest.raises(StoreUnavailableError, match="collector database"):
        await database.open()


def test_other_databases_are_refused():
    with pytest.raises(ValueError, match="expected sqlite or postgresql"):
        Database("mysql+aiomysql://x/y")


async def test_the_file_is_ours_alone(tmp_path: Path):
    path = tmp_path / "c.sqlite"
    path.touch(0o644)
    database = Database(f"sqlite:///{path}")
    await database.open()
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("c.sqlite*")} == {0o600}
    async with database.read() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == 2
    await database.close()


def test_chunks_lose_nothing():
    assert [list(part) for part in chunks(list(range(5)), 2)] == [[0, 1], [2, 3], [4]]
    assert list(chunks([], 2)) == []


async def test_one_connection_writes_to_sqlite_and_holds_what_a_batch_changes(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/c.sqlite")
    await database.open()
    drivers = []
    for _ in range(2):
        async with database.read() as reader, database.write() as connection:
            assert (await reader.execute(text("PRAGMA mmap_size"))).scalar() == 1 << 30
            drivers.append(await connection.run_sync(lambda on: on.connection.driver_connection))
            assert (await connection.execute(text("PRAGMA cache_size"))).scalar() == -65536
    await database.close()
    assert drivers[0] is drivers[1]


async def test_a_reader_that_is_cancelled_while_it_opens_leaves_no_file_open(tmp_path: Path):
    async def read(database: Database) -> None:
        async with database.read():
            pass

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        for turns in range(40):
            database = Database(f"sqlite:///{tmp_path}/c.sqlite")
            reading = asyncio.create_task(read(database))
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await database.close()
        gc.collect()
    assert [str(one.message) for one in told if "unclosed database" in str(one.message)] == []


async def test_questions_put_together_see_what_changes_put_together_left(database):
    async def change(connection):
        return await database.insert_fresh(connection, RECEIPTS, [{"id": "a", "received": NOW}])

    async def ids(connection):
        return (await connection.execute(select(RECEIPTS.c.id))).scalars().all()

    assert await database.change(change) == {"a"}
    assert await database.change(change) == set()
    assert await database.ask(ids) == ["a"]
    assert [row["id"] for row in await database.rows(select(RECEIPTS.c.id))] == ["a"]


async def test_changes_put_together_that_raise_leave_nothing(database):
    async def change(connection):
        await database.insert_fresh(connection, RECEIPTS, [{"id": "a", "received": NOW}])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.change(change)
    assert await database.rows(select(RECEIPTS.c.id)) == []
