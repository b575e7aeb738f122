"""The groups that hold now: those of the start, those published, and what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from indicators.observation import Device
from proxy.config.model import Config
from proxy.config_wire import groups_to_wire
from proxy.devices.published import PublishedRegistry
from proxy.groups_in_force import FixedGroups, GroupsInForce

HERE = Device("weak", "127.0.0.1", address="127.0.0.1")
WRITTEN: dict[str, Any] = {
    "kids": {
        "members": [{"networks": ["127.0.0.0/8"], "platforms": ["ios"]}, {"networks": ["127.0.0.1"]}],
        "mode": "audit",
        "inspect": ["video.example"],
        "encrypted_dns": "block",
        "strip_ech_h3": "always",
        "schedules": [{"name": "night", "slots": [{"start": "20:00", "end": "06:00"}], "everything": True}],
    },
    "home": {"members": [{"networks": ["127.0.0.0/8"]}]},
}


def config(**groups: Any) -> Config:
    return Config.model_validate({"groups": groups, "dns": {"encrypted_dns": "allow"}})


@pytest.fixture
def in_force(tmp_path: Path) -> GroupsInForce:
    return GroupsInForce(config(home=WRITTEN["home"]), PublishedRegistry(tmp_path / "devices.json"))


def test_what_is_published_replaces_those_of_the_start(in_force: GroupsInForce) -> None:
    assert (in_force.group_of(HERE), in_force.now.policies) == ("home", ())
    in_force.take(groups_to_wire(config(**WRITTEN).groups))
    now = in_force.now
    assert in_force.group_of(HERE) == "kids"
    assert in_force.rules() is now.rules
    assert [policy.name for policy in now.policies] == ["kids"]
    assert now.lists["kids"].inspect == {"video.example"}
    assert (now.resolvers, now.strips) == ({"kids": (True, frozenset())}, {"kids": "always"})
    in_force.take(groups_to_wire(config(**WRITTEN).groups))
    assert in_force.now is now  # equal ones change nothing, so nobody forgets anything
    in_force.take(dict(reversed(groups_to_wire(config(**WRITTEN).groups).items())))
    assert in_force.group_of(HERE) == "home"
    in_force.take({})
    assert (in_force.group_of(HERE), in_force.now.policies) == ("default", ())
    in_force.take(None)
    assert in_force.group_of(HERE) == "home"
    assert not in_force.has_moved_any()


def test_nonsense_changes_nothing(in_force: GroupsInForce) -> None:
    before = in_force.now
    with pytest.raises(ValueError, match="mode"):
        in_force.take({"kids": {"mode": "strict"}})
    assert in_force.now is before


def test_fixed_groups_are_what_the_door_knows() -> None:
    fixed = FixedGroups(config(**WRITTEN))
    assert fixed.group_of(HERE) == "default"
    assert set(fixed.device_groups.lists) == {"kids"}
