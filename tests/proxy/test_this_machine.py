from __future__ import annotations

from ipaddress import ip_address

import pytest

from indicators.observation import Address
from proxy.this_machine import ThisMachine


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("fe80::7%eth0", True),
        ("192.0.2.8", False),
        ("", False),
        ("unix", False),
    ],
)
def test_which_addresses_are_this_machine(address: str, ours: bool) -> None:
    here = ThisMachine(lambda: frozenset((ip_address("192.0.2.7"), ip_address("fe80::7"))))
    assert here.holds(address) is ours


def test_a_new_address_is_known_a_while_after_it_came() -> None:
    found: set[Address] = set()
    now = [0.0]
    here = ThisMachine(lambda: frozenset(found), lambda: now[0])
    assert not here.holds("192.0.2.7")
    found.add(ip_address("192.0.2.7"))
    assert not here.holds("192.0.2.7")
    now[0] = 60.0
    assert here.holds("192.0.2.7")
