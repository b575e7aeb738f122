"""Many indicators at once, on both databases: a handful of statements, and what one after the other had made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import event, select

from collector.audit.log import list_entries
from collector.indicator_form import Submission, read_submission
from collector.store import indicators as store
from collector.store.database import Database
from collector.store.indicators import By, TooManyIndicatorsError, list_indicators, remove, remove_expired, submit_all
from collector.store.policy_tables import POLICY_CHANGES
from tests.collector.conftest import NOW

MIRA, SCRIPT = By("mira"), By("script", is_program=True)
LATER = NOW + timedelta(hours=1)


def form(value: str, **more: object) -> Submission:
    words = {"indicatorType": "DomainName", "action": "Block", "title": "t", "description": "d", "severity": "High"}
    return read_submission({"indicatorValue": value, **words, **more}, NOW)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect what the writer sends to the database."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        sent.append(statement)

    engine = getattr(database._writer._engine, "sync_engine", database._writer._engine)
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


async def told(database: Database) -> dict[str, object]:
    async with database.read() as connection:
        rows = await connection.execute(select(POLICY_CHANGES).order_by(POLICY_CHANGES.c.seq))
        return {row.key: row.body for row in rows}


async def test_a_full_import_holds_the_writer_for_a_handful_of_statements(database):
    rows = [form(f"h{n}.example", rbacGroupNames=["children"], mitreTechniques=["T1566"]) for n in range(500)]
    for _ in range(2):  # made, then changed
        with statements(database) as sent:
            made = await submit_all(database, rows, MIRA, NOW)
        assert len(sent) < 12, sent
    assert [row["value"] for row in made] == [f"h{n}.example" for n in range(500)]
    assert (made[7]["groups"], made[7]["techniques"], made[7]["severity"]) == (["children"], ["T1566"], "high")
    with statements(database) as sent:
        assert await remove(database, [row["seq"] for row in made], "mira", NOW) == []
    assert len(sent) < 8, sent
    assert set((await told(database)).values()) == {None}


async def test_the_last_of_a_value_counts_and_each_is_in_the_audit_log(database):
    await submit_all(database, [form("a.example", application="first")], SCRIPT, NOW)
    rows = [form("a.example", action="Warn"), form("b.example"), form("A.example.", action="Audit", application="x")]
    first, second, third = await submit_all(database, rows, MIRA, LATER)
    assert first == third != second
    assert (first["action"], first["shown"], first["application"]) == ("Audit", "A.example.", "first")
    assert (first["created_by"], first["source_type"], first["created"]) == ("script", "AadApp", NOW)
    assert (first["updated_by"], first["updated"], second["source_type"]) == ("mira", LATER, "User")
    async with database.read() as connection:
        entries = [entry["detail"] for entry in await list_entries(connection)]
    assert [(of["value"], of["before"], of["action"]) for of in reversed(entries)] == [
        ("a.example", None, "Block"),
        ("a.example", "Block", "Warn"),
        ("b.example", None, "Block"),
        ("A.example.", "Warn", "Audit"),
    ]
    stream = await told(database)
    assert list(stream) == [str(first["seq"]), str(second["seq"])]
    assert stream[str(first["seq"])]["action"] == "audit"


async def test_what_there_is_no_room_for_keeps_none_of_the_rest_out(database, monkeypatch):
    monkeypatch.setattr(store, "MOST", 3)
    soon = form("old.example", expirationTime=(NOW + timedelta(minutes=1)).isoformat())
    await submit_all(database, [soon, form("a.example")], MIRA, NOW)
    rows = [form(f"{name}.example") for name in ("old", "b", "c", "a", "c")]
    outcomes = await submit_all(database, rows, MIRA, LATER)
    assert [isinstance(one, TooManyIndicatorsError) for one in outcomes] == [False, False, True, False, True]
    with statements(database) as sent:
        assert all(isinstance(one, TooManyIndicatorsError) for one in await submit_all(database, rows[2:3], MIRA, NOW))
    assert not [one for one in sent if one.startswith(("INSERT", "UPDATE", "DELETE"))]


async def test_nothing_is_submitted_by_nobody(database):
    assert await submit_all(database, [], MIRA, NOW) == []


async def test_what_has_expired_is_taken_back_from_the_gateways(database):
    soon = (NOW + timedelta(minutes=1)).isoformat()
    await submit_all(database, [form("a.example", expirationTime=soon), form("b.example")], MIRA, NOW)
    assert await remove_expired(database, LATER) == 1
    assert await remove_expired(database, LATER) == 0
    async with database.read() as connection:
        assert [row["value"] for row in await list_indicators(connection)] == ["b.example"]
    assert [body is None for body in (await told(database)).values()] == [False, True]
