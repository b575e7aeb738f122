from __future__ import annotations

import pytest

from indicators.words import IdentifiedBy
from proxy.devices import DeviceDirectory


@pytest.fixture
def directory() -> DeviceDirectory:
    return DeviceDirectory("installation-one")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.9.10"])
@pytest.mark.parametrize("listener", ["dns", "http", "socks", "transparent"])
def test_an_emulator_is_one_device_at_every_door(directory: DeviceDirectory, address: str, listener: str) -> None:
    found = directory.weak(address, listener)
    assert found.id == directory.weak("127.0.0.1", "http").id
    assert (found.listener, found.address, found.identified_by) == (listener, "127.0.0.1", IdentifiedBy.ADDRESS)
    assert found.group == "default"


def test_other_addresses_and_installations_are_other_devices(directory: DeviceDirectory) -> None:
    other = DeviceDirectory("installation-two")
    ids = {
        directory.weak("127.0.0.1", "dns").id,
        directory.weak("192.168.1.20", "dns").id,
        directory.weak("fe80::1", "dns").id,
        other.weak("192.168.1.20", "dns").id,
        other.weak("127.0.0.1", "dns").id,
    }
    assert len(ids) == 5


def test_spellings_of_one_address_are_one_device(directory: DeviceDirectory) -> None:
    assert directory.weak("::ffff:192.168.1.20", "dns").id == directory.weak("192.168.1.20", "http").id
    assert directory.weak("2001:DB8:0::1", "dns") == directory.weak("2001:db8::1", "dns")
    assert directory.weak("192.168.1.20", "dns").name == "192.168.1.20"


def test_an_address_that_cannot_be_read_is_still_a_device(directory: DeviceDirectory) -> None:
    assert directory.weak("unix", "http").address == "unix"
