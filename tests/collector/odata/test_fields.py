"""Conditions as SQL, run by a real SQLite: which rows are found, and what is refused."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, create_engine, insert, select
from sqlalchemy.pool import StaticPool

from collector.odata.fields import Field, flag, instant, number, one_of, order, text, where
from collector.odata.words import ODataError
from collector.store.columns import Instant

ROWS = Table(
    "rows", MetaData(),
    Column("id", Integer, primary_key=True), Column("name", String), Column("level", Integer), Column("time", Instant),
    Column("open", Boolean),
)  # fmt: skip
FIELDS = {
    "id": Field(ROWS.c.id, number),
    "name": Field(ROWS.c.name, text),
    "level": Field(ROWS.c.level, one_of({"Low": 1, "High": 2})),
    "time": Field(ROWS.c.time, instant),
    "open": Field(ROWS.c.open, flag),
    "tags": Field(ROWS.c.name, text, element=lambda value: ROWS.c.name == value, sorts=False),
}


@pytest.fixture(scope="module")
def engine():
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    ROWS.metadata.create_all(made)
    with made.begin() as connection:
        connection.execute(
            insert(ROWS),
            [
                {"id": 1, "name": "Anna's phone", "level": 1, "time": datetime(2026, 1, 1, tzinfo=UTC), "open": True},
                {"id": 2, "name": "50% off_x", "level": 2, "time": datetime(2026, 2, 1, tzinfo=UTC), "open": False},
                {"id": 3, "name": None, "level": 2, "time": datetime(2026, 3, 1, tzinfo=UTC), "open": True},
            ],
        )
    assert sqlite3.sqlite_version
    return made


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("name eq 'Anna''s phone'", [1]),
        ("name ne 'Anna''s phone'", [2, 3]),
        ("name eq null", [3]),
        ("name ne null", [1, 2]),
        ("level eq 'HIGH'", [2, 3]),
        ("level in ('low','high')", [1, 2, 3]),
        ("level gt 'Low' and open eq true", [3]),
        ("time ge 2026-02-01T00:00:00Z", [2, 3]),
        ("time lt '2026-02-01T00:00:00Z'", [1]),
        ("id ge 2 and id le 2", [2]),
        ("open eq 'False'", [2]),
        ("contains(name,'PHONE')", [1]),
        ("contains(name,'%')", [2]),
        ("startswith(name,'5')", [2]),
        ("endswith(name,'_x')", [2]),
        ("not (id eq 1) or name eq 'Anna''s phone'", [1, 2, 3]),
        ("tags/any(t: t eq '50% off_x')", [2]),
    ],
)
def test_rows_found(engine, asked, found):
    with engine.connect() as connection:
        rows = connection.execute(select(ROWS.c.id).where(where(asked, FIELDS)).order_by(ROWS.c.id))
        assert list(rows.scalars()) == found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nome eq 'x'", "at character 1: there is no field 'nome'; expected one of id, name"),
        ("level eq 'Huge'", "at character 10: level: expected one of 'Low', 'High'"),
        ("id eq 'x'", "at character 7: id: expected a whole number"),
        ("open eq 1", "at character 9: open: expected true or false"),
        ("name eq 1", "name: expected a text in single quotes"),
        ("time eq 'noon'", "time: expected"),
        ("time eq '2026-01-01T00:00:00'", "time: expected a time such as"),
        ("name gt null", "null can only be compared by eq and ne"),
        ("contains(level,'Low')", "contains is for texts"),
        ("tags eq 'x'", r"expected tags/any"),
        ("name/any(t: t eq 'x')", "expected name eq"),
    ],
)
def test_refused(asked, said):
    with pytest.raises(ODataError, match=said):
        where(asked, FIELDS)


def test_order(engine):
    with engine.connect() as connection:
        rows = connection.execute(select(ROWS.c.id).order_by(*order("level desc, id desc", FIELDS)))
        assert list(rows.scalars()) == [3, 2, 1]
        rows = connection.execute(select(ROWS.c.id).order_by(*order("id", FIELDS)))
        assert list(rows.scalars()) == [1, 2, 3]


@pytest.mark.parametrize("asked", ["nome", "id up", "id asc desc", "", "tags", "id,,level"])
def test_order_refused(asked):
    with pytest.raises(ODataError, match="at character"):
        order(asked, FIELDS)
