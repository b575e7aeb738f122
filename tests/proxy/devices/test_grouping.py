"""The group of a device met before, when rules or registry are others now."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from indicators.membership import Membership, Rule
from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy.devices import grouping
from proxy.devices.grouping import Regrouping
from proxy.devices.published import PublishedRegistry
from proxy.devices.store import DeviceStore

HOME = Membership((("home", (Rule(networks=(ip_network("192.0.2.0/24"),)),)),))
KIDS = Membership((("kids", (Rule(tags=frozenset({"child"})),)),))
NOBODY = Membership()
GUEST = Device("weak", "192.0.2.9", address="192.0.2.9")


@pytest.fixture
def store(tmp_path: Path) -> DeviceStore:
    return DeviceStore(tmp_path / "devices.json", bytes(32), lambda: datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def regrouping(tmp_path: Path) -> Regrouping:
    return Regrouping(PublishedRegistry(tmp_path / "devices.json"), NOBODY)


def test_other_rules_hold_for_whoever_is_here_already(regrouping: Regrouping, store: DeviceStore) -> None:
    record, _ = store.add("tablet")
    store.tag("tablet", ["child"])
    tablet = Device(record.id, "tablet", "default", IdentifiedBy.WIREGUARD, "10.87.0.2")
    for rules, groups in ((NOBODY, ("default", "default")), (HOME, ("home", "default")), (KIDS, ("default", "kids"))):
        regrouping.take(rules)
        assert (regrouping.group_of(GUEST), regrouping.group_of(tablet)) == groups


def test_what_was_worked_out_by_the_rules_before_is_not_kept(
    regrouping: Regrouping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules are taken in another thread, also while a group is being looked up."""
    looked_up = regrouping._looked_up

    def change_meanwhile(device: Device) -> str:
        found = looked_up(device)
        regrouping.take(HOME)
        return found

    monkeypatch.setattr(regrouping, "_looked_up", change_meanwhile)
    assert regrouping.group_of(GUEST) == "default"
    monkeypatch.undo()
    assert regrouping.group_of(GUEST) == "home"


def test_who_has_no_address_or_is_gone_keeps_what_the_door_said(regrouping: Regrouping) -> None:
    regrouping.take(HOME)
    assert regrouping.group_of(Device("x", "192.0.2.9", "kids")) == "kids"
    assert regrouping.group_of(Device("gone", "tablet", "kids", IdentifiedBy.TOKEN, "192.0.2.9")) == "kids"


def test_the_registry_moves_devices(
    regrouping: Regrouping, store: DeviceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, _ = store.add("tablet")
    tablet = Device(record.id, "tablet", "default", IdentifiedBy.TOKEN, "10.87.0.2")
    regrouping.has_moved_any()
    assert regrouping.group_of(tablet) == "default"
    assert not regrouping.has_moved_any()
    store.add("another")
    assert not regrouping.has_moved_any()
    store.move("tablet", "kids")
    assert regrouping.has_moved_any()
    assert regrouping.group_of(tablet) == "kids"
    assert not regrouping.has_moved_any()
    monkeypatch.setattr(grouping, "_REMEMBERED", 1)
    assert regrouping.group_of(GUEST) == "default"  # another was forgotten for it
    store.add("third")
    assert regrouping.has_moved_any()
    store.add("fourth")
    assert not regrouping.has_moved_any()
