"""Lend connections to SQLite, which is asked in threads, in as few turns between these and the event loop as can be.

A driver that makes SQLite asynchronous takes four turns for each statement, and each waits for a busy interpreter: a
page with nineteen statements was asked in seventy-six. Here a statement takes one, and questions that are put together
(`all_at_once`) one for all of them. No statement about our tables stands here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, CursorResult, Dialect, Engine, Executable, create_engine, event
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.columns import json_text
from collector.store.lending import Questions

_PATIENCE = 30  # seconds until a reader gives up, when as many as there are connections read
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
)
# A batch changes some 3,000 pages of 4 KiB: with SQLite's 2 MB for them, each was written and read again in between.
WRITER = (*_PRAGMAS, "PRAGMA cache_size=-65536", "PRAGMA wal_autocheckpoint=16000")
# What readers hold is void after each batch: mapped, a page is read where the system has it, not copied once more.
READER = (*_PRAGMAS, "PRAGMA mmap_size=1073741824", "PRAGMA query_only=ON")


class Sqlite:
    """Lend some connections to a file, and as many threads: who has a connection never waits for a thread."""

    def __init__(self, url: URL, number: int, begin: str, pragmas: Sequence[str]) -> None:
        """Take how many there may be, how a transaction begins, and what is set on each connection."""
        pool: dict[str, Any] = {"pool_size": number, "max_overflow": 0, "connect_args": {"check_same_thread": False}}
        self._engine = create_engine(url.set(drivername="sqlite"), json_serializer=json_text, **pool)
        self._threads = ThreadPoolExecutor(number, "sqlite")
        self._free = asyncio.Semaphore(number)
        _prepare(self._engine, begin, pragmas)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection of which each statement takes a turn."""
        async with self._place():
            stack = ExitStack()
            try:
                connection = await self._turn(lambda: stack.enter_context(self._engine.begin()))
                yield _seeming(_Stepwise(connection, self._turn))
            except BaseException as error:
                told = (type(error), error, error.__traceback__)
                await self._turn(lambda: stack.__exit__(*told))
                raise
            await self._turn(stack.close)

    async def all_at_once[T](self, questions: Questions[T]) -> T:
        """Ask everything in one turn."""
        async with self._place():
            return await self._turn(lambda: self._answers(questions))

    def _answers[T](self, questions: Questions[T]) -> T:
        with self._engine.begin() as connection:
            return _finished(questions(_seeming(_Present(connection))))

    async def close(self) -> None:
        """Close every connection and end the threads."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        async with asyncio.timeout(_PATIENCE):
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    async def _turn[T](self, work: Callable[[], T]) -> T:
        """Do work in a thread. It cannot be stopped there: who is cancelled waits for its end, and then goes."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([running])
            running.exception()
            raise


class _Present:
    """Look like an `AsyncConnection` to who is in the thread already: nothing is waited for."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(statement, parameters)


class _Stepwise:
    """Look like an `AsyncConnection` to who is in the event loop: a statement, its rows included, takes a turn."""

    __slots__ = ("_connection", "_turn")

    def __init__(self, connection: Connection, turn: Callable[[Callable[[], Any]], Coroutine[Any, Any, Any]]) -> None:
        self._connection = connection
        self._turn = turn

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> Any:
        return await self._turn(lambda: _read(self._connection.execute(statement, parameters)))

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any:
        return await self._turn(lambda: _read(self._connection.exec_driver_sql(statement, parameters)))

    async def run_sync[**P, T](self, work: Callable[..., T], *args: Any) -> T:
        done: T = await self._turn(lambda: work(self._connection, *args))
        return done


def _seeming(connection: _Present | _Stepwise) -> AsyncConnection:
    """Give it the type that the store's functions name; what these use of that type, it has."""
    return cast("AsyncConnection", connection)


def _read(result: CursorResult[Any]) -> Any:
    """Read all rows here, in the thread; a result without rows still tells how many it changed."""
    return result.freeze()() if result.returns_rows else result


def _finished[T](asked: Coroutine[Any, Any, T]) -> T:
    """Run what waits for nothing to its end. Raises RuntimeError where it does wait."""
    try:
        asked.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    asked.close()
    raise RuntimeError("questions to the database may wait for nothing else")


def make_private(path: Path) -> None:
    """Create the file 0600 before SQLite does: its WAL files take over the mode."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _prepare(engine: Engine, begin: str, pragmas: Sequence[str]) -> None:
    """Set the pragmas on each connection, and begin transactions ourselves."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
