from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from indicators.observation import Device
from proxy.reporting import presence
from proxy.reporting.presence import Presence
from tests.proxy.reporting.samples import DEVICE, NOW


def due(presence: Presence, seconds: float) -> list[tuple[str, str, int]]:
    return [(device.id, agent, count) for device, agent, count in presence.due(NOW + timedelta(seconds=seconds))]


def test_a_new_device_is_noted_at_once_and_then_by_the_minute() -> None:
    devices = Presence()
    devices.seen(DEVICE)
    assert due(devices, 0) == [("device-1", "", 0)]
    assert due(devices, 1) == []
    for _ in range(5):
        devices.allowed(DEVICE)
    assert due(devices, 59) == []
    assert due(devices, 60) == [("device-1", "", 5)]
    assert due(devices, 180) == []  # silent since


def test_a_new_user_agent_is_noted_at_once() -> None:
    devices = Presence()
    devices.seen(DEVICE, "Chrome")
    assert due(devices, 0) == [("device-1", "Chrome", 0)]
    devices.allowed(DEVICE, "Chrome")
    assert due(devices, 1) == []
    devices.allowed(DEVICE, "curl/8 nonce-42")
    assert due(devices, 2) == [("device-1", "curl/8 nonce-42", 2)]


def test_a_client_that_varies_its_user_agent_is_noted_so_often_and_no_more() -> None:
    devices = Presence()
    notes = 0
    for number in range(100):
        devices.seen(DEVICE, f"agent {number}")
        notes += len(due(devices, number / 10))
    assert notes == presence._MAX_EXTRA + 1
    assert due(devices, 60) == [("device-1", "agent 99", 0)]


def test_another_name_or_group_is_noted_at_once() -> None:
    devices = Presence()
    devices.seen(DEVICE)
    assert due(devices, 0) == [("device-1", "", 0)]
    for change in ({"name": "tablet"}, {"group": "kids"}):
        devices.allowed(replace(DEVICE, **change))
        [(device, _, count)] = devices.due(NOW + timedelta(seconds=1))
        assert (device, count) == (replace(DEVICE, **change), 1)
    devices.seen(replace(DEVICE, group="kids", listener="socks"))
    assert due(devices, 2) == [], "another door is no news"


def test_what_waits_at_the_end_is_told() -> None:
    devices = Presence()
    devices.allowed(DEVICE)
    due(devices, 0)
    devices.allowed(DEVICE)
    devices.expire()
    assert due(devices, 1) == [("device-1", "", 1)]
    devices.expire()
    assert due(devices, 2) == []


def test_the_least_recently_heard_of_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_MAX_DEVICES", 2)
    devices = Presence()
    for name in ("a", "b", "a", "c"):
        devices.seen(Device(name, ""))
    assert set(devices._entries) == {"a", "c"}
    assert [device for device, _, _ in due(devices, 0)] == ["a", "b", "c"]  # none goes unnoted
