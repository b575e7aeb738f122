"""The fleet is ordered by what should be updated first, and newer knowledge replaces older."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

from collector.exposures import (
    DeviceExposure,
    Exposures,
    flaws_of,
    fleet_score,
    knowledge_at,
    most_exposed_first,
    top_releases,
)
from collector.vulnerabilities.choosing import SeenClaim
from collector.vulnerabilities.claims import Claim, ClaimSource, Confidence
from collector.vulnerabilities.knowledge import write
from tests.collector.vulnerabilities.test_assessment import KNOWN

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SHIPPED = files("collector.vulnerabilities") / "data" / "releases.json"


def device(name: str, platform: str = "", version: str = "") -> DeviceExposure:
    claim = SeenClaim(Claim(platform, version, 3, ClaimSource.APP, Confidence.HIGH), NOW)
    return Exposures(KNOWN, NOW).of(name, name, [claim] if platform else [], None)


FLEET = [
    device("current", "iOS", "18.7.2"),
    device("old", "iOS", "18.7"),
    device("ended", "iOS", "17.7"),
    device("other old", "iOS", "18.7"),
    device("silent"),
]


def test_what_should_be_updated_first_stands_first() -> None:
    assert [one.name for one in most_exposed_first(FLEET)] == ["ended", "old", "other old", "silent", "current"]


def test_the_fleets_score_is_of_devices_that_are_known() -> None:
    known = [one.assessment.score for one in FLEET if one.name != "silent"]
    assert fleet_score(FLEET) == round(sum(known) / 4)
    assert fleet_score([device("silent")]) is None


def test_the_releases_that_most_devices_run_stand_first() -> None:
    assert top_releases(FLEET) == [("iOS 18.7", 2), ("iOS 17.7", 1)]


def test_each_flaw_is_told_once_with_its_devices() -> None:
    flaws = flaws_of(FLEET)
    assert [(one.flaw.cve, len(one.devices)) for one in flaws][:3] == [("CVE-2", 3), ("CVE-7", 1), ("CVE-8", 1)]
    assert len({one.flaw.cve for one in flaws}) == len(flaws)


def test_newer_knowledge_replaces_what_is_shipped(tmp_path: Path) -> None:
    file = tmp_path / "vulnerabilities.json"
    shipped = knowledge_at(None)
    assert knowledge_at(file) is shipped, "there is no file"
    file.write_text("damaged")
    assert knowledge_at(file) is shipped
    file.write_text(write(KNOWN))
    assert knowledge_at(file) == KNOWN
    older = KNOWN.__class__(KNOWN.systems, KNOWN.known_exploited, ())
    file.write_text(write(older))
    assert older.newest == date.min
    assert knowledge_at(file) is shipped, "it is older"
