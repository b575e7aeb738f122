"""Go through the kept events, all of them or those of some destinations, a page at a time; nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from sqlalchemy import ColumnElement, RowMapping, select

from collector.store.database import Database, chunks
from collector.store.tables import EVENTS

_PAGE = 500  # rows
_COLUMNS = (EVENTS.c.seq, EVENTS.c.id, EVENTS.c.device_id, EVENTS.c.time, EVENTS.c.last_time, EVENTS.c.count)
_ALL = (*_COLUMNS, EVENTS.c.measure, EVENTS.c.destination, EVENTS.c.body)


async def destinations(database: Database, wanted: Callable[[str], bool]) -> list[str]:
    """Return the kept destinations for which `wanted` says yes."""
    found: list[str] = []
    last: str | None = None
    while True:
        some = select(EVENTS.c.destination).distinct().order_by(EVENTS.c.destination).limit(5000)
        async with database.read() as connection:
            after = some.where(EVENTS.c.destination > last) if last is not None else some
            page = list((await connection.execute(after)).scalars())
        found += [one for one in page if wanted(one)]
        if not page:
            return found
        last = page[-1]
        await asyncio.sleep(0)


async def events(database: Database, of: Sequence[str] | None = None) -> AsyncIterator[list[RowMapping]]:
    """Yield pages of kept events, oldest first; of these destinations alone where they are given."""
    if of is None:
        async for page in _pages(database):
            yield page
        return
    for part in chunks(of, 200):
        async for page in _pages(database, EVENTS.c.destination.in_(part)):
            yield page


async def _pages(database: Database, *where: ColumnElement[bool]) -> AsyncIterator[list[RowMapping]]:
    last = 0
    while True:
        wanted = select(*_ALL).where(EVENTS.c.seq > last, *where).order_by(EVENTS.c.seq).limit(_PAGE)
        async with database.read() as connection:
            page = list((await connection.execute(wanted)).mappings())
        if page:
            yield page
            last = page[-1]["seq"]
        if len(page) < _PAGE:
            return
        await asyncio.sleep(0)
