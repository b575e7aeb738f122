from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from indicators import testfeed
from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.overlay import DeviceRisk, Overlay, Waiver
from indicators.verdict import Match, Scope
from indicators.words import Action, IdentifiedBy, IndicatorType, Mode, Risk, Stage
from proxy import policy as module
from proxy.config.model import Config
from proxy.control import ControlError
from proxy.devices.store import DeviceStore
from proxy.policy import LivePolicy, settings_of
from proxy.published_overlay import POINTER, publish
from proxy.state import StateDir

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEVICE = Device("device-1", "phone")


def clock() -> datetime:
    return NOW


def looking_at(host: str) -> Observation:
    return Observation(Stage.DNS, DEVICE, hosts=(host,))


def blocking(host: str) -> Indicator:
    return Indicator(host, IndicatorType.DOMAIN, Action.BLOCK, Origin("custom", custom=True))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path / "state")
    made.prepare()
    return made


def policy_of(state: StateDir, **settings: Any) -> LivePolicy:
    return LivePolicy(Config.model_validate(settings), state, clock)


def test_a_group_given_by_the_collector_is_the_devices_group(state: StateDir) -> None:
    policy = policy_of(state)
    block = replace(blocking("evil.example"), device_groups=frozenset({"children"}))
    publish(state.overlay, Overlay(2, indicators=(block,)))
    assert policy.load()
    assert policy.judge(looking_at("evil.example")).action is Action.ALLOW
    publish(state.overlay, Overlay(3, indicators=(block,), groups={DEVICE.id: "children"}))
    assert policy.load()
    assert policy.judge(looking_at("evil.example")).action is Action.BLOCK


HERE = replace(DEVICE, address="192.0.2.7")
SCHOOL: dict[str, Any] = {
    "members": [{"networks": ["192.0.2.0/24"]}],
    "schedules": [{"name": "school", "time_zone": "UTC", "slots": [{}], "block": ["game.example"]}],
}


def test_published_groups_replace_those_of_the_start_for_whoever_is_here(state: StateDir) -> None:
    policy = policy_of(state)
    playing = Observation(Stage.CONNECTION, HERE, hosts=("game.example",))
    assert not policy.judge(playing).stops
    assert not policy.differs(HERE)
    publish(state.overlay, Overlay(2, device_groups={"school": SCHOOL}))
    assert policy.load()
    assert (policy.judge(playing).action, policy.group_of(HERE), policy.epoch) == (Action.BLOCK, "school", 1)
    assert policy.differs(HERE)
    assert policy.rules() is policy.device_groups.rules
    assert policy.group_by_rules(HERE) == "school"
    publish(state.overlay, Overlay(3, device_groups={"school": {**SCHOOL, "mode": "strict"}}))
    assert not policy.load()
    assert (policy.judge(playing).stops, policy.epoch) == (True, 1)
    publish(state.overlay, Overlay(4, device_groups={}))
    assert policy.load()
    assert (policy.judge(playing).stops, policy.group_of(HERE), policy.epoch) == (False, "default", 2)


def test_a_device_that_is_moved_by_name_is_judged_by_its_new_group_soon(state: StateDir) -> None:
    store = DeviceStore(state.devices, bytes(32), clock)
    record, _ = store.add("tablet")
    tablet = Device(record.id, "tablet", "default", IdentifiedBy.WIREGUARD, "10.87.0.2")
    policy = policy_of(state, groups={"school": SCHOOL})
    policy.keep_time()
    playing = Observation(Stage.CONNECTION, tablet, hosts=("game.example",))
    assert not policy.judge(playing).stops
    before = policy.epoch
    store.move("tablet", "school")
    policy.keep_time()
    assert (policy.judge(playing).stops, policy.epoch) == (True, before + 1)
    policy.keep_time()
    assert policy.epoch == before + 1


def test_corporate_hosts_are_guarded_after_the_indicators(state: StateDir) -> None:
    policy = policy_of(state, corporate={"hosts": ["corp.example"], "accept_address": True, "risk_max_age": "1h"})
    publish(state.overlay, Overlay(2, indicators=(blocking("bad.corp.example"),), risks_as_of=NOW))
    assert policy.load()
    assert policy.judge(looking_at("www.corp.example")).action is Action.ALLOW
    assert policy.judge(looking_at("bad.corp.example")).reason.startswith("bad.corp.example is blocked")
    risk = DeviceRisk(Risk.HIGH)
    publish(state.overlay, Overlay(3, risks={DEVICE.id: risk}, risks_as_of=NOW))
    assert policy.load()
    assert policy.judge(looking_at("www.corp.example")).action is Action.BLOCK
    assert policy.judge(looking_at("elsewhere.example")).action is Action.ALLOW


class Control:
    """Record which generations were acknowledged; refuse when told to."""

    def __init__(self, refuses: bool = False) -> None:
        self.held: list[int] = []
        self.refuses = refuses

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        if self.refuses:
            raise ControlError("away")
        assert op == "holding"
        self.held.append(fields["generation"])
        return {}


def test_each_published_generation_is_swapped_in_whole(state: StateDir) -> None:
    policy = policy_of(state)
    assert not policy.load()
    assert policy.judge(looking_at("evil.example")).action is Action.ALLOW
    publish(state.overlay, Overlay(2, (blocking("evil.example"),), trusted_devices=frozenset({"device-1"})))
    assert policy.load()
    assert (policy.judge(looking_at("www.evil.example")).action, policy.epoch) == (Action.BLOCK, 1)
    assert policy.trusts_ca(DEVICE)
    publish(state.overlay, Overlay(3, paused_until=NOW + timedelta(minutes=5)))
    assert policy.load()
    assert policy.judge(looking_at("evil.example")).action is Action.ALLOW
    assert not policy.trusts_ca(DEVICE)
    assert policy.epoch == 2
    assert not policy.load()


def test_the_test_feed_is_on_unless_switched_off(state: StateDir) -> None:
    host = "smartscreentestratings2.net"
    assert policy_of(state).judge(looking_at(host)).action is Action.BLOCK
    off = policy_of(state, test_feed=False)
    assert off.judge(looking_at(host)).action is Action.ALLOW
    assert off.counts().total == 0
    assert policy_of(state).counts().total == len(testfeed.indicators())


def test_every_device_is_trusted_where_so_configured(state: StateDir) -> None:
    assert policy_of(state, inspect_untrusted=True).trusts_ca(DEVICE)


class Broken:
    """An index whose every answer is an error."""

    def __init__(self, *_: object) -> None:
        self.counts = testfeed.load().counts

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: object) -> Any:
            raise RuntimeError(f"{name} broke")

        return fail


@pytest.mark.parametrize(("on_error", "action"), [("closed", Action.BLOCK), ("open", Action.ALLOW)])
def test_a_failure_of_judging_follows_on_error(
    state: StateDir, monkeypatch: pytest.MonkeyPatch, on_error: str, action: Action
) -> None:
    monkeypatch.setattr(module, "MemoryIndex", Broken)
    policy = policy_of(state, policy={"on_error": on_error})
    verdict = policy.judge(looking_at("anything.example"))
    assert (verdict.action, verdict.failed, verdict.final) == (action, True, True)
    assert "judging failed" in verdict.reason
    assert not verdict.is_plain_allow
    policy.judge(looking_at("anything.example"))
    assert policy.failures == 2


def test_failures_are_logged_once_a_minute(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(module, "MemoryIndex", Broken)
    monkeypatch.setattr(module.log, "exception", lambda *_, **__: said.append("failure"), raising=False)
    policy = policy_of(state)
    for _ in range(50):
        policy.judge(looking_at("anything.example"))
    assert said == ["failure"]


def test_a_damaged_overlay_leaves_what_was_in_force(state: StateDir) -> None:
    policy = policy_of(state)
    publish(state.overlay, Overlay(2, (blocking("evil.example"),)))
    policy.load()
    (state.overlay / "overlay-3.json").write_text("{")
    (state.overlay / POINTER).write_text("overlay-3.json")
    assert not policy.load()
    assert policy.overlay.generation == 2
    assert policy.judge(looking_at("evil.example")).action is Action.BLOCK
    publish(state.overlay, Overlay(4))
    assert policy.load()


class Feed:
    """A snapshot that lists one host."""

    def counts(self) -> Any:
        return testfeed.load().counts()

    def mentions(self, host: str) -> bool:
        return host == "listed.example"

    def on_host(self, host: str) -> tuple[Match, ...]:
        one = Indicator(host, IndicatorType.DOMAIN, Action.BLOCK, Origin("feed", custom=False))
        return (Match(one, host, Scope.EXACT_HOST, 2, Action.BLOCK),) if self.mentions(host) else ()

    def urls_under(self, host: str) -> tuple[Match, ...]:
        return ()

    def on_url(self, url: object) -> tuple[Match, ...]:
        return ()


def test_a_new_snapshot_is_taken_and_a_bad_one_is_not(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: StateDir) -> Any:
        raise ValueError("the snapshot is damaged")

    policy = policy_of(state)
    (state.snapshots / "current").write_text("one")
    monkeypatch.setattr(module, "open_current", lambda _: Feed())
    assert policy.load()
    assert policy.judge(looking_at("listed.example")).action is Action.BLOCK
    (state.snapshots / "current").write_text("two")
    monkeypatch.setattr(module, "open_current", refuse)
    assert not policy.load()
    assert policy.judge(looking_at("listed.example")).action is Action.BLOCK
    publish(state.overlay, Overlay(2, (blocking("evil.example"),)))
    assert policy.load()  # a bad snapshot does not hold the overlay back
    assert policy.judge(looking_at("evil.example")).action is Action.BLOCK


@pytest.mark.parametrize("refuses", [False, True])
async def test_following_swaps_and_acknowledges_soon(state: StateDir, refuses: bool) -> None:
    control = Control(refuses)
    policy = LivePolicy(Config(), state, clock, control)  # type: ignore[arg-type]
    publish(state.overlay, Overlay(2))
    policy.load()
    following = asyncio.create_task(policy.follow())
    for generation in (3, 4, 5):
        publish(state.overlay, Overlay(generation))
        async with asyncio.timeout(20):
            while policy.overlay.generation != generation or (not refuses and control.held[-1:] != [generation]):
                await asyncio.sleep(0.005)
    following.cancel()
    await asyncio.wait({following})
    assert control.held == ([] if refuses else [2, 3, 4, 5])


async def test_following_without_a_supervisor(state: StateDir) -> None:
    policy = policy_of(state)
    following = asyncio.create_task(policy.follow())
    publish(state.overlay, Overlay(3))
    async with asyncio.timeout(20):
        while policy.overlay.generation != 3:
            await asyncio.sleep(0.005)
    following.cancel()
    await asyncio.wait({following})


def test_settings_are_those_of_the_configuration() -> None:
    config = Config.model_validate({"policy": {"mode": "audit", "warn_without_page": "allow", "waiver": "90s"}})
    found = settings_of(config, testfeed.load().counts())
    assert (found.mode, found.warn_without_page, found.waiver) == (Mode.AUDIT, Action.ALLOW, timedelta(seconds=90))
    assert found.bodies


async def test_what_ends_by_itself_is_a_new_epoch(state: StateDir) -> None:
    now = NOW
    policy = LivePolicy(Config(), state, lambda: now)
    ends = [NOW + timedelta(minutes=minutes) for minutes in (5, 10, 15)]
    allowed = replace(blocking("a.example"), action=Action.ALLOW, expiration=ends[1])
    waiver = Waiver("d", "h", "h", ends[2])
    publish(state.overlay, Overlay(2, (allowed, blocking("evil.example")), (waiver,), paused_until=ends[0]))
    policy.load()
    following = asyncio.create_task(policy.follow())
    for end in ends:
        before, now = policy.epoch, end
        async with asyncio.timeout(10):
            while policy.epoch == before:
                await asyncio.sleep(0.01)
    assert policy.epoch == 4
    assert policy.judge(looking_at("evil.example")).action is Action.BLOCK
    following.cancel()
    await asyncio.wait({following})


BEDTIME = {"name": "night", "time_zone": "UTC", "slots": [{"start": "00:00", "end": "06:00"}], "everything": True}


def test_a_slot_begins_and_ends_by_itself_and_rises_the_epoch(state: StateDir) -> None:
    now = [NOW.replace(hour=5, minute=59)]
    config = Config.model_validate({"groups": {"kids": {"schedules": [BEDTIME]}}})
    policy = LivePolicy(config, state, lambda: now[0])
    child = replace(DEVICE, group="kids")
    seen = Observation(Stage.DNS, child, hosts=("any.example",))
    assert policy.judge(seen).stops
    assert not policy.judge(looking_at("any.example")).stops
    assert (policy.differs(child), policy.differs(DEVICE)) == (True, False)
    epoch = policy.epoch
    policy.keep_time()
    assert policy.epoch == epoch
    now[0] = NOW.replace(hour=6)
    policy.keep_time()
    assert policy.epoch == epoch + 1
    assert not policy.judge(seen).stops
    now[0] = NOW.replace(hour=1)  # the clock was set back
    policy.keep_time()
    assert policy.epoch == epoch + 2
    assert policy.judge(seen).stops


async def test_following_keeps_time(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_ANYWAY", 50)
    now = [NOW.replace(hour=5, minute=59)]
    config = Config.model_validate({"groups": {"kids": {"schedules": [BEDTIME]}}})
    policy = LivePolicy(config, state, lambda: now[0])
    following = asyncio.create_task(policy.follow())
    try:
        now[0] = NOW.replace(hour=7)
        async with asyncio.timeout(10):
            while policy.epoch == 0:
                await asyncio.sleep(0.01)
    finally:
        following.cancel()
    assert not policy.judge(Observation(Stage.DNS, replace(DEVICE, group="kids"), hosts=("a.example",))).stops
