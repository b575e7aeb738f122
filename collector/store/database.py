"""Connections to the collector's database: opened, migrated, one writer at a time. No statement about our tables.

What a driver raises is mapped here, once, to `StoreUnavailableError`; callers answer "try again later".
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Table, event, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from collector.store import migrate
from collector.store.bulk import Row, among, run_many
from collector.store.columns import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

type Insert = sqlite.Insert | postgresql.Insert

CHUNK = 500  # rows of one IN list or one many-row INSERT: far below SQLite's 32,766 variables
_WRITER = 0x5EA3A11  # advisory lock of PostgreSQL under which every writing transaction runs
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
)
# A batch changes some 3,000 pages of 4 KiB: with SQLite's 2 MB for them, each was written and read again in between.
_WRITER_PRAGMAS = ("PRAGMA cache_size=-65536", "PRAGMA wal_autocheckpoint=16000")
# What readers hold is void after each batch: mapped, a page is read where the system has it, not copied once more.
_READER_PRAGMAS = ("PRAGMA mmap_size=1073741824",)


class StoreUnavailableError(RuntimeError):
    """Say that the database cannot be read or written now; nothing was changed."""


class Database:
    """Own the engine. `read` and `write` lend a connection inside a transaction that ends with the block."""

    def __init__(self, url: str) -> None:
        """Take an async SQLAlchemy URL for SQLite or PostgreSQL. Raises ValueError for any other."""
        self._url = make_url(url)
        if self._url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError(f"collector database: expected sqlite or postgresql, got {self._url.drivername}")
        self._engine: AsyncEngine = create_async_engine(self._url, pool_pre_ping=True, json_serializer=json_text)
        self._writer = self._engine
        self._writing = asyncio.Lock()
        if self.is_sqlite:
            self._writer = create_async_engine(self._url, pool_size=1, max_overflow=0, json_serializer=json_text)
            _prepare_sqlite(self._engine, "BEGIN", _PRAGMAS + _READER_PRAGMAS)
            _prepare_sqlite(self._writer, "BEGIN IMMEDIATE", _PRAGMAS + _WRITER_PRAGMAS)

    @property
    def is_sqlite(self) -> bool:
        """Say which of the two databases this is."""
        return self._url.get_backend_name() == "sqlite"

    async def open(self) -> None:
        """Make the file private and bring the tables up to date. Raises StoreUnavailableError."""
        with _mapped():
            if self.is_sqlite and self._url.database:
                await asyncio.to_thread(_make_private, Path(self._url.database))
            async with self.write() as connection:
                await connection.run_sync(migrate.upgrade)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection that sees one consistent state. Raises StoreUnavailableError."""
        with _mapped():
            async with _connected(self._engine) as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Lend the only writing connection; committed when the block ends, rolled back when it raises.

        On SQLite it is always the same one: what it holds of the file stays valid as long as nobody else writes.
        Writers of this process queue on a lock; on PostgreSQL an advisory lock keeps other processes out as well,
        so that what is read inside the block cannot change before it commits. Raises StoreUnavailableError.
        """
        with _mapped():
            async with self._writing, _connected(self._writer) as connection, connection.begin():
                if not self.is_sqlite:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER})
                yield connection

    def insert(self, table: Table) -> Insert:
        """Return the dialect's INSERT, which has ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

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
        statement = self.insert(table)
        keys = [column.name for column in table.primary_key]
        new: dict[str, ColumnElement[Any]] = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        if add:
            new[add] = table.c[add] + statement.excluded[add]
        await run_many(connection, statement.on_conflict_do_update(index_elements=keys, set_=new), rows)


def chunks[T](items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts of at most `size`.

    >>> list(chunks("abcde", 2))
    ['ab', 'cd', 'e']
    """
    return (items[start : start + size] for start in range(0, len(items), size))


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Lend a connection. Opening one goes on when the caller is cancelled: aiosqlite would leave the file open then."""
    opening = asyncio.create_task(_open(engine))
    try:
        connection = await asyncio.shield(opening)
    except asyncio.CancelledError:
        with suppress(SQLAlchemyError, OSError):
            await (await opening).close()
        raise
    try:
        yield connection
    finally:
        await asyncio.shield(asyncio.create_task(connection.close()))


async def _open(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()


@contextmanager
def _mapped() -> Iterator[None]:
    """Map what drivers raise (asyncpg lets a refused connection through as OSError)."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnavailableError(f"collector database: {error.__class__.__name__}: {error}") from error


def _make_private(path: Path) -> None:
    """Create the file 0600 before SQLite does: its WAL files take over the mode."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _prepare_sqlite(engine: AsyncEngine, begin: str, pragmas: Sequence[str]) -> None:
    """Set the pragmas on each connection, and begin transactions ourselves: readers deferred, the writer at once."""

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def began(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
