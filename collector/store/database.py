"""Connections to the collector's database: opened, migrated, one writer at a time. No statement about our tables.

What a driver raises is mapped here, once, to `StoreUnavailableError`; callers answer "try again later".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, RowMapping, Select, Table, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import migrate
from collector.store.bulk import Row, among, run_many
from collector.store.lending import Lender, Questions
from collector.store.postgresql import Postgresql
from collector.store.sqlite import READER, WRITER, Sqlite, make_private

if TYPE_CHECKING:
    from collections.abc import Iterator

type Insert = sqlite.Insert | postgresql.Insert

CHUNK = 500  # rows of one IN list or one many-row INSERT: far below SQLite's 32,766 variables
_WRITER = 0x5EA3A11  # advisory lock of PostgreSQL under which every writing transaction runs
_READERS = 8  # connections to SQLite that read at the same time


class StoreUnavailableError(RuntimeError):
    """Say that the database cannot be read or written now; nothing was changed."""


class Database:
    """Own the connections. `read` and `write` lend one for a block, `ask` and `change` for questions put together."""

    def __init__(self, url: str) -> None:
        """Take a SQLAlchemy URL for SQLite or PostgreSQL. Raises ValueError for any other."""
        self._url = make_url(url)
        if self._url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError(f"collector database: expected sqlite or postgresql, got {self._url.drivername}")
        self._readers: Lender
        self._writer: Lender
        if self.is_sqlite:
            self._readers = Sqlite(self._url, _READERS, "BEGIN", READER)
            self._writer = Sqlite(self._url, 1, "BEGIN IMMEDIATE", WRITER)
        else:
            self._readers = self._writer = Postgresql(self._url)
        self._writing = asyncio.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Say which of the two databases this is."""
        return self._url.get_backend_name() == "sqlite"

    async def open(self) -> None:
        """Make the file private and bring the tables up to date. Raises StoreUnavailableError."""
        with _mapped():
            if self.is_sqlite and self._url.database:
                await asyncio.to_thread(make_private, Path(self._url.database))
            async with self.write() as connection:
                await connection.run_sync(migrate.upgrade)

    async def close(self) -> None:
        """Close every connection."""
        await self._readers.close()
        await self._writer.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection that sees one consistent state. Raises StoreUnavailableError."""
        with _mapped():
            async with self._readers.lent() as connection:
                yield connection

    async def ask[T](self, questions: Questions[T]) -> T:
        """Do as `read`, for all that a page asks: cheaper, because it is asked in one go. Raises StoreUnavailableError.

        On SQLite the questions run in a thread, where nothing but the connection may be waited for.
        """
        with _mapped():
            return await self._readers.all_at_once(questions)

    async def rows(self, wanted: Select[Any]) -> list[RowMapping]:
        """Do as `ask`, for the rows of one statement."""

        async def read(connection: AsyncConnection) -> list[RowMapping]:
            return list((await connection.execute(wanted)).mappings())

        return await self.ask(read)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Lend the only writing connection; committed when the block ends, rolled back when it raises.

        On SQLite it is always the same one: what it holds of the file stays valid as long as nobody else writes.
        Writers of this process queue on a lock; on PostgreSQL an advisory lock keeps other processes out as well,
        so that what is read inside the block cannot change before it commits. Raises StoreUnavailableError.
        """
        with _mapped():
            async with self._writing, self._writer.lent() as connection:
                await self._keep_others_out(connection)
                yield connection

    async def change[T](self, changes: Questions[T]) -> T:
        """Do as `write`, in one go as `ask` does. Raises StoreUnavailableError."""

        async def made(connection: AsyncConnection) -> T:
            await self._keep_others_out(connection)
            return await changes(connection)

        with _mapped():
            async with self._writing:
                return await self._writer.all_at_once(made)

    async def _keep_others_out(self, connection: AsyncConnection) -> None:
        if not self.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER})

    def insert(self, table: Table) -> Insert:
        """Return the dialect's INSERT, which has ON CONFLICT."""
        return _insert(table, is_sqlite=self.is_sqlite)

    async def insert_fresh(self, connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> set[str]:
        """Insert the rows whose `id` is not there yet and return those ids; rows must differ in `id`.

        Only in `write`: no other writer can come between the look and the insert.
        """
        known = select(table.c.id).where(among(connection, table.c.id, [row["id"] for row in rows]))
        there = set((await connection.execute(known)).scalars()) if rows else set()
        fresh = [row for row in rows if row["id"] not in there]
        await run_many(connection, self.insert(table), fresh)
        return {row["id"] for row in fresh}

    async def upsert(self, connection: AsyncConnection, table: Table, rows: Sequence[Row], add: str = "") -> None:
        """Insert rows; where the primary key is there, replace the other columns, but add to the column `add`."""
        if not rows:
            return
        await run_many(connection, _upsert(self.insert(table), table, tuple(rows[0]), add), rows)


@lru_cache(maxsize=128)  # one for each table: what is compiled of a statement is kept with it
def _insert(table: Table, *, is_sqlite: bool) -> Insert:
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)


@lru_cache(maxsize=128)
def _upsert(statement: Insert, table: Table, names: tuple[str, ...], add: str) -> Insert:
    keys = [column.name for column in table.primary_key]
    new: dict[str, ColumnElement[Any]] = {name: statement.excluded[name] for name in names if name not in keys}
    if add:
        new[add] = table.c[add] + statement.excluded[add]
    return statement.on_conflict_do_update(index_elements=keys, set_=new)


def chunks[T](items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts of at most `size`.

    >>> list(chunks("abcde", 2))
    ['ab', 'cd', 'e']
    """
    return (items[start : start + size] for start in range(0, len(items), size))


@contextmanager
def _mapped() -> Iterator[None]:
    """Map what drivers raise (asyncpg lets a refused connection through as OSError)."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnavailableError(f"collector database: {error.__class__.__name__}: {error}") from error
