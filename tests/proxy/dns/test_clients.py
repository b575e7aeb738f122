"""Clients: one for each source address, allowed or not, and where our page is for it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from indicators.membership import Membership, Rule
from proxy.devices import DeviceDirectory
from proxy.dns import clients as clients_module
from proxy.dns.clients import Clients, own_addresses
from proxy.this_machine import ThisMachine

ALLOWED = [ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("192.0.2.0/24")]


@pytest.fixture
def clients() -> Clients:
    return Clients(DeviceDirectory("installation"), ALLOWED, "127.0.0.1")


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.77", True),
        ("::ffff:192.0.2.77", True),
        ("198.51.100.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_who_may_ask(clients: Clients, source: str, allowed: bool) -> None:
    assert clients.of(source).allowed is allowed
    assert clients.of(source) is clients.of(source)


def test_spellings_of_one_address_are_one_device_but_have_tags_of_their_own(clients: Clients) -> None:
    plain, mapped, other = (clients.of(one) for one in ("127.0.0.1", "::ffff:127.0.0.1", "192.0.2.7"))
    assert plain.device == mapped.device
    assert plain.device != other.device
    assert len({plain.tag, mapped.tag, other.tag}) == 3


def test_a_page_elsewhere_is_told_to_every_client() -> None:
    page = (ip_address("198.51.100.9"), ip_address("2001:db8::9"))
    clients = Clients(DeviceDirectory("installation"), ALLOWED, "127.0.0.1", page)
    assert clients.of("127.0.0.1").page == clients.of("192.0.2.7").page == page


def test_the_number_remembered_is_bounded(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients_module, "_REMEMBERED", 3)
    first = clients.of("192.0.2.1")
    for number in range(2, 6):
        clients.of(f"192.0.2.{number}")
    assert clients.of("192.0.2.1") is not first


@pytest.mark.parametrize(
    ("host", "client", "page"),
    [
        ("127.0.0.1", "127.0.0.1", ["127.0.0.1"]),
        ("10.0.0.1", "192.0.2.1", ["10.0.0.1"]),
        ("0.0.0.0", "127.0.0.1", ["127.0.0.1"]),
        ("::", "127.0.0.1", ["127.0.0.1"]),
        ("::", "::1", ["::1"]),
    ],
)
def test_where_the_page_is(host: str, client: str, page: list[str]) -> None:
    assert [str(one) for one in own_addresses(ip_address(host), ip_address(client))] == page


def test_no_way_to_a_client_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoWay:
        def __init__(self, *_: object) -> None:
            raise OSError("network is unreachable")

    monkeypatch.setattr("proxy.dns.clients.socket.socket", NoWay)
    assert own_addresses(ip_address("0.0.0.0"), ip_address("192.0.2.1")) == ()


@pytest.mark.parametrize(("allowed", "may"), [(["127.0.0.0/8"], True), (["192.0.2.0/24"], False)])
def test_an_address_of_this_machine_may_ask_where_loopback_may(allowed: list[str], may: bool) -> None:
    """What this machine sends and a firewall redirects keeps the address of the interface it was going out by."""
    here = ThisMachine(lambda: frozenset([ip_address("198.51.100.7")]))
    networks = [ip_network(each) for each in allowed]
    clients = Clients(DeviceDirectory("installation"), networks, "127.0.0.1", here=here)
    assert clients.of("198.51.100.7").allowed is may
    assert not clients.of("198.51.100.8").allowed


def test_other_rules_of_groups_put_clients_into_other_groups() -> None:
    kids = Membership((("kids", (Rule(networks=(ip_network("127.0.0.0/8"),)),)),))
    rules = [Membership()]
    clients = Clients(DeviceDirectory("installation", rules=lambda: rules[0]), ALLOWED, "127.0.0.1")
    first = clients.of("127.0.0.1")
    clients.renew()
    assert clients.of("127.0.0.1") is first
    rules[0] = kids
    clients.renew()
    assert (first.device.group, clients.of("127.0.0.1").device.group) == ("default", "kids")
