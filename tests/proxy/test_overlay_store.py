from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indicators.overlay import Pin, Waiver
from indicators.rules import RuleError
from indicators.words import Action, IndicatorType
from proxy.overlay_store import NonceUsedError, OverlayStore, Waive
from proxy.policy_stream.told import Change, Told

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[OverlayStore]:
    made = OverlayStore(tmp_path / "overlay.sqlite")
    yield made
    made.close()


def waive(nonce: str, host: str = "warned.example", until: datetime = LATER) -> Waive:
    return Waive(nonce, Waiver("device", host, host, until))


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.raise_generation(),
        lambda store: store.waive(waive("n"), NOW),
        lambda store: store.trust("device", NOW),
        lambda store: store.note_ca("ab:cd"),
        lambda store: store.allow("a.example", LATER),
        lambda store: store.pause(LATER),
        lambda store: store.add_indicator({"block": "a.example"}),
    ],
)
def test_every_change_is_a_generation_of_its_own(store: OverlayStore, change: Callable[[OverlayStore], object]) -> None:
    before = store.overlay((), NOW)
    change(store)
    assert store.overlay((), NOW).generation == before.generation + 1


def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "overlay.sqlite"
    first = OverlayStore(path)
    first.waive(waive("n"), NOW)
    first.trust("device", NOW)
    first.allow("a.example", LATER)
    first.pause(LATER)
    first.add_indicator({"block": "b.example"})
    before = first.overlay((), NOW)
    first.close()
    again = OverlayStore(path)
    assert again.overlay((), NOW) == before
    with pytest.raises(NonceUsedError, match="used"):
        again.waive(waive("n"), NOW)
    again.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_nonce_is_good_once_and_its_second_use_changes_nothing(store: OverlayStore) -> None:
    store.waive(waive("n"), NOW)
    before = store.overlay((), NOW)
    with pytest.raises(NonceUsedError):
        store.waive(waive("n", "other.example"), NOW)
    assert store.overlay((), NOW) == before
    store.waive(waive("n"), NOW + timedelta(days=2))  # by then its token has long expired


def test_what_has_expired_is_gone(store: OverlayStore) -> None:
    store.waive(waive("n"), NOW)
    store.allow("a.example", LATER)
    store.allow("forever.example", None)
    store.pause(LATER)
    now, then = store.overlay((), NOW), store.overlay((), LATER)
    assert (len(now.waivers), len(now.indicators), now.paused_until) == (1, 2, LATER)
    assert (len(then.waivers), len(then.indicators), then.paused_until) == (0, 1, None)
    store.pause(None)
    assert store.overlay((), NOW).paused_until is None


def test_allows_are_custom_indicators_with_an_end(store: OverlayStore) -> None:
    store.allow("a.example", LATER)
    store.allow("192.0.2.1", None)
    found = {one.value: one for one in store.overlay((), NOW).indicators}
    assert found["a.example"].action is Action.ALLOW
    assert (found["a.example"].expiration, found["a.example"].origin.custom) == (LATER, True)
    assert found["192.0.2.1"].type is IndicatorType.IP


def test_what_is_no_target_is_refused_and_nothing_kept(store: OverlayStore) -> None:
    before = store.overlay((), NOW)
    for bad in ("", "http://", "a b"):
        with pytest.raises(RuleError):
            store.allow(bad, None)
        with pytest.raises(RuleError):
            store.add_indicator({"block": bad})
    assert store.overlay((), NOW) == before


def test_indicators_come_and_go(store: OverlayStore) -> None:
    store.add_indicator({"warn": "b.example", "title": "careful"})
    (found,) = store.overlay((), NOW).indicators
    assert (found.value, found.action, found.title, found.origin.source) == ("b.example", "warn", "careful", "api")
    assert store.remove_indicator({"title": "careful", "warn": "b.example"})
    assert not store.remove_indicator({"warn": "b.example"})
    assert store.overlay((), NOW).indicators == ()


def test_trust_is_noted_once_and_ends_with_the_ca(store: OverlayStore) -> None:
    store.note_ca("first")
    assert store.trust("device", NOW)
    assert not store.trust("device", LATER)
    store.note_ca("first")
    assert store.overlay((), NOW).trusted_devices == {"device"}
    store.note_ca("second")
    assert store.overlay((), NOW).trusted_devices == frozenset()


def test_a_change_that_fails_is_undone(store: OverlayStore) -> None:
    before = store.overlay((), NOW)
    with pytest.raises(sqlite3.Error), store._change() as change:
        change("INSERT INTO trusted VALUES ('x', 'y')", ())
        change("INSERT INTO nowhere VALUES (1)", ())
    assert store.overlay((), NOW) == before


def test_apps_that_pin_are_kept_until_they_expire_are_cleared_or_the_ca_changes(store: OverlayStore) -> None:
    until = NOW + timedelta(hours=1)
    pins = [Pin(device, host, "t13", until, "phone") for device in "de" for host in ("a.test", "b.test")]
    for pin in pins:
        store.pin(pin, NOW)
    assert set(store.overlay((), NOW).pins) == set(pins)
    assert store.overlay((), until).pins == ()
    assert store.unpin("a.test", "d") == 1
    assert store.unpin(device="e") == 2
    assert store.overlay((), NOW).pins == (pins[1],)
    store.note_ca("another")
    assert store.overlay((), NOW).pins == ()
    store.pin(pins[0], NOW)
    assert store.unpin() == 1


def test_the_collector_has_pins_forgotten_once_however_often_it_tells(store: OverlayStore, tmp_path: Path) -> None:
    until = NOW + timedelta(days=1)
    first = Pin("d", "a.test", "t13", until)
    others = [Pin("e", "a.test", "t13", until), Pin("d", "b.test", "t13", until), Pin("d", "a.test", "q13", until)]
    for pin in (first, *others):
        store.pin(pin, NOW)
    body = {"device": "d", "host": "a.test", "ja4": "t13", "until": until.isoformat()}
    told = Told("s", 1, (Change("unpin", "k", body), Change("unpin", "wrong", {})))
    store.push(told, NOW)
    assert set(store.overlay((), NOW).pins) == set(others)
    assert store.misunderstood() == ["unpin wrong: 'device'"]
    again = replace(first, until=until + timedelta(microseconds=1))
    store.pin(again, NOW)
    store.push(replace(told, reset=True), NOW)
    assert set(store.overlay((), NOW).pins) == {again, *others}, "what was learnt since stays"
    every = {"device": "", "host": "", "ja4": "", "until": until.isoformat()}
    store.push(Told("s", 2, (Change("unpin", "all", every),)), NOW)
    assert store.overlay((), NOW).pins == (again,)
    reopened = OverlayStore(tmp_path / "overlay.sqlite")
    assert reopened.misunderstood() == [], "an instruction is not kept"
    reopened.close()
