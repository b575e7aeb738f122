"""How long a client may take to say what it wants."""

from __future__ import annotations

import asyncio

import pytest

from proxy.front.client import BEFORE_VERDICT, Client


@pytest.fixture
async def client() -> Client:
    """Return a client that has just come and whose server waits for ever."""
    made = Client(lambda client: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    made.connection_made(asyncio.Transport())
    return made


async def test_a_client_has_its_time_and_no_more(client: Client) -> None:
    now = asyncio.get_running_loop().time()
    assert not client.is_late(now + BEFORE_VERDICT - 1)
    assert client.is_late(now + BEFORE_VERDICT + 1)


async def test_a_client_that_may_wait_is_never_late_until_it_must_speak(client: Client) -> None:
    now = asyncio.get_running_loop().time()
    client.may_wait()
    assert not client.is_late(now + 1_000_000)
    client.must_speak()
    assert client.is_late(now + BEFORE_VERDICT + 1)
