"""Tickets open one session each, in time; sessions end; stolen database rows open nothing."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from collector.store.tables import SESSIONS
from collector.web.access import Role
from collector.web.sessions import Sessions
from tests.collector.conftest import NOW

WEEK, MINUTES = timedelta(days=7), timedelta(minutes=2)


async def test_a_ticket_is_good_once_and_for_a_while(database):
    sessions = Sessions(database, WEEK, MINUTES)
    ticket = sessions.issue_ticket(Role.ADMIN, "admin", NOW)
    late = sessions.issue_ticket(Role.ADMIN, "admin", NOW)
    cookie = await sessions.redeem(ticket, NOW)
    assert cookie
    assert await sessions.redeem(ticket, NOW) is None
    assert await sessions.redeem(late, NOW + MINUTES) is None
    assert await sessions.redeem("\ud800", NOW) is None
    caller = await sessions.caller(cookie, NOW)
    assert caller is not None
    assert (caller.role, caller.name) == (Role.ADMIN, "admin")
    assert await sessions.caller(cookie, NOW + WEEK) is None
    await sessions.end(cookie)
    assert await sessions.caller(cookie, NOW) is None


async def test_the_database_holds_no_cookie(database):
    sessions = Sessions(database, WEEK, MINUTES)
    cookie = await sessions.redeem(sessions.issue_ticket(Role.ADMIN, "admin", NOW), NOW)
    async with database.read() as connection:
        stored = (await connection.execute(select(SESSIONS.c.id))).scalar_one()
    assert stored != cookie
    assert await sessions.caller(stored, NOW) is None


async def test_tickets_do_not_pile_up(database):
    sessions = Sessions(database, WEEK, MINUTES)
    tickets = [sessions.issue_ticket(Role.ADMIN, "admin", NOW) for _ in range(80)]
    assert await sessions.redeem(tickets[0], NOW) is None
    assert await sessions.redeem(tickets[-1], NOW)
