"""What is known about operating system releases, as values and as the JSON they are kept in. Pure; judges nothing.

The file is made by `gathering.py` from published sources and carries each one's licence and date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from collector.vulnerabilities.versions import Version

FORMAT = 1
OLD_AFTER = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class Source:
    """Name a published source, its licence and the day of the version that was read."""

    name: str
    address: str
    licence: str
    read: date


@dataclass(frozen=True, slots=True)
class Release:
    """Describe one release: the day it came out, the CVEs it fixed, and those of them that were being exploited."""

    version: Version
    released: date
    fixed: frozenset[str] = frozenset()
    exploited: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cycle:
    """Describe one line of releases. `ended` is the day its support ended or will; none while that is not known."""

    name: str
    released: date
    ended: date | None = None
    latest: Version | None = None


@dataclass(frozen=True)
class System:
    """Hold what is known of one operating system."""

    name: str
    cycles: tuple[Cycle, ...]
    releases: tuple[Release, ...] = ()

    def cycle_of(self, version: Version) -> Cycle | None:
        """Return the cycle that a version belongs to: the longest name that begins it."""
        named = [cycle for start, cycle in self._starts if _begins(start, version)]
        return max(named, key=lambda cycle: len(cycle.name), default=None)

    @cached_property
    def _starts(self) -> tuple[tuple[Version, Cycle], ...]:
        return tuple((Version.parse(cycle.name), cycle) for cycle in self.cycles)

    @cached_property
    def by_age(self) -> tuple[Release, ...]:
        """Return the releases, the newest version first."""
        return tuple(sorted(self.releases, key=lambda release: (*release.version.parts, 0, 0, 0)[:4], reverse=True))

    @cached_property
    def by_age_and_cycle(self) -> tuple[tuple[Release, Cycle | None], ...]:
        """Return the releases, the newest first, each with its cycle: told apart once, for every device assessed."""
        return tuple((release, self.cycle_of(release.version)) for release in self.by_age)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Hold all that is known. `known_exploited` gives, for a CVE, the day it was listed as exploited and its name."""

    systems: Mapping[str, System]
    known_exploited: Mapping[str, tuple[date, str]]
    sources: tuple[Source, ...] = field(default=())

    @property
    def dated(self) -> date:
        """Return the day of the oldest source: what came later may be missing."""
        return min((source.read for source in self.sources), default=date.min)

    @property
    def newest(self) -> date:
        """Return the day of the newest source."""
        return max((source.read for source in self.sources), default=date.min)

    def is_old(self, today: date) -> bool:
        """Say whether releases are likely to be missing by now."""
        return today - self.dated > OLD_AFTER


def read(text: str) -> Knowledge:
    """Read the kept form. Raises ValueError with what is wrong and what to do."""
    try:
        held = _of_our_format(json.loads(text))
        return Knowledge(
            systems={name: _system(name, body) for name, body in held["systems"].items()},
            known_exploited={cve: (date.fromisoformat(day), name) for cve, (day, name) in held["exploited"].items()},
            sources=tuple(_source(source) for source in held["sources"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"vulnerability data cannot be used: {what}; run `seawall vulnerabilities update`") from error


def write(knowledge: Knowledge) -> str:
    """Return the kept form: one line for each release, so that a change of it can be read."""
    held = {
        "format": FORMAT,
        "sources": [
            {"name": one.name, "address": one.address, "licence": one.licence, "read": one.read.isoformat()}
            for one in knowledge.sources
        ],
        "systems": {name: _written(system) for name, system in sorted(knowledge.systems.items())},
        "exploited": {cve: [day.isoformat(), name] for cve, (day, name) in sorted(knowledge.known_exploited.items())},
    }
    return json.dumps(held, ensure_ascii=False, indent=1) + "\n"


def _of_our_format(held: Mapping[str, Any]) -> Mapping[str, Any]:
    if held["format"] != FORMAT:
        raise ValueError(f"it has format {held['format']!r}, this version reads {FORMAT}")
    return held


def _system(name: str, body: Mapping[str, Any]) -> System:
    return System(name, tuple(map(_cycle, body["cycles"])), tuple(map(_release, body["releases"])))


def _cycle(held: Mapping[str, Any]) -> Cycle:
    return Cycle(
        name=str(Version.parse(held["name"])),
        released=date.fromisoformat(held["released"]),
        ended=date.fromisoformat(held["ended"]) if held.get("ended") else None,
        latest=Version.parse(held["latest"]) if held.get("latest") else None,
    )


def _release(held: Mapping[str, Any]) -> Release:
    return Release(
        version=Version.parse(held["version"]),
        released=date.fromisoformat(held["released"]),
        fixed=frozenset(held.get("fixed", "").split()),
        exploited=frozenset(held.get("exploited", "").split()),
    )


def _source(held: Mapping[str, Any]) -> Source:
    return Source(held["name"], held["address"], held["licence"], date.fromisoformat(held["read"]))


def _written(system: System) -> dict[str, Any]:
    cycles = [
        {
            "name": cycle.name,
            "released": cycle.released.isoformat(),
            **({"ended": cycle.ended.isoformat()} if cycle.ended else {}),
            **({"latest": str(cycle.latest)} if cycle.latest else {}),
        }
        for cycle in system.cycles
    ]
    releases = [
        {
            "version": str(release.version),
            "released": release.released.isoformat(),
            **({"fixed": " ".join(sorted(release.fixed))} if release.fixed else {}),
            **({"exploited": " ".join(sorted(release.exploited))} if release.exploited else {}),
        }
        for release in system.by_age
    ]
    return {"cycles": cycles, "releases": releases}


def _begins(start: Version, version: Version) -> bool:
    return (*version.parts, 0, 0, 0)[: len(start.parts)] == start.parts
