"""Fill a collector's database with a month's events: `python -m benchmarks.collector_seed DATABASE KEPT`.

The collector's own ingest keeps them, so that rows are what delivery leaves; but without HTTP, in large batches, and
with indexes that only reading needs made afterwards. A million take two minutes so, where they took more than ten.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import batched, islice

from sqlalchemy import Connection, make_url
from sqlalchemy.schema import CreateIndex, DropIndex

from benchmarks.collector_load import events
from collector.store.database import Database
from collector.store.ingest import record
from collector.store.tables import ACTIVITY, ALERTS, EVENTS, RECEIPTS
from indicators.event_wire import from_json

_MONTH = timedelta(days=30)
_BATCH = 20_000  # events in one transaction: more than a gateway may send, because nobody waits
_TOLD = 100_000  # events between two lines of progress
_FOR_READING = tuple(index for table in (EVENTS, RECEIPTS, ALERTS, ACTIVITY) for index in table.indexes)


async def fill(url: str, kept: int) -> None:
    """Make the tables, keep events in them, and make the indexes; say how far it is on standard error."""
    database, began = Database(url), time.monotonic()
    await database.open()
    async with _without_indexes(database):
        made = islice(events(1, int(_MONTH.total_seconds())), kept)
        done = 0
        for batch in batched(made, _BATCH, strict=False):
            await record(database, [from_json(body) for body in batch], datetime.now(UTC), 2 * _MONTH)
            done += len(batch)
            if done % _TOLD == 0 or done == kept:
                _say(url, f"{done:,} of {kept:,} events kept", began)
    await database.close()
    _say(url, "indexes made", began)


@asynccontextmanager
async def _without_indexes(database: Database) -> AsyncIterator[None]:
    """Drop the indexes that ingest does not read, and make them again at the end: sorted at once, not row by row."""
    async with database.write() as connection:
        await connection.run_sync(_each, DropIndex)
    yield
    async with database.write() as connection:
        await connection.run_sync(_each, CreateIndex)


def _each(connection: Connection, do: type[CreateIndex | DropIndex]) -> None:
    for index in _FOR_READING:
        connection.execute(do(index))


def _say(url: str, what: str, began: float) -> None:
    name = make_url(url).get_backend_name()
    print(f"{name}: {what} after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1], int(sys.argv[2])))
