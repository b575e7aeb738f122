"""What pages count of alerts is what a reading of all alerts finds, whatever was done to them, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select, text

from collector.store import migrate
from collector.store.alert_totals import WORDS
from collector.store.alerts import count_open
from collector.store.database import Database
from collector.store.device_deletion import delete_device
from collector.store.ingest import record
from collector.store.machines import find_machine
from collector.store.retention import sweep
from collector.store.tables import ALERTS
from collector.store.total_tables import ALERT_TOTALS, OPEN_ALERTS
from collector.store.triage import change_alert
from collector.triage import RESOLVED, Change
from indicators.event import Evidence, VerdictEvent
from indicators.observation import Device
from indicators.words import Action, Category, Severity
from tests.collector.conftest import NOW
from tests.support.events import PHONE, TIME, repeat, verdict

DAYS_90 = timedelta(days=90)
TABLET = Device("dev-2", "tablet")


async def assert_totals_are_of_the_alerts(database: Database) -> int:
    """Compare every row with a count of all alerts; return how many alerts there are."""
    async with database.read() as connection:
        alerts = (await connection.execute(select(ALERTS))).mappings().all()
        totals = (await connection.execute(select(ALERT_TOTALS))).mappings().all()
        opened = (await connection.execute(select(OPEN_ALERTS))).mappings().all()
        counted = await count_open(connection)
    number: Counter[Any] = Counter()
    met: Counter[Any] = Counter()
    still: Counter[Any] = Counter()
    for row in alerts:
        words = (row["total"], *(row[name] for name in WORDS))
        number[words] += 1
        met[words] += row["count"]
        if row["status"] != RESOLVED:
            still[row["device_id"], row["severity"]] += 1
    found = {(row["id"], *(row[name] for name in WORDS)): (row["alerts"], row["count"]) for row in totals}
    assert found == {words: (number[words], met[words]) for words in number}
    assert {(row["device_id"], row["severity"]): row["alerts"] for row in opened} == dict(still)
    assert counted == still.total()
    return len(alerts)


def by(indicator: str, source: str = "feed", category: Category = Category.PHISHING) -> dict[str, Any]:
    return {
        "matches": (Evidence(indicator, "domain", Action.BLOCK, source, category, indicator),),
        "category": category,
    }


async def test_counts_follow_what_is_met_resolved_met_again_and_deleted(database):
    first = [
        verdict("a", host="a.example", **by("a.example")),
        verdict("b", host="b.example", severity=Severity.HIGH, **by("b.example", "custom")),
        verdict("c", host="a.example", device=TABLET, **by("a.example")),
    ]
    await record(database, first, NOW, DAYS_90)
    await record(database, [repeat("r", "a", 6), repeat("s", "b", 2)], NOW, DAYS_90)
    assert await assert_totals_are_of_the_alerts(database) == 3
    async with database.read() as connection:
        ids = (await connection.execute(select(ALERTS.c.id).order_by(ALERTS.c.seq))).scalars().all()
        record_ = await find_machine(connection, PHONE.id)
    assert record_ is not None
    assert (record_.row["open_alerts"], record_.row["worst"]) == (2, Severity.HIGH)
    for alert in ids:
        assert await change_alert(database, alert, Change(status=RESOLVED), "me", NOW)
        await assert_totals_are_of_the_alerts(database)
    async with database.read() as connection:
        record_ = await find_machine(connection, PHONE.id)
    assert record_ is not None
    assert (record_.row["open_alerts"], record_.row["worst"]) == (0, None)
    later = NOW + timedelta(minutes=5)
    again = verdict("d", host="b.example", time=later, severity=Severity.MEDIUM, **by("other.example", "custom"))
    await record(database, [again], later, DAYS_90)
    assert await assert_totals_are_of_the_alerts(database) == 3
    assert await delete_device(database, PHONE.id, "me", NOW)
    assert await assert_totals_are_of_the_alerts(database) == 1
    await sweep(database, NOW + timedelta(days=91), DAYS_90)
    assert await assert_totals_are_of_the_alerts(database) == 0


async def test_another_lead_moves_an_alert_to_other_words(database):
    await record(database, [verdict("a", **by("first.example"))], NOW, DAYS_90)
    worse = verdict("b", time=TIME + timedelta(minutes=1), **by("worse.example", "custom", Category.MALWARE))
    await record(database, [worse, repeat("r", "a", 4)], NOW, DAYS_90)
    earlier = verdict("c", time=TIME - timedelta(minutes=1), **by("earlier.example"))
    await record(database, [earlier, repeat("s", "b", 3)], NOW, DAYS_90)
    assert await assert_totals_are_of_the_alerts(database) == 1
    async with database.read() as connection:
        found = (await connection.execute(select(ALERT_TOTALS.c.threat_name, ALERT_TOTALS.c.count))).all()
    assert [tuple(row) for row in found] == [("earlier.example", 10)]


async def test_more_alerts_than_one_part_of_a_sweep(database):
    events = [verdict(f"v{i}", host=f"h{i}.example", **by(f"h{i % 7}.example")) for i in range(1100)]
    await record(database, events, NOW - timedelta(days=91), DAYS_90)
    await record(database, [verdict("young")], NOW, DAYS_90)
    assert await assert_totals_are_of_the_alerts(database) == 1101
    await sweep(database, NOW, DAYS_90)
    assert await assert_totals_are_of_the_alerts(database) == 1


async def test_a_database_of_before_is_counted_when_it_is_opened(database):
    events = [
        verdict(f"v{i}", host=f"h{i % 5}.example", device=(PHONE, TABLET)[i % 2], time=TIME - timedelta(days=i % 3))
        for i in range(40)
    ]
    await record(database, [*events, repeat("r", "v7", 5)], NOW, DAYS_90)
    async with database.read() as connection:
        ids = (await connection.execute(select(ALERTS.c.id).limit(3))).scalars().all()
        totals = sorted((await connection.execute(select(ALERTS.c.total))).scalars())
    for alert in ids:
        await change_alert(database, alert, Change(status=RESOLVED), "me", NOW)
    async with database.write() as connection:
        for statement in _TAKE_BACK:
            await connection.execute(text(statement))
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert "alert_totals" not in tables
        await connection.run_sync(migrate.upgrade)
    assert await assert_totals_are_of_the_alerts(database) == 30
    async with database.read() as connection:
        assert sorted((await connection.execute(select(ALERTS.c.total))).scalars()) == totals


_TAKE_BACK = (
    "DROP TABLE alert_totals",
    "DROP TABLE open_alerts",
    "DROP INDEX ix_alerts_total_device_id",
    "ALTER TABLE alerts DROP COLUMN total",
    "UPDATE alembic_version SET version_num = '0009'",
)

type Step = tuple[str, Any]


def _steps() -> st.SearchStrategy[list[Step]]:
    """Anything that changes alerts, in any order."""
    minutes = st.integers(0, 3 * 24 * 60)
    event = st.builds(
        lambda host, severity, source, device, minute, hidden: {
            "host": "0123456789abcdef" if hidden else host,
            "hidden": hidden,
            "severity": severity,
            "device": device,
            "time": TIME - timedelta(minutes=minute),
            **by(f"by.{host}", source),
        },
        st.sampled_from(["x.example", "y.example"]),
        st.sampled_from(Severity),
        st.sampled_from(["feed", "custom"]),
        st.sampled_from([PHONE, TABLET]),
        minutes,
        st.booleans(),
    )
    step = st.one_of(
        st.tuples(st.just("deliver"), st.lists(event, min_size=1, max_size=6)),
        st.tuples(st.just("repeat"), st.tuples(st.integers(0, 9), st.integers(1, 9))),
        st.tuples(st.sampled_from(["resolve", "open"]), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.sampled_from([PHONE.id, TABLET.id])),
        st.tuples(st.just("sweep"), st.integers(88, 92)),
    )
    return st.lists(step, max_size=10)


async def _take(database: Database, number: int, step: Step, now: datetime) -> None:
    what, how = step
    if what == "deliver":
        events: list[VerdictEvent] = [verdict(f"v{number}.{place}", **words) for place, words in enumerate(how)]
        await record(database, events, now, DAYS_90)
    elif what == "repeat":
        await record(database, [repeat(f"r{number}", f"v{how[0]}.0", how[1], time=now)], now, DAYS_90)
    elif what == "delete":
        await delete_device(database, how, "me", now)
    elif what == "sweep":
        await sweep(database, now + timedelta(days=how), DAYS_90)
    else:
        async with database.read() as connection:
            ids = (await connection.execute(select(ALERTS.c.id).order_by(ALERTS.c.id))).scalars().all()
        for alert in ids[how : how + 1]:
            await change_alert(database, alert, Change(status=RESOLVED if what == "resolve" else "New"), "me", now)


@settings(max_examples=40, deadline=None)
@given(steps=_steps())
def test_whatever_is_done_to_alerts_is_counted(migrated, steps):
    async def run(file: Path) -> None:
        file.write_bytes(migrated.read_bytes())
        database = Database(f"sqlite:///{file}")
        await database.open()
        for number, step in enumerate(steps):
            await _take(database, number, step, NOW + timedelta(minutes=number))
            await assert_totals_are_of_the_alerts(database)
        await database.close()

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "collector.sqlite"))
