from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from indicators.membership import Membership, Rule
from indicators.words import IdentifiedBy
from proxy.devices import DeviceDirectory
from proxy.devices.published import PublishedRegistry
from proxy.devices.store import DeviceStore

KEY = bytes(range(32))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


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


RULES = Membership(
    (
        ("home", (Rule(networks=(ip_network("192.0.2.0/24"),)),)),
        ("kids", (Rule(tags=frozenset({"child"}), platforms=frozenset({"ios"})),)),
    )
)


def test_rules_of_groups_say_which_group(tmp_path: Path) -> None:
    store = DeviceStore(tmp_path / "devices.json", KEY, lambda: NOW)
    directory = DeviceDirectory("i", PublishedRegistry(tmp_path / "devices.json"), KEY, rules=lambda: RULES)
    assert [directory.weak(one, "dns").group for one in ("192.0.2.9", "198.51.100.9")] == ["home", "default"]
    record, given = store.add("tablet")

    def group(address: str = "") -> str:
        found = directory.by_token(given.token, address, "doh")
        assert found is not None
        return found.group

    assert group() == "default"
    assert store.tag("tablet", ["Child", "school", "child"], "iOS").tags == ("child", "school")
    assert group() == "kids"
    assert group("192.0.2.9") == "home"
    store.move(record.id, "guests")
    assert group("192.0.2.9") == "guests"
    assert store.tag("tablet", []).platform == "ios"


def test_other_rules_hold_from_the_next_look_on(tmp_path: Path) -> None:
    rules = [Membership()]
    for registry in (None, PublishedRegistry(tmp_path / "devices.json")):
        rules[0] = Membership()
        directory = DeviceDirectory("i", registry, KEY, rules=lambda: rules[0])
        before = directory.changes
        assert (directory.weak("192.0.2.9", "dns").group, directory.changes) == ("default", before)
        rules[0] = RULES
        assert directory.weak("192.0.2.9", "dns").group == "home"
        assert directory.rules is RULES
        assert directory.changes != before


@pytest.mark.parametrize(("tags", "says"), [(["a b"], "a tag is written with"), (list("abcdefghijklmnopq"), "most 16")])
def test_tags_that_cannot_be(tmp_path: Path, tags: list[str], says: str) -> None:
    store = DeviceStore(tmp_path / "devices.json", KEY, lambda: NOW)
    store.add("tablet")
    with pytest.raises(ValueError, match=says):
        store.tag("tablet", tags)
