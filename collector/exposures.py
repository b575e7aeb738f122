"""How exposed each device is, and the fleet: claims, knowledge and assessment together. Pure but for reading a file.

What is assessed stands in `collector.vulnerabilities`; here it is counted and ordered for people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from collector.vulnerabilities.assessment import Assessment, Exposure, Running, Vulnerability, assess
from collector.vulnerabilities.choosing import SeenClaim, chosen
from collector.vulnerabilities.knowledge import Knowledge, read

_ORDER = {Exposure.HIGH: 0, Exposure.MEDIUM: 1, Exposure.LOW: 2, Exposure.UNKNOWN: 3, Exposure.NONE: 4}


@dataclass(frozen=True, slots=True)
class DeviceExposure:
    """Hold one device's assessment with the claim that it rests on; no claim means that nothing is known."""

    id: str
    name: str
    claim: SeenClaim | None
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class FleetFlaw:
    """Hold one vulnerability and the devices that miss its fix."""

    flaw: Vulnerability
    platform: str
    devices: tuple[str, ...]


class _Assessed:
    """Remember what was assessed with one knowledge on one day: few releases run on many devices."""

    def __init__(self) -> None:
        self._by: tuple[Knowledge, date] | None = None
        self._known: dict[Running, Assessment] = {}

    def of(self, running: Running, knowledge: Knowledge, today: date) -> Assessment:
        """Return the assessment of a release."""
        if self._by is None or self._by[0] is not knowledge or self._by[1] != today or len(self._known) > _MOST:
            self._by, self._known = (knowledge, today), {}
        if running not in self._known:
            self._known[running] = assess(running, knowledge, today)
        return self._known[running]


_MOST = 1024  # releases remembered
_ASSESSED = _Assessed()


class Exposures:
    """Assess many devices with one knowledge; each release is assessed once, however many devices run it."""

    def __init__(self, knowledge: Knowledge, now: datetime) -> None:
        self._knowledge = knowledge
        self._today = now.date()

    def of(self, id_: str, name: str, claims: Iterable[SeenClaim], patch_level: date | None) -> DeviceExposure:
        """Assess one device by what is known of it."""
        claim = chosen(claims)
        told = claim.claim if claim else None
        running = Running(told.platform, told.version, told.places, patch_level) if told else Running("", "", 0)
        return DeviceExposure(id_, name, claim, _ASSESSED.of(running, self._knowledge, self._today))


def most_exposed_first(found: Iterable[DeviceExposure]) -> list[DeviceExposure]:
    """Order devices by what should be updated first."""
    return sorted(
        found,
        key=lambda one: (
            _ORDER[one.assessment.exposure],
            -one.assessment.score,
            -one.assessment.exploited,
            one.name.casefold(),
            one.id,
        ),
    )


def fleet_score(found: Sequence[DeviceExposure]) -> int | None:
    """Return the mean score of the devices whose exposure is known; nothing when there is none."""
    known = [one.assessment.score for one in found if one.assessment.exposure is not Exposure.UNKNOWN]
    return round(sum(known) / len(known)) if known else None


def top_releases(found: Iterable[DeviceExposure], most: int = 10) -> list[tuple[str, int]]:
    """Return the exposed releases that most devices run, with the number of devices."""
    releases = Counter(
        f"{one.assessment.running.platform} {one.assessment.running.version}"
        for one in found
        if one.assessment.exposure in (Exposure.LOW, Exposure.MEDIUM, Exposure.HIGH)
    )
    return sorted(releases.items(), key=lambda item: (-item[1], item[0]))[:most]


def flaws_of(found: Iterable[DeviceExposure]) -> list[FleetFlaw]:
    """Return every vulnerability of any device: exploited ones first, then those that most devices have."""
    devices: dict[tuple[str, str], list[str]] = {}
    flaws: dict[tuple[str, str], Vulnerability] = {}
    for one in found:
        for flaw in one.assessment.vulnerabilities:
            key = (one.assessment.running.platform, flaw.cve)
            devices.setdefault(key, []).append(one.id)
            flaws.setdefault(key, flaw)
    listed = [FleetFlaw(flaw, key[0], tuple(devices[key])) for key, flaw in flaws.items()]
    return sorted(listed, key=lambda one: (not one.flaw.exploited, -len(one.devices), one.flaw.cve))


def knowledge_at(path: Path | None) -> Knowledge:
    """Return what is known: of an updated file where there is one that is newer, else what is shipped.

    An updated file that cannot be used is as good as none: `seawall vulnerabilities update` writes another.
    """
    shipped = _shipped()
    try:
        stamp = path.stat().st_mtime_ns if path else 0
        updated = _read(path, stamp) if path else shipped
    except (OSError, ValueError):
        return shipped
    return updated if updated.newest >= shipped.newest else shipped


@lru_cache(maxsize=1)
def _shipped() -> Knowledge:
    return read((files("collector.vulnerabilities") / "data" / "releases.json").read_text("utf-8"))


@lru_cache(maxsize=2)  # by the stamp too: a changed file is another one
def _read(path: Path, stamp: int) -> Knowledge:
    return read(path.read_text("utf-8"))
