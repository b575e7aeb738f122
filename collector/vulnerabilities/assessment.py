"""How exposed a device is by the release it runs. Pure, and the only place that scores it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from collector.vulnerabilities.knowledge import Cycle, Knowledge, Release, System
from collector.vulnerabilities.versions import Version

# The score's parts, in points of 100. An exploited flaw weighs more than any number of others.
_FIRST_EXPLOITED, _FURTHER_EXPLOITED, _MOST_EXPLOITED = 40, 5, 70
_CVES_PER_POINT, _MOST_OTHERS = 5, 20
_ENDED, _BEHIND = 30, 5
_MEDIUM, _HIGH = 30, 60


class State(StrEnum):
    """Tell where a release stands. `supported`: it gets fixes, and which of them a device has cannot be told."""

    CURRENT = "current"
    SUPPORTED = "supported"
    OUTDATED = "outdated"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


class Exposure(StrEnum):
    """Tell how exposed a device is."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Running:
    """Say what a device runs, as far as it is known.

    `places` is how many numbers of the version can be believed: a browser that hides the patch level tells two.
    `patch_level` is Android's security patch level, which is never on the wire: only a posture report gives it.
    """

    platform: str
    version: str
    places: int = 3
    patch_level: date | None = None


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """Name one CVE that a later release fixes. `exploited` means that it has been used against people."""

    cve: str
    fixed_in: str
    fixed_on: date
    exploited: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Hold what follows from a release: vulnerabilities, exploited ones first, and a score from 0 to 100."""

    running: Running
    state: State
    exposure: Exposure
    score: int
    latest: str
    vulnerabilities: tuple[Vulnerability, ...]
    reasons: tuple[str, ...]
    dated: date
    old: bool

    @property
    def exploited(self) -> int:
        """Count the vulnerabilities that are known to be exploited."""
        return sum(found.exploited for found in self.vulnerabilities)


def assess(running: Running, knowledge: Knowledge, today: date) -> Assessment:
    """Assess one device. What is not known makes it `unknown`, never `current`."""
    system = knowledge.systems.get(running.platform)
    try:
        version = Version.parse(running.version).known_to(max(1, running.places))
    except ValueError:
        version = None
    cycle = system.cycle_of(version) if system and version else None
    if system is None or version is None or cycle is None:
        return _unknown(running, knowledge, today)
    latest = _latest(system, cycle)
    missing = _missing(system, cycle, version, running.places, knowledge)
    late = _late_patches(running, knowledge)
    ended = cycle.ended is not None and cycle.ended <= today
    behind = latest is not None and version < latest.known_to(max(1, running.places))
    hidden = _hides_fixes(running, latest)
    state = State.UNSUPPORTED if ended else State.OUTDATED if behind or late else _up_to_date(hidden)
    found = tuple(sorted((*missing, *late), key=lambda one: (not one.exploited, -one.fixed_on.toordinal(), one.cve)))
    score = _score(found, ended, behind)
    return Assessment(
        running=running,
        state=state,
        exposure=Exposure.UNKNOWN if state is State.SUPPORTED else _exposure(score),
        score=score,
        latest=str(latest) if latest else "",
        vulnerabilities=found,
        reasons=tuple(_reasons(running, cycle, latest, found, ended, behind)),
        dated=knowledge.dated,
        old=knowledge.is_old(today),
    )


def _unknown(running: Running, knowledge: Knowledge, today: date) -> Assessment:
    what = f"{running.platform} {running.version}".strip() or "its operating system"
    why = f"nothing is known about {what}: a client hides it, or no data covers it"
    return Assessment(
        running, State.UNKNOWN, Exposure.UNKNOWN, 0, "", (), (why,), knowledge.dated, knowledge.is_old(today)
    )


def _latest(system: System, cycle: Cycle) -> Version | None:
    """Return the newest release of a cycle that any source tells of."""
    told = [release.version for release, of in system.by_age_and_cycle if of == cycle]
    known = [version for version in (cycle.latest, *told[:1]) if version]
    return max(known, key=lambda version: (*version.parts, 0, 0)[:4]) if known else None


def _missing(
    system: System, cycle: Cycle, version: Version, places: int, knowledge: Knowledge
) -> Iterator[Vulnerability]:
    """Give each CVE once, with the first release that fixes it, of those after the version in its cycle.

    A cycle that has ended gets no fixes: then the exploited flaws fixed in later cycles after its end count too.
    """
    seen: set[str] = set()
    for release, of in reversed(system.by_age_and_cycle):
        same = of == cycle
        if same and version < release.version.known_to(max(1, places)):
            wanted = release.fixed
        elif not same and cycle.ended and release.released > cycle.ended and version < release.version:
            wanted = release.exploited | (release.fixed & knowledge.known_exploited.keys())
        else:
            continue
        for cve in wanted - seen:
            seen.add(cve)
            yield _vulnerability(cve, release, knowledge)


def _vulnerability(cve: str, release: Release, knowledge: Knowledge) -> Vulnerability:
    listed = knowledge.known_exploited.get(cve)
    return Vulnerability(
        cve=cve,
        fixed_in=str(release.version),
        fixed_on=release.released,
        exploited=cve in release.exploited or listed is not None,
        name=listed[1] if listed else "",
    )


def _late_patches(running: Running, knowledge: Knowledge) -> tuple[Vulnerability, ...]:
    """Give the exploited Android flaws that were listed after a device's reported patch level."""
    if running.platform != "Android" or running.patch_level is None:
        return ()
    return tuple(
        Vulnerability(cve, f"patch level after {running.patch_level}", day, exploited=True, name=name)
        for cve, (day, name) in knowledge.known_exploited.items()
        if day > running.patch_level and not name.startswith("Apple")
    )


def _hides_fixes(running: Running, latest: Version | None) -> bool:
    """Say whether a release can have fixes that its number, as far as it is known, does not tell of."""
    if running.platform == "Android":
        return running.patch_level is None
    return latest is not None and len(latest.parts) > running.places


def _up_to_date(hidden: bool) -> State:
    return State.SUPPORTED if hidden else State.CURRENT


def _score(found: tuple[Vulnerability, ...], ended: bool, behind: bool) -> int:
    exploited = sum(one.exploited for one in found)
    serious = min(_MOST_EXPLOITED, _FIRST_EXPLOITED + _FURTHER_EXPLOITED * (exploited - 1)) if exploited else 0
    others = len(found) - exploited
    rest = min(_MOST_OTHERS, -(-others // _CVES_PER_POINT))
    return min(100, serious + rest + (_ENDED if ended else 0) + (_BEHIND if behind else 0))


def _exposure(score: int) -> Exposure:
    if score == 0:
        return Exposure.NONE
    return Exposure.HIGH if score >= _HIGH else Exposure.MEDIUM if score >= _MEDIUM else Exposure.LOW


def _reasons(
    running: Running,
    cycle: Cycle,
    latest: Version | None,
    found: tuple[Vulnerability, ...],
    ended: bool,
    behind: bool,
) -> Iterator[str]:
    named = f"{running.platform} {running.version}"
    if ended:
        yield f"{running.platform} {cycle.name} has had no security updates since {cycle.ended}"
    if behind:
        yield f"{named} is older than {latest}, the latest release of its cycle"
    exploited = sum(one.exploited for one in found)
    if exploited and running.platform == "Android":
        yield f"{exploited} flaws were listed as exploited after its patch level; some may be fixed in it all the same"
    elif exploited:
        yield f"{exploited} of the missing fixes close flaws that are known to be exploited"
    if len(found) > exploited:
        yield f"{len(found) - exploited} further fixes are missing"
    if behind and not found:
        yield "which flaws the missing updates fix is not in the data"
    if running.platform == "Android" and running.patch_level is None:
        yield "Android's security patch level is not visible to a gateway; a posture report can give it"
    elif not behind and not ended and _hides_fixes(running, latest):
        yield f"its clients do not tell more than {named}: whether it is {latest} cannot be told"
