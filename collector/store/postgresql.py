"""Lend connections to PostgreSQL: asyncpg speaks to it from the event loop itself, so there are no turns to save."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from collector.store.columns import json_text
from collector.store.lending import Questions


class Postgresql:
    """Lend connections of one pool, each looked at before: the server may have been started anew meanwhile."""

    def __init__(self, url: URL) -> None:
        self._engine = create_async_engine(url, pool_pre_ping=True, json_serializer=json_text)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection. Opening one goes on when the caller is cancelled: it would be left open then."""
        opening = asyncio.create_task(self._open())
        try:
            connection = await asyncio.shield(opening)
        except asyncio.CancelledError:
            with suppress(SQLAlchemyError, OSError):
                await (await opening).close()
            raise
        try:
            async with connection.begin():
                yield connection
        finally:
            await asyncio.shield(asyncio.create_task(connection.close()))

    async def all_at_once[T](self, questions: Questions[T]) -> T:
        """Ask over one connection."""
        async with self.lent() as connection:
            return await questions(connection)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def _open(self) -> AsyncConnection:
        return await self._engine.connect()
