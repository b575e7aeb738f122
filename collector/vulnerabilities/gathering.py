"""Make knowledge of the sources as they are published: SOFA, endoflife.date and CISA's list of exploited CVEs. Pure.

Fetching them is the caller's; what cannot be read raises ValueError naming the source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from collector.vulnerabilities.knowledge import Cycle, Knowledge, Release, Source, System
from collector.vulnerabilities.versions import Version

_OF_PHONES = {"Apple", "Android", "Qualcomm", "Arm", "Samsung", "Imagination", "MediaTek"}
_NUMBERED = re.compile(r"\d+(?:\.\d+)*")
_NOT_OF_PHONES = {"MagicINFO 9 Server"}


def releases_of_sofa(text: str) -> tuple[Release, ...]:
    """Read the SOFA feed of iOS: releases with the CVEs they fixed. A release told twice is one, with all its CVEs."""
    found: dict[Version, Release] = {}
    with _reading("SOFA"):
        for system in json.loads(text)["OSVersions"]:
            for release in map(_sofa_release, system["SecurityReleases"]):
                found[release.version] = _joined(found.get(release.version, release), release)
    return tuple(found.values())


def releases_of_endoflife(text: str) -> tuple[Release, ...]:
    """Read endoflife.date's release data: every release with its day, and no word on CVEs."""
    with _reading("endoflife.date releases"):
        told = json.loads(text)["versions"]
        return tuple(Release(Version.parse(name), date.fromisoformat(one["date"])) for name, one in told.items())


def cycles_of_endoflife(text: str) -> tuple[Cycle, ...]:
    """Read a product page of endoflife.date: the YAML between its first two `---` lines.

    A cycle whose name is no number (Android 4.4w, of watches) is another product's and left out.
    """
    with _reading("endoflife.date"):
        page = YAML(typ="safe", pure=True).load(StringIO(_front_matter(text)))
        return tuple(_cycle(told) for told in page["releases"] if _NUMBERED.fullmatch(str(told["releaseCycle"])))


def exploited_of_kev(text: str) -> dict[str, tuple[date, str]]:
    """Read CISA's known exploited vulnerabilities: those of phones' makers, with the day each was listed."""
    with _reading("KEV"):
        return {
            row["cveID"]: (date.fromisoformat(row["dateAdded"]), row["vulnerabilityName"])
            for row in json.loads(text)["vulnerabilities"]
            if row["vendorProject"] in _OF_PHONES and row["product"] not in _NOT_OF_PHONES
        }


def gather(
    ios_cycles: Iterable[Cycle],
    ios_releases: Iterable[Iterable[Release]],
    android_cycles: Iterable[Cycle],
    exploited: dict[str, tuple[date, str]],
    sources: tuple[Source, ...],
) -> Knowledge:
    """Put the parts together. Of several tellings of a release the CVEs are joined; a cycle's latest is what exists."""
    releases: dict[Version, Release] = {}
    for release in (release for telling in ios_releases for release in telling):
        releases[release.version] = _joined(releases.get(release.version, release), release)
    ios = System("iOS", tuple(ios_cycles), tuple(releases.values()))
    return Knowledge(
        systems={"iOS": ios, "Android": System("Android", tuple(android_cycles))},
        known_exploited=exploited,
        sources=sources,
    )


def _sofa_release(told: dict[str, Any]) -> Release:
    return Release(
        version=Version.parse(told["ProductVersion"]),
        released=date.fromisoformat(told["ReleaseDate"][:10]),
        fixed=frozenset(told.get("CVEs") or ()),
        exploited=frozenset(told.get("ActivelyExploitedCVEs") or ()),
    )


def _joined(one: Release, other: Release) -> Release:
    return Release(
        one.version,
        min(one.released, other.released),
        one.fixed | other.fixed,
        one.exploited | other.exploited,
    )


def _cycle(told: dict[str, Any]) -> Cycle:
    ended = told.get("eol")
    if ended is True:  # over, and the day is not told: it is not later than the day the cycle began
        ended = told["releaseDate"]
    return Cycle(
        name=str(Version.parse(str(told["releaseCycle"]))),
        released=_day(told["releaseDate"]),
        ended=_day(ended) if ended else None,
        latest=Version.parse(str(told["latest"])) if told.get("latest") else None,
    )


def _day(told: object) -> date:
    return told if isinstance(told, date) else date.fromisoformat(str(told))


def _front_matter(page: str) -> str:
    parts = re.split(r"(?m)^---\s*$", page, maxsplit=2)
    if len(parts) < 3:
        raise ValueError("the page has no front matter between two --- lines")
    return parts[1]


@contextmanager
def _reading(source: str) -> Iterator[None]:
    """Name the source of whatever cannot be read."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{source}: {error} is missing") from error
    except (TypeError, AttributeError, ValueError, RecursionError, YAMLError) as error:
        raise ValueError(f"{source}: {error}") from error
