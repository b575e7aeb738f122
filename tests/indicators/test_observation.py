from __future__ import annotations

from ipaddress import ip_address

from indicators.observation import Device, Observation
from indicators.words import Stage

DEVICE = Device("d1", "phone")


def test_the_destination_is_the_name_asked_for_else_the_address() -> None:
    named = Observation(Stage.DNS, DEVICE, hosts=("a.example", "cname.example"))
    bare = Observation(Stage.CONNECTION, DEVICE, addresses=(ip_address("203.0.113.7"),))
    assert (named.host, named.destination) == ("a.example", "a.example")
    assert (bare.host, bare.destination) == ("", "203.0.113.7")
    assert Observation(Stage.HTTP, DEVICE).destination == ""
