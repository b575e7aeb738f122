"""Several resolvers share one port; what each gave its clients is known to the one that is asked from inside."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from pathlib import Path

import pytest

from indicators.observation import Device
from proxy.dns.lookup import LookupClient
from proxy.dns.service import bind
from proxy.dns.told_names import ToldNames
from tests.support.resolver import addresses, running, until
from tests.support.upstream import FakeUpstream


async def test_resolvers_share_the_port_and_the_first_knows_what_any_gave(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        upstream.add("good.example 60 A 192.0.2.10")
        settings = {"upstreams": [upstream.address], "processes": 2}
        async with (
            running(tmp_path, settings) as first,
            running(tmp_path, {**settings, "port": first.address[1]}, role="resolver-2") as further,
        ):
            assert further.address == first.address
            for _ in range(40):  # each from a port of its own: sooner or later both are met
                assert addresses(await first.ask("good.example")) == ["192.0.2.10"]
                assert addresses(await first.ask("evil.example")) == ["0.0.0.0"]
            await until(lambda: first.reporter.hosts and further.reporter.hosts)
            assert [len(one.reporter.hosts) for one in (first, further)] == [1, 1]
            device = further.reporter.devices[0]
            client = LookupClient(first.socket_path)
            names: list[tuple[str, ...]] = []
            while ("good.example",) not in names:
                names.append(await client.names("192.0.2.10", device))
            await client.close()


async def test_names_wait_for_the_first_resolver_to_come_back(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        phone = Device("phone", "phone")
        told = ToldNames(lambda: 0.0, LookupClient(tmp_path / "s" / "run" / "resolver.sock", within=0.2))
        running_ = asyncio.create_task(told.run())
        told.note(phone, "good.example", (ip_address("192.0.2.10"),), 60)
        assert told.names(phone, ip_address("192.0.2.10")) == ("good.example",)
        await asyncio.sleep(0.3)  # the first resolver is not there: nothing is lost
        async with running(tmp_path, {"upstreams": [upstream.address]}) as first:
            told._first = LookupClient(first.socket_path)
            client = LookupClient(first.socket_path)
            async with asyncio.timeout(10):
                while await client.names("192.0.2.10", phone) != ("good.example",):
                    await asyncio.sleep(0.01)
            await client.close()
            running_.cancel()
            await asyncio.wait({running_})


def test_a_port_is_shared_only_where_that_is_asked_for() -> None:
    one = bind("127.0.0.1", 0, shared=True)
    two = bind("127.0.0.1", one[0].getsockname()[1], shared=True)
    for sock in (*one, *two):
        sock.close()
    alone = bind("127.0.0.1", 0)
    with pytest.raises(OSError, match="cannot bind"):
        bind("127.0.0.1", alone[0].getsockname()[1])
    for sock in alone:
        sock.close()
