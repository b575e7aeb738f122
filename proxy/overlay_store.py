"""What the overlay must remember over a restart: `overlay.sqlite`, the supervisor's own store.

The driver that Python brings is enough for a few tables with one writer and no query worth an abstraction. Every change
raises the generation in the same transaction. Nothing is published here (see `published_overlay.py`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from indicators.indicator import Indicator, Origin
from indicators.overlay import Overlay, Pin, Waiver
from indicators.rules import parse_indicator
from proxy.policy_stream.facts import PushedFacts
from proxy.policy_stream.told import Change, Told
from proxy.policy_stream.unpinning import UNPIN, Unpin, unpins_of

_NONCE_KEPT = timedelta(days=1)  # a token is good for minutes; its nonce is remembered for longer
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, forget TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trusted (device TEXT PRIMARY KEY, since TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS allows (host TEXT PRIMARY KEY, until TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS indicators (entry TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pushed (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waivers (
    device TEXT NOT NULL, host TEXT NOT NULL, indicator TEXT NOT NULL, until TEXT NOT NULL,
    PRIMARY KEY (device, host, indicator)
) WITHOUT ROWID;
"""
_PINS = """
CREATE TABLE IF NOT EXISTS pins (
    device TEXT NOT NULL, host TEXT NOT NULL, ja4 TEXT NOT NULL, until TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (device, host, ja4)
) WITHOUT ROWID;
"""
type _Execute = Callable[[str, tuple[str | None, ...]], sqlite3.Cursor]
_ALLOWED = Origin("allow", custom=True)
_SET = Origin("api", custom=True)


class NonceUsedError(ValueError):
    """Say that a *continue* was taken before: its nonce is good once."""

    def __init__(self) -> None:
        super().__init__("used")


@dataclass(frozen=True, slots=True)
class Waive:
    """Ask for a waiver in exchange for a nonce."""

    nonce: str
    waiver: Waiver


class OverlayStore:
    """Keep the overlay's facts. One thread at a time; each method is one transaction."""

    def __init__(self, path: Path, *, pushed_allows_override: bool = False) -> None:
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_SCHEMA}{_PINS}")
        self._pushed = PushedFacts(overrides=pushed_allows_override)
        self._pushed.take(self._kept_changes())

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def overlay(self, custom: tuple[Indicator, ...], now: datetime) -> Overlay:
        """Return the current generation: `custom` (from YAML), what is stored here, and nothing that has expired."""
        ask = self._database.execute
        waivers = ask("SELECT device, host, indicator, until FROM waivers WHERE until > ?", (_text(now),))
        paused, heard = self._value("paused_until"), self._value("policy_heard")
        return Overlay(
            generation=int(self._value("generation") or 1),
            indicators=(*custom, *self._allows(now), *self._set_indicators(), *self._pushed.indicators(now)),
            waivers=tuple(Waiver(device, host, value, _time(until)) for device, host, value, until in waivers),
            trusted_devices=frozenset(device for (device,) in ask("SELECT device FROM trusted")),
            paused_until=_time(paused) if paused and _time(paused) > now else None,
            risks=self._pushed.risks(),
            groups=self._pushed.groups(),
            risks_as_of=_time(heard) if heard else None,
            pins=tuple(self._pins(now)),
        )

    def raise_generation(self) -> None:
        """Begin a new generation for a change that is stored elsewhere (the YAML files)."""
        with self._change():
            pass

    def waive(self, asked: Waive, now: datetime) -> None:
        """Exchange a nonce for a waiver. Raises NonceUsedError when it was exchanged before; nothing changes then."""
        given = asked.waiver
        with self._change() as change:
            change("DELETE FROM nonces WHERE forget <= ?", (_text(now),))
            try:
                change("INSERT INTO nonces VALUES (?, ?)", (asked.nonce, _text(now + _NONCE_KEPT)))
            except sqlite3.IntegrityError:
                raise NonceUsedError from None
            change("DELETE FROM waivers WHERE until <= ?", (_text(now),))
            row = (given.device, given.host, given.indicator, _text(given.until))
            change("INSERT OR REPLACE INTO waivers VALUES (?, ?, ?, ?)", row)

    def trust(self, device: str, now: datetime) -> bool:
        """Note that a device completed a handshake under our CA; false when that was known."""
        if self._database.execute("SELECT 1 FROM trusted WHERE device = ?", (device,)).fetchone():
            return False
        with self._change() as change:
            change("INSERT INTO trusted VALUES (?, ?)", (device, _text(now)))
        return True

    def pin(self, pin: Pin, now: datetime) -> None:
        """Remember an app that refuses our certificate."""
        with self._change() as change:
            change("DELETE FROM pins WHERE until <= ?", (_text(now),))
            row = (pin.device, pin.host, pin.ja4, _text(pin.until), pin.name)
            change("INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?, ?)", row)

    def unpin(self, host: str = "", device: str = "") -> int:
        """Forget such apps: those of a host, of a device, or all; return how many."""
        with self._change() as change:
            asked = "DELETE FROM pins WHERE ? IN ('', host) AND ? IN ('', device)"
            return change(asked, (host, device)).rowcount

    def note_ca(self, fingerprint: str) -> None:
        """Remember the CA that devices were seen to trust; another one is trusted by none."""
        if self._value("ca") == fingerprint:
            return
        with self._change() as change:
            change("DELETE FROM trusted", ())
            change("DELETE FROM pins", ())
            change("INSERT OR REPLACE INTO state VALUES ('ca', ?)", (fingerprint,))

    def allow(self, target: str, until: datetime | None) -> None:
        """Let a host, URL or address through, until a time or for good. Raises ValueError (RuleError) for neither."""
        parse_indicator({"allow": target}, _ALLOWED)
        with self._change() as change:
            change("INSERT OR REPLACE INTO allows VALUES (?, ?)", (target, _text(until) if until else None))

    def add_indicator(self, entry: Mapping[object, object]) -> None:
        """Keep an indicator set at run time. Raises ValueError (RuleError) naming the key that is wrong."""
        parse_indicator(entry, _SET)
        with self._change() as change:
            change("INSERT OR REPLACE INTO indicators VALUES (?)", (json.dumps(entry, sort_keys=True),))

    def remove_indicator(self, entry: Mapping[object, object]) -> bool:
        """Remove what `add_indicator` was given; false when it is not there."""
        with self._change() as change:
            return change("DELETE FROM indicators WHERE entry = ?", (json.dumps(entry, sort_keys=True),)).rowcount > 0

    def pause(self, until: datetime | None) -> None:
        """Stop enforcing until a time; none ends a pause."""
        with self._change() as change:
            change("INSERT OR REPLACE INTO state VALUES ('paused_until', ?)", (_text(until) if until else "",))

    def pushed_position(self) -> tuple[str, int]:
        """Return the collector's stream and how far it has been taken in."""
        return self._value("policy_stream"), int(self._value("policy_last") or 0)

    def push(self, told: Told, now: datetime) -> None:
        """Take in an answer of the collector's stream, whole; taking the same one twice changes nothing."""
        with self._change() as change:
            if told.reset:
                change("DELETE FROM pushed", ())
            for one in told.changes:
                if one.body is None or one.kind == UNPIN:  # an instruction is followed, not kept
                    change("DELETE FROM pushed WHERE kind = ? AND key = ?", (one.kind, one.key))
                else:
                    change("INSERT OR REPLACE INTO pushed VALUES (?, ?, ?)", (one.kind, one.key, json.dumps(one.body)))
            for asked in unpins_of(told.changes):
                _forget_pins(change, asked)
            for name, value in (("stream", told.stream), ("last", str(told.last)), ("heard", _text(now))):
                change("INSERT OR REPLACE INTO state VALUES (?, ?)", (f"policy_{name}", value))
        if told.reset:
            self._pushed.clear()
        self._pushed.take(told.changes)

    def heard(self, now: datetime) -> None:
        """Note that the collector was heard and had nothing new: what it told holds on."""
        with self._change() as change:
            change("INSERT OR REPLACE INTO state VALUES ('policy_heard', ?)", (_text(now),))

    def misunderstood(self) -> list[str]:
        """Say what of all that the collector told cannot be used."""
        return list(self._pushed.misunderstood.values())

    @contextmanager
    def _change(self) -> Iterator[_Execute]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield self._database.execute
            generation = int(self._value("generation") or 1) + 1
            self._database.execute("INSERT OR REPLACE INTO state VALUES ('generation', ?)", (str(generation),))
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _value(self, name: str) -> str:
        row = self._database.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def _pins(self, now: datetime) -> Iterator[Pin]:
        rows = self._database.execute("SELECT device, host, ja4, until, name FROM pins WHERE until > ?", (_text(now),))
        for device, host, ja4, until, name in rows.fetchall():
            yield Pin(device, host, ja4, _time(until), name)

    def _kept_changes(self) -> Iterator[Change]:
        rows = self._database.execute("SELECT kind, key, body FROM pushed").fetchall()
        return (Change(kind, key, json.loads(body)) for kind, key, body in rows)

    def _allows(self, now: datetime) -> Iterator[Indicator]:
        rows = self._database.execute("SELECT host, until FROM allows WHERE until IS NULL OR until > ?", (_text(now),))
        for target, until in rows.fetchall():
            for indicator in parse_indicator({"allow": target}, _ALLOWED):
                yield replace(indicator, expiration=_time(until) if until else None)

    def _set_indicators(self) -> Iterator[Indicator]:
        for (entry,) in self._database.execute("SELECT entry FROM indicators").fetchall():
            yield from parse_indicator(json.loads(entry), _SET)


def _forget_pins(change: _Execute, asked: Unpin) -> None:
    wanted = "DELETE FROM pins WHERE ? IN ('', device) AND ? IN ('', host) AND ? IN ('', ja4) AND until <= ?"
    change(wanted, (asked.device, asked.host, asked.ja4, _text(asked.until)))


def _text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
