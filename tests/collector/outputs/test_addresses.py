"""The address that was judged is the one that is connected to."""

from __future__ import annotations

import socket

import pytest

from collector.outputs.addresses import AddressError, OutputResolver, resolve


async def test_the_resolver_gives_addresses_and_asks_no_further() -> None:
    resolver = OutputResolver(private=True)
    found = await resolver.resolve("localhost", 443)
    await resolver.close()
    assert found
    for one in found:
        assert (one["hostname"], one["port"], one["flags"]) == ("localhost", 443, socket.AI_NUMERICHOST)
        assert one["family"] == (socket.AF_INET6 if ":" in one["host"] else socket.AF_INET)


async def test_a_name_that_leads_inside_is_refused_unless_that_was_meant() -> None:
    with pytest.raises(AddressError, match="no public address"):
        await OutputResolver(private=False).resolve("localhost", 443)
    assert await resolve("localhost", 443, private=True)
