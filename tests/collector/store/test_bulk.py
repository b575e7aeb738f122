"""Statements for many rows at once, and conditions with many values, on both databases."""

from __future__ import annotations

from sqlalchemy import bindparam, case, insert, literal, select, update

from collector.store.bulk import among, run_many
from collector.store.tables import EVENTS, RECEIPTS
from tests.collector.conftest import NOW

ODD = ["plain", "it's", 'quo"ted', "back\\slash", "ünïcode \u2603 \U0001f600", "", "[1]", "a,b", "%", "{}"]


async def test_rows_of_every_spelling_are_kept_and_found(database):
    rows = [{"id": name, "received": NOW} for name in ODD] + [{"id": f"n{i}", "received": NOW} for i in range(3000)]
    async with database.write() as connection:
        await run_many(connection, insert(RECEIPTS), rows)
    asked = [*ODD, *(f"n{i}" for i in range(0, 6000, 2))]
    async with database.read() as connection:
        found = (await connection.execute(select(RECEIPTS).where(among(connection, RECEIPTS.c.id, asked)))).all()
        none = (await connection.execute(select(RECEIPTS).where(among(connection, RECEIPTS.c.id, [])))).all()
    assert {row.id for row in found} == {*ODD, *(f"n{i}" for i in range(0, 3000, 2))}
    assert {row.received for row in found} == {NOW}
    assert none == []


async def test_what_is_not_in_the_rows_stands_in_the_statement(database):
    async with database.write() as connection:
        await run_many(connection, insert(RECEIPTS), [{"id": name, "received": NOW} for name in "abc"])
        later = NOW.replace(year=NOW.year + 1)
        changed = case(
            (RECEIPTS.c.id == "b", bindparam("when", type_=RECEIPTS.c.received.type)),
            else_=literal(NOW, RECEIPTS.c.received.type),
        )
        statement = update(RECEIPTS).where(RECEIPTS.c.id == bindparam("which")).values(received=changed)
        await run_many(connection, statement, [{"which": name, "when": later} for name in "ab"])
        await run_many(connection, statement, [])
        assert set((await connection.execute(select(RECEIPTS.c.id, RECEIPTS.c.received))).all()) == {
            ("a", NOW),
            ("b", later),
            ("c", NOW),
        }


async def test_every_kind_of_value_arrives_as_it_was(database):
    texts = [None, "", "NULL", "{a,b}", 'x"y']
    more = {"received": NOW, "time": NOW, "last_time": NOW, "gateway": "g", "device_id": "d", "destination": "h"}
    rows = [
        {**more, "id": f"e{n}", "alert_id": word, "measure": "blocked", "count": 2**40 + n, "body": {"n": [n, word]}}
        for n, word in enumerate(texts)
    ]
    async with database.write() as connection:
        await run_many(connection, insert(EVENTS), rows)
        kept = (await connection.execute(select(EVENTS).order_by(EVENTS.c.seq))).mappings().all()
    assert [{name: row[name] for name in rows[0]} for row in kept] == rows
