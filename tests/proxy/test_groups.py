"""From `groups:` of the configuration to what decides: order, zones, the gateway's own name, resolvers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from indicators.membership import Facts
from indicators.words import Action, Category, Mode
from proxy.config.model import Config
from proxy.config_wire import from_wire, to_wire
from proxy.groups import local_zone, membership_of, policies_of, resolvers_of

NIGHT: dict[str, Any] = {
    "name": "night",
    "time_zone": "Europe/Berlin",
    "slots": [{"start": "20:00", "end": "06:00"}],
    "everything": True,
    "allow": ["music.example"],
}


def config(**groups: Any) -> Config:
    """Return a configuration as a worker gets it."""
    return from_wire(to_wire(Config.model_validate({"groups": groups})))


def test_the_order_of_the_file_is_the_rank() -> None:
    both = {"members": [{"networks": ["192.0.2.0/24"]}]}
    facts = Facts(address="192.0.2.7")
    assert membership_of(config(zebra=both, apple=both)).group_of(facts) == "zebra"
    assert membership_of(config(apple=both, zebra=both)).group_of(facts) == "apple"
    assert membership_of(config(apple={})).group_of(facts) == "default"
    written = {"members": [{"tags": ["Child"], "platforms": ["iOS"]}]}
    registered = Facts(tags=frozenset({"child"}), platform="ios")
    assert membership_of(config(kids=written)).group_of(registered) == "kids"


def test_policies() -> None:
    [policy] = policies_of(
        config(
            kids={"mode": "audit", "feeds": {"a": "off", "b": "on"}, "categories": {"unwanted": False}},
            same={"inspect": ["x.example"]},
        )
    )
    assert (policy.name, policy.mode) == ("kids", Mode.AUDIT)
    assert (policy.feeds_off, policy.categories_off) == ({"a"}, {Category.UNWANTED})


def test_a_schedule_keeps_the_gateway_itself_reachable_and_alerts_nobody() -> None:
    [policy] = policies_of(config(kids={"schedules": [NIGHT]}))
    [plan] = policy.plans
    assert plan.schedule.is_on(datetime(2026, 3, 2, 19, tzinfo=UTC))
    assert {(one.value, one.action) for one in plan.indicators} == {
        ("music.example", Action.ALLOW),
        ("seawall.internal", Action.ALLOW),
    }
    [policy] = policies_of(config(kids={"schedules": [{**NIGHT, "everything": False, "block": ["game.example"]}]}))
    assert [(one.value, one.title) for one in policy.plans[0].indicators] == [
        ("game.example", "Not now: night"),
        ("music.example", ""),
    ]
    assert not any(one.generate_alert for one in policy.plans[0].indicators)


def test_this_machines_time_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert local_zone(link).key == "Europe/Berlin"
    assert local_zone(tmp_path / "none").key == "UTC"
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert local_zone(link).key == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "CET-1CEST")
    assert local_zone(link).key == "UTC"
    [policy] = policies_of(
        config(kids={"schedules": [{**NIGHT, "time_zone": "local"}]}), lambda: ZoneInfo("Asia/Tokyo")
    )
    assert policy.plans[0].schedule.zone.key == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("dns", "group", "found"),
    [
        ("allow", {}, None),
        ("block", {"encrypted_dns": "allow"}, (False, frozenset())),
        ("allow", {"encrypted_dns": "block"}, (True, frozenset())),
        ("block", {"allowed_encrypted_dns": ["*.Quad9.net"]}, (True, frozenset({"quad9.net"}))),
        ("allow", {"allowed_encrypted_dns": ["quad9.net"]}, (False, frozenset({"quad9.net"}))),
    ],
)
def test_other_resolvers(dns: str, group: dict[str, Any], found: object) -> None:
    whole = Config.model_validate({"dns": {"encrypted_dns": dns}, "groups": {"kids": group}})
    assert resolvers_of(whole).get("kids") == found
