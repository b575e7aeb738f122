from __future__ import annotations

from indicators.observation import Device
from proxy.reporting.known import KnownIncidents

PHONE = Device("phone", "phone")


def test_the_last_are_known_and_the_oldest_forgotten_first() -> None:
    known = KnownIncidents(3)
    for number in range(8):
        known.add([str(number)], [PHONE])
    assert [number for number in range(8) if known.device(str(number))] == [3, 4, 5, 6, 7]
    assert known.device("never heard of") is None
