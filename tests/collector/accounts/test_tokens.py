"""API tokens: shown once, known by digest, bounded by scopes, ended by time or by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from collector.accounts.tokens import TokenError, caller_of_token, find_client, list_tokens, make_token, revoke_token
from collector.store.people_tables import API_TOKENS
from collector.web.access import Access, Scope
from collector.web.parts import PARTS
from tests.collector.conftest import ADMIN, NOW


async def test_a_token_speaks_with_its_scopes(database):
    token = await make_token(database, "siem", [Scope.ALERTS_WRITE], "mira", NOW)
    caller = await caller_of_token(database, token, NOW)
    assert caller.name == "token siem"
    granted = [access for access in Access if access.admits(caller)]
    assert granted == [Access.PUBLIC, Access.ALERTS_READ, Access.ALERTS_WRITE]
    _, id_, secret = token.split("_", 2)
    assert (await find_client(database, id_, secret, NOW)).id == id_
    assert (await find_client(database, id_, token, NOW)).id == id_
    assert (await list_tokens(database))[0]["last_used"] == NOW
    for wrong in ("", token[:-1], token + "x", "swt_" + "0" * 16 + "_" + "a" * 43):
        assert await caller_of_token(database, wrong, NOW) is None


async def test_tokens_end(database):
    brief = await make_token(database, "brief", [Scope.READ], "mira", NOW, timedelta(days=1))
    assert await caller_of_token(database, brief, NOW + timedelta(days=1)) is None
    assert await caller_of_token(database, brief, NOW)
    id_ = brief.split("_")[1]
    assert await revoke_token(database, id_, "mira", NOW)
    assert not await revoke_token(database, id_, "mira", NOW)
    assert await caller_of_token(database, brief, NOW) is None


async def test_the_database_holds_no_token(database):
    token = await make_token(database, "siem", [Scope.READ], "mira", NOW)
    async with database.read() as connection:
        row = (await connection.execute(select(API_TOKENS))).one()
    assert token.split("_", 2)[2] not in str(row)


@pytest.mark.parametrize(("name", "scopes"), [("", [Scope.READ]), ("x", []), ("x", ["Everything"]), ("x" * 129, [])])
async def test_tokens_that_are_refused(database, name, scopes):
    with pytest.raises(TokenError):
        await make_token(database, name, scopes, "mira", NOW)


async def test_scopes_hold_at_every_door(running):
    database = running.service._app[PARTS].database
    token = await make_token(database, "siem", [Scope.ALERTS_READ], "mira", NOW)
    assert (await running.ask("GET", "/api/alerts", token))[0] == 200
    for method, path in (("GET", "/api/machines"), ("GET", "/"), ("GET", "/api/v1/audit"), ("POST", "/api/v1/tickets")):
        status, body, _ = await running.ask(method, path, token)
        assert status == 403, body
    assert (await running.ask("GET", "/api/v1/audit", ADMIN))[0] == 200
