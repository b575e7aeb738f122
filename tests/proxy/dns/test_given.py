"""Which names a client was given an address for: noted at every answer, bounded, and asked for over the socket."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from indicators.observation import Device
from proxy.dns import given as given_module
from proxy.dns.given import GivenNames
from proxy.dns.lookup import LookupClient
from tests.support.resolver import Running, TestPolicy, question, running
from tests.support.upstream import FakeUpstream

PHONE = Device("phone", "phone", address="192.0.2.9")
ONE, TWO = ip_address("198.51.100.1"), ip_address("2001:db8::2")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_newest_name_comes_first_and_old_ones_end(clock: Clock) -> None:
    given = GivenNames(clock)
    given.note(PHONE, "a.example", (ONE, TWO), 60)
    clock.now += 1
    given.note(PHONE, "b.example", (ONE,), 7200)
    assert given.names(PHONE, ONE) == ("b.example", "a.example")
    assert given.names(PHONE, TWO) == ("a.example",)
    given.note(PHONE, "a.example", (ONE,), 60)
    assert given.names(PHONE, ONE) == ("a.example", "b.example")
    clock.now += 599
    assert given.names(PHONE, ONE) == ("a.example", "b.example")
    clock.now += 2
    assert given.names(PHONE, ONE) == ("b.example",)
    clock.now += 7200
    assert given.names(PHONE, ONE) == ()


def test_a_client_is_known_by_id_and_by_address(clock: Clock) -> None:
    given = GivenNames(clock)
    given.note(PHONE, "a.example", (ONE,), 60)
    assert given.names(replace(PHONE, address="192.0.2.10"), ONE) == ("a.example",)
    assert given.names(replace(PHONE, id="weak"), ONE) == ("a.example",)
    assert given.names(Device("other", "other"), ONE) == ()
    assert given.names(Device("phone", "phone"), ONE) == ("a.example",)


def test_everything_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_module, "_MAX_CLIENTS", 2)
    monkeypatch.setattr(given_module, "_MAX_ADDRESSES", 3)
    given = GivenNames(clock)
    addresses = [ip_address(f"198.51.100.{number}") for number in range(4)]
    one, two, three = (Device(name, name) for name in ("one", "two", "three"))
    for name in "abcde":
        given.note(one, name, (addresses[0],), 60)
    assert given.names(one, addresses[0]) == ("e", "d", "c", "b")
    given.note(one, "f", tuple(addresses), 60)
    assert [given.names(one, address) for address in addresses] == [(), ("f",), ("f",), ("f",)]
    given.note(two, "a", (ONE,), 60)
    given.note(one, "a", (ONE,), 60)
    given.note(three, "a", (ONE,), 60)
    assert [given.names(device, ONE) for device in (one, two, three)] == [("a", "f"), (), ("a",)]


async def test_what_clients_are_told_can_be_asked_for(resolver: Running) -> None:
    client = LookupClient(resolver.socket_path)
    for _ in range(2):
        await resolver.ask("good.example")
    await resolver.tcp(question("fixed.example"))
    await resolver.ask("evil.example")
    device = resolver.reporter.devices[0]
    assert await client.names("192.0.2.10", device) == ("good.example",)
    assert await client.names("127.0.0.1", device) == ("fixed.example",)
    assert await client.names("0.0.0.0", device) == ()
    assert await client.names("192.0.2.10", Device("other", "other", address="192.0.2.77")) == ()
    with pytest.raises(ValueError, match="does not appear to be"):
        await client.names("nowhere", device)
    await client.close()


async def test_an_inspectors_own_lookup_is_not_what_a_client_was_told(tmp_path: Path, upstream: FakeUpstream) -> None:
    async with running(tmp_path, {"upstreams": [upstream.address]}, TestPolicy()) as resolver:
        client = LookupClient(resolver.socket_path)
        assert (await client.lookup("good.example", PHONE)).addresses
        assert await client.names("192.0.2.10", PHONE) == ()
        await client.query(question("good.example"), PHONE)
        assert await client.names("192.0.2.10", PHONE) == ("good.example",)
        await client.close()
