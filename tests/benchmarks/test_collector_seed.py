"""A seeded database is as delivery leaves it, and has all its indexes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select

from benchmarks.collector_seed import fill
from collector.store.database import Database
from collector.store.tables import ALERTS, EVENTS, METADATA, RECEIPTS


async def test_what_is_asked_for_is_kept_with_all_indexes(tmp_path: Path, capsys) -> None:
    url = f"sqlite:///{tmp_path}/seeded.sqlite"
    await fill(url, 1001)
    assert "1,001 of 1,001 events kept" in capsys.readouterr().err
    database = Database(url)
    async with database.read() as connection:
        kept = [(await connection.execute(select(func.count()).select_from(of))).scalar() for of in (EVENTS, RECEIPTS)]
        counted = [(await connection.execute(select(func.sum(of.c.count)))).scalar() for of in (EVENTS, ALERTS)]
        times = list((await connection.execute(select(EVENTS.c.time))).scalars())
        changes = await connection.run_sync(lambda on: compare_metadata(MigrationContext.configure(on), METADATA))
    await database.close()
    assert sum(kept) == 1001
    assert counted[0] == counted[1] > 1001
    assert max(times) - min(times) > timedelta(days=25)
    assert [change for change in changes if "index" in str(change[0])] == []
