"""Places in the tunnel: nobody has another's, nobody loses its own, and one just given up is the last to be taken."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.sections.wireguard import WireguardConfig
from proxy.devices.record import DeviceRecord
from proxy.devices.seats import Seats

SMALL = Seats(IPv4Network("10.9.0.0/29"), IPv6Network("fd09::/64"), range(100, 103))


def device(number: int) -> DeviceRecord:
    return DeviceRecord(f"{number:032x}", f"device {number}", datetime(2026, 1, 1, tzinfo=UTC))


@given(st.lists(st.one_of(st.none(), st.integers(0, 7)), max_size=40))
def test_nobody_shares_a_place_and_nobody_is_moved(acts: list[int | None]) -> None:
    """Whatever is added and taken away, addresses are distinct, inside, never the gateway's, and stay as they are."""
    held: list[DeviceRecord] = []
    for number, act in enumerate(acts):
        if act is not None:
            held = [one for index, one in enumerate(held) if index != act]
            continue
        if len(held) == 5:
            with pytest.raises(ValueError, match=r"no address of 10\.9\.0\.0/29 is free"):
                SMALL.seated(device(number), held)
            continue
        made = SMALL.seated(device(number), held)
        assert SMALL.seated(made, held) == made
        held.append(made)
        addresses = [one for each in held for one in each.addresses]
        assert len(set(addresses)) == 2 * len(held)
        assert not {ip_address(one) for one in addresses} & set(SMALL.gateway)
        assert all(SMALL.holds(one) for one in held)
        ports = [one.tunnel_port for one in held if one.tunnel_port]
        assert len(ports) == len(set(ports)) == min(len(held), len(ports))


def test_an_address_given_up_is_not_the_next_one_s() -> None:
    first = SMALL.seated(device(1), [])
    second = SMALL.seated(device(2), [first])
    assert (first.address, second.address) == ("10.9.0.2", "10.9.0.3")
    assert SMALL.seated(device(3), [second]).address == "10.9.0.4"


def test_a_device_of_an_earlier_network_gets_a_place_in_the_new_one() -> None:
    early = Seats.of(WireguardConfig()).seated(device(1), [])
    assert not SMALL.holds(early)
    moved = SMALL.seated(early, [])
    assert moved.addresses == ("10.9.0.2", "fd09::2")
    assert moved.tunnel_port == 100


def test_where_the_port_is_the_identity_a_device_without_one_is_refused() -> None:
    strict = Seats(SMALL.network, SMALL.network6, range(100, 101), needs_port=True)
    first = strict.seated(device(1), [])
    with pytest.raises(ValueError, match=r"no port of `wireguard.ports` is free"):
        strict.seated(device(2), [first])
    assert Seats(SMALL.network, SMALL.network6, range(100, 101)).seated(device(2), [first]).tunnel_port == 0
