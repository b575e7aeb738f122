"""Gateways of other machines: a token each, shown once, kept as a digest, ended at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.store.enrolled import EnrolmentError, caller_of_gateway, dismiss, enrol, list_enrolled
from collector.web.access import Role
from tests.collector.conftest import NOW


async def test_a_gateways_token_opens_until_it_is_ended(database):
    token = await enrol(database, "office", "test", NOW)
    for minutes in (0, 0, 5):
        caller = await caller_of_gateway(database, token, NOW + timedelta(minutes=minutes))
        assert caller is not None
        assert (caller.role, caller.name) == (Role.GATEWAY, "office")
    (row,) = await list_enrolled(database)
    assert (row["name"], row["last_used"], "digest" in row) == ("office", NOW + timedelta(minutes=5), False)
    for other in ("swg_unknown", "swt_1", ""):
        assert await caller_of_gateway(database, other, NOW) is None
    assert await dismiss(database, "office", "test", NOW)
    assert not await dismiss(database, "office", "test", NOW)
    assert await caller_of_gateway(database, token, NOW) is None


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "office"])
async def test_names_that_cannot_be(database, name):
    await enrol(database, "office", "test", NOW)
    with pytest.raises(EnrolmentError, match="name: "):
        await enrol(database, name, "test", NOW)
