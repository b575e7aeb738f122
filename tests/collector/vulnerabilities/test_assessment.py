"""What follows from a release: one table over a small world of releases, and the rules that hold for every one."""

from __future__ import annotations

from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.vulnerabilities.assessment import Exposure, Running, State, assess
from collector.vulnerabilities.knowledge import Cycle, Knowledge, Release, Source, System, read
from collector.vulnerabilities.versions import Version

TODAY = date(2026, 9, 1)


def release(version: str, day: str, fixed: str = "", exploited: str = "") -> Release:
    return Release(
        Version.parse(version), date.fromisoformat(day), frozenset(fixed.split()), frozenset(exploited.split())
    )


IOS = System(
    "iOS",
    (
        Cycle("26", date(2025, 9, 15)),
        Cycle("18", date(2024, 9, 16), None, Version.parse("18.7.2")),
        Cycle("17", date(2023, 9, 18), date(2025, 5, 13)),
        Cycle("16", date(2022, 9, 12), date(2027, 1, 1), Version.parse("16.7.16")),
    ),
    (
        release("26.1", "2026-08-01", "CVE-7 CVE-8", "CVE-8"),
        release("26", "2025-09-15"),
        release("18.7.2", "2026-08-01", "CVE-1 CVE-2", "CVE-2"),
        release("18.7.1", "2026-07-01", "CVE-1 CVE-3"),
        release("18.7", "2026-06-01"),
        release("17.7.7", "2025-05-12", "CVE-4"),
    ),
)
ANDROID = System("Android", (Cycle("14", date(2023, 10, 4)), Cycle("9", date(2018, 8, 6), date(2022, 1, 1))))
KNOWN = Knowledge(
    {"iOS": IOS, "Android": ANDROID},
    {"CVE-7": (date(2026, 8, 3), "Apple flaw"), "CVE-90": (date(2026, 5, 5), "Qualcomm flaw")},
    (Source("a source", "", "CC0-1.0", date(2026, 8, 22)),),
)


@pytest.mark.parametrize(
    ("running", "state", "exposure", "missing"),
    [
        (Running("iOS", "18.7.2"), State.CURRENT, Exposure.NONE, []),
        (Running("iOS", "18.7.1"), State.OUTDATED, Exposure.MEDIUM, ["CVE-2", "CVE-1"]),
        (Running("iOS", "18.7"), State.OUTDATED, Exposure.MEDIUM, ["CVE-2", "CVE-1", "CVE-3"]),
        (Running("iOS", "18.7", places=2), State.SUPPORTED, Exposure.UNKNOWN, []),
        (Running("iOS", "18.6", places=2), State.OUTDATED, Exposure.MEDIUM, ["CVE-2", "CVE-1", "CVE-3"]),
        (Running("iOS", "26", places=1), State.SUPPORTED, Exposure.UNKNOWN, []),
        (Running("iOS", "26.1", places=2), State.CURRENT, Exposure.NONE, []),
        (Running("iOS", "26.2"), State.CURRENT, Exposure.NONE, []),
        (Running("iOS", "16.7"), State.OUTDATED, Exposure.LOW, []),
        (Running("iOS", "17.7.7"), State.UNSUPPORTED, Exposure.HIGH, ["CVE-2", "CVE-7", "CVE-8"]),
        (Running("iOS", "17.7"), State.UNSUPPORTED, Exposure.HIGH, ["CVE-2", "CVE-7", "CVE-8", "CVE-4"]),
        (Running("Android", "14"), State.SUPPORTED, Exposure.UNKNOWN, []),
        (Running("Android", "14", patch_level=date(2026, 5, 1)), State.OUTDATED, Exposure.MEDIUM, ["CVE-90"]),
        (Running("Android", "14", patch_level=date(2026, 6, 1)), State.CURRENT, Exposure.NONE, []),
        (Running("Android", "9"), State.UNSUPPORTED, Exposure.MEDIUM, []),
        (Running("Windows", "10"), State.UNKNOWN, Exposure.UNKNOWN, []),
        (Running("iOS", ""), State.UNKNOWN, Exposure.UNKNOWN, []),
        (Running("iOS", "99"), State.UNKNOWN, Exposure.UNKNOWN, []),
    ],
    ids=lambda value: f"{value.platform} {value.version} {value.places}" if isinstance(value, Running) else "",
)
def test_the_table(running: Running, state: State, exposure: Exposure, missing: list[str]) -> None:
    found = assess(running, KNOWN, TODAY)
    assert (found.state, found.exposure) == (state, exposure)
    flaws = [one.cve for one in found.vulnerabilities]
    assert sorted(flaws) == sorted(missing)
    exploited = [one.exploited for one in found.vulnerabilities]
    assert exploited == sorted(exploited, reverse=True), "exploited ones first"
    assert found.reasons or state is State.CURRENT


def test_a_flaw_is_told_once_with_the_first_release_that_fixes_it() -> None:
    found = assess(Running("iOS", "18.7"), KNOWN, TODAY)
    assert {one.cve: (one.fixed_in, one.exploited) for one in found.vulnerabilities} == {
        "CVE-1": ("18.7.1", False),
        "CVE-2": ("18.7.2", True),
        "CVE-3": ("18.7.1", False),
    }
    assert found.exploited == 1
    assert found.latest == "18.7.2"


@pytest.mark.parametrize(
    ("running", "said"),
    [
        (Running("iOS", "18.7"), "iOS 18.7 is older than 18.7.2, the latest release of its cycle"),
        (Running("iOS", "18.7"), "1 of the missing fixes close flaws that are known to be exploited"),
        (Running("iOS", "18.7", places=2), "whether it is 18.7.2 cannot be told"),
        (Running("iOS", "17.7.7"), "iOS 17 has had no security updates since 2025-05-13"),
        (Running("iOS", "16.7"), "which flaws the missing updates fix is not in the data"),
        (Running("Android", "14"), "patch level is not visible to a gateway"),
        (Running("Android", "14", patch_level=date(2026, 5, 1)), "some may be fixed in it all the same"),
        (Running("Windows", "10"), "nothing is known about Windows 10"),
    ],
    ids=lambda value: "" if isinstance(value, Running) else value,
)
def test_each_finding_is_explained(running: Running, said: str) -> None:
    assert said in "; ".join(assess(running, KNOWN, TODAY).reasons)


def test_old_data_is_said_to_be_old() -> None:
    assert not assess(Running("iOS", "18.7"), KNOWN, TODAY).old
    assert assess(Running("iOS", "18.7"), KNOWN, date(2026, 12, 1)).old


SHIPPED = read((files("collector.vulnerabilities") / "data" / "releases.json").read_text())


@given(st.sampled_from(SHIPPED.systems["iOS"].by_age), st.integers(1, 3))
def test_an_update_never_makes_a_device_more_exposed(one: Release, places: int) -> None:
    """The newest release of a cycle scores no more than any release of it, as far as the version is known."""
    system = SHIPPED.systems["iOS"]
    cycle = system.cycle_of(one.version)
    if cycle is None:
        assert one.version < Version.parse("5"), "only what came before the data has no cycle"
        return
    newest = next(release for release in system.by_age if system.cycle_of(release.version) == cycle)
    older = assess(Running("iOS", str(one.version), places), SHIPPED, TODAY)
    assert assess(Running("iOS", str(newest.version), places), SHIPPED, TODAY).score <= older.score
    assert 0 <= older.score <= 100
