"""The published sources become knowledge; one that is broken is named."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from collector.vulnerabilities import gathering
from collector.vulnerabilities.knowledge import Release, read
from collector.vulnerabilities.versions import Version

SOFA = """{"OSVersions": [{"OSVersion": "18", "SecurityReleases": [
  {"ProductVersion": "18.7.7", "ReleaseDate": "2026-03-24T00:00:00Z", "CVEs": {"CVE-2026-1": {}},
   "ActivelyExploitedCVEs": ["CVE-2026-1"]},
  {"ProductVersion": "18.7.7", "ReleaseDate": "2026-03-20T00:00:00Z", "CVEs": {"CVE-2026-2": {}}},
  {"ProductVersion": "18.7.6", "ReleaseDate": "2026-03-04T00:00:00Z", "CVEs": {}}]}]}"""
PAGE = """---
title: Something
releases:
  - releaseCycle: "18"
    releaseDate: 2024-09-16
    eol: false
    latest: "18.7.10"
  - releaseCycle: 9
    releaseDate: 2018-08-06
    eol: 2022-01-01
  - releaseCycle: "1.0"
    releaseDate: 2008-09-23
    eol: true
  - releaseCycle: "4.4w"
    releaseDate: 2014-06-25
    eol: true
---
> Text with --- in it.
"""


def test_a_release_told_twice_is_one_with_all_its_cves() -> None:
    assert gathering.releases_of_sofa(SOFA) == (
        Release(
            Version.parse("18.7.7"),
            date(2026, 3, 20),
            frozenset({"CVE-2026-1", "CVE-2026-2"}),
            frozenset({"CVE-2026-1"}),
        ),
        Release(Version.parse("18.7.6"), date(2026, 3, 4)),
    )


def test_cycles_end_on_a_day_never_or_at_the_latest_when_they_began() -> None:
    cycles = gathering.cycles_of_endoflife(PAGE)
    assert [(cycle.name, cycle.ended, str(cycle.latest or "")) for cycle in cycles] == [
        ("18", None, "18.7.10"),
        ("9", date(2022, 1, 1), ""),
        ("1", date(2008, 9, 23), ""),
    ]


def test_only_flaws_of_what_phones_are_made_of_are_kept() -> None:
    rows = [
        {"cveID": f"CVE-{n}", "dateAdded": "2025-08-25", "vendorProject": vendor, "product": product,
         "vulnerabilityName": "A flaw"}
        for n, (vendor, product) in enumerate(
            [("Apple", "iOS"), ("Git", "Git"), ("Samsung", "MagicINFO 9 Server"), ("Qualcomm", "Chipsets")]
        )
    ]  # fmt: skip
    found = gathering.exploited_of_kev(json.dumps({"vulnerabilities": rows}))
    assert found == {"CVE-0": (date(2025, 8, 25), "A flaw"), "CVE-3": (date(2025, 8, 25), "A flaw")}


@pytest.mark.parametrize(
    ("call", "text", "said"),
    [
        (gathering.releases_of_sofa, "{", "SOFA: "),
        (gathering.releases_of_sofa, "[]", "SOFA: list indices"),
        (gathering.releases_of_sofa, "{}", "SOFA: 'OSVersions' is missing"),
        (gathering.releases_of_endoflife, '{"versions": {"x": {}}}', "endoflife.date releases: "),
        (gathering.exploited_of_kev, '{"vulnerabilities": [{}]}', "KEV: 'vendorProject' is missing"),
        (gathering.cycles_of_endoflife, "no page", "no front matter"),
        (gathering.cycles_of_endoflife, "---\nreleases: [\n---\n", "endoflife.date: "),
        (gathering.cycles_of_endoflife, "---\ntitle: x\n---\n", "endoflife.date: 'releases' is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" in value else "",
)
def test_a_broken_source_is_named(call: object, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(text)  # type: ignore[operator]


def test_the_shipped_data_is_what_the_sources_give(large_data: Callable[[str], Path]) -> None:
    folder = large_data("data/posture")
    made = gathering.gather(
        gathering.cycles_of_endoflife((folder / "endoflife_ios.md").read_text()),
        (
            gathering.releases_of_sofa((folder / "sofa_ios_data_feed.json").read_text()),
            gathering.releases_of_endoflife((folder / "ios_releases.json").read_text()),
        ),
        gathering.cycles_of_endoflife((folder / "endoflife_android.md").read_text()),
        gathering.exploited_of_kev(gzip.decompress((folder / "kev.json.gz").read_bytes()).decode()),
        (),
    )
    shipped = read((files("collector.vulnerabilities") / "data" / "releases.json").read_text())
    assert set(made.systems["iOS"].releases) == set(shipped.systems["iOS"].releases)
    assert made.systems["Android"].cycles == shipped.systems["Android"].cycles
    assert made.known_exploited == shipped.known_exploited
