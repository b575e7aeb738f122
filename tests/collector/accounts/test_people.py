"""Accounts: made by invitation once, checked in constant words, changed with their sessions, the last admin kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from collector.accounts.passwords import Passwords, alike, objection
from collector.accounts.people import AccountError, People, account_name
from collector.accounts.throttle import Throttle
from collector.audit.log import list_entries
from collector.web.access import Role
from collector.web.sessions import Sessions
from tests.collector.conftest import NOW

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GOOD, OTHER = "correct horse battery", "staple the horse twice"


@pytest.fixture
def people(database) -> People:
    return People(database, Passwords(QUICK))


async def add(people: People, name: str, role: Role = Role.ADMIN) -> None:
    await people.accept(await people.invite(name, role, "setup", NOW), "", GOOD, NOW)


async def test_an_invitation_makes_one_account(people, database):
    assert not await people.are_there()
    secret = await people.invite("", Role.ANALYST, "setup", NOW)
    assert (await people.accept(secret, " Mira ", GOOD, NOW)).name == "mira"
    with pytest.raises(AccountError, match="used already"):
        await people.accept(secret, "other", GOOD, NOW)
    assert await people.are_there()
    assert [row["name"] for row in await people.listed()] == ["mira"]
    async with database.read() as connection:
        entries = await list_entries(connection)
    assert [(entry["who"], entry["what"]) for entry in entries] == [
        ("mira", "account.accept"),
        ("setup", "account.invite"),
    ]
    assert secret not in str(entries)


async def test_links_end_with_their_day_and_bring_no_foreign_account(people):
    await add(people, "mira")
    late = await people.invite("", Role.ADMIN, "setup", NOW)
    assert await people.invitation(late, NOW + timedelta(days=1)) is None
    with pytest.raises(AccountError, match="exists"):
        await people.accept(late, "mira", GOOD, NOW)
    with pytest.raises(AccountError, match="12 characters"):
        await people.accept(late, "other", "short", NOW)
    assert (await people.accept(late, "other", GOOD, NOW)).role is Role.ADMIN


async def test_only_the_right_password_of_a_usable_account_logs_in(people):
    await add(people, "mira")
    await add(people, "jo", Role.VIEWER)
    assert (await people.log_in("MIRA ", GOOD, NOW)).role is Role.ADMIN
    assert await people.log_in("mira", OTHER, NOW) is None
    assert await people.log_in("nobody", GOOD, NOW) is None
    await people.change_role("jo", "disabled", "mira", NOW)
    assert await people.log_in("jo", GOOD, NOW) is None
    await people.change_role("jo", "analyst", "mira", NOW)
    assert (await people.log_in("jo", GOOD, NOW)).role is Role.ANALYST


async def test_changes_end_sessions(people, database):
    await add(people, "mira")
    await add(people, "jo", Role.ADMIN)
    sessions = Sessions(database, timedelta(days=1), timedelta(minutes=1))
    theirs, others = await sessions.begin(Role.ADMIN, "jo", NOW), await sessions.begin(Role.ADMIN, "mira", NOW)
    await people.change_role("jo", "viewer", "mira", NOW)
    assert await sessions.caller(theirs, NOW) is None
    with pytest.raises(AccountError, match="not this one"):
        await people.change_password("mira", OTHER, OTHER, NOW)
    await people.change_password("mira", GOOD, OTHER, NOW)
    assert await sessions.caller(others, NOW) is None
    assert await people.log_in("mira", OTHER, NOW)


async def test_the_last_administrator_stays_one(people):
    await add(people, "mira")
    await add(people, "jo", Role.VIEWER)
    for role in ("viewer", "disabled"):
        with pytest.raises(AccountError, match="last administrator"):
            await people.change_role("mira", role, "mira", NOW)
    await people.change_role("jo", "admin", "mira", NOW)
    await people.change_role("mira", "viewer", "jo", NOW)
    for name, role, words in (("nobody", "viewer", "no such"), ("jo", "king", "expected one of")):
        with pytest.raises(AccountError, match=words):
            await people.change_role(name, role, "jo", NOW)


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a" * 65, "a\nb", "ä", "<b>"])
def test_names_that_are_refused(name):
    with pytest.raises(AccountError, match="name"):
        account_name(name)


@pytest.mark.parametrize("password", ["short", "a" * 20, "abab" * 5, "x" * 1025, "miramiramira"])
def test_passwords_that_are_refused(password):
    assert objection(password, "mira").startswith("password: ")


def test_typing_twice_in_two_ways_is_an_error():
    with pytest.raises(ValueError, match="differ"):
        alike("a", "b")


def test_guessing_gets_slower_and_is_forgiven():
    throttle = Throttle()
    keys, now = ("name mira", "from ::1"), NOW
    for _ in range(5):
        assert throttle.wait(keys, now) == 0
        throttle.failed(keys, now)
    assert throttle.wait(keys, now) == 2
    throttle.failed(keys, now)
    assert throttle.wait(("name mira",), now) == 4
    assert throttle.wait(("name mira",), now + timedelta(seconds=4)) == 0
    for _ in range(40):
        throttle.failed(keys, now)
    assert throttle.wait(keys, now) == 900
    throttle.passed(keys)
    assert throttle.wait(keys, now) == 0


def test_what_is_remembered_of_guessing_is_bounded():
    throttle = Throttle()
    for number in range(5000):
        throttle.failed((f"name {number}",), NOW)
    assert len(throttle._failures) == 4096
