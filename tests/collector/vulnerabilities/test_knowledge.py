"""What is known is kept as JSON, read whole or refused, and says how old it is."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.resources import files

import pytest

from collector.vulnerabilities.knowledge import OLD_AFTER, Cycle, Knowledge, Release, Source, System, read, write
from collector.vulnerabilities.versions import Version

DAY = date(2026, 8, 22)
SMALL = Knowledge(
    systems={
        "iOS": System(
            "iOS",
            (Cycle("18", date(2024, 9, 16), None, Version.parse("18.7.2")), Cycle("17", date(2023, 9, 18), DAY)),
            (
                Release(Version.parse("18.7.2"), DAY, frozenset({"CVE-2026-0001"}), frozenset({"CVE-2026-0001"})),
                Release(Version.parse("18.7"), date(2025, 9, 15)),
            ),
        )
    },
    known_exploited={"CVE-2026-0001": (DAY, "A flaw")},
    sources=(Source("here", "https://source.example", "CC0-1.0", DAY), Source("there", "", "MIT", date(2026, 8, 1))),
)


def test_what_is_written_is_read_again() -> None:
    assert read(write(SMALL)) == SMALL


def test_its_date_is_that_of_the_oldest_source() -> None:
    assert SMALL.dated == date(2026, 8, 1)
    assert not SMALL.is_old(SMALL.dated + OLD_AFTER)
    assert SMALL.is_old(SMALL.dated + OLD_AFTER + timedelta(days=1))


@pytest.mark.parametrize(
    ("version", "cycle"), [("18.7.1", "18"), ("18", "18"), ("12.1.3", "12.1"), ("12.0.1", "12"), ("1", None)]
)
def test_a_version_belongs_to_the_longest_cycle_that_begins_it(version: str, cycle: str | None) -> None:
    cycles = tuple(Cycle(name, DAY) for name in ("18", "12", "12.1"))
    found = System("Any", cycles).cycle_of(Version.parse(version))
    assert (found.name if found else None) == cycle


def change(**parts: object) -> str:
    return json.dumps({**json.loads(write(SMALL)), **parts})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("[]", "indices must be"),
        ("[" * 100_000, "recursion|depth|Stack"),
        ("{}", "'format' is missing"),
        (change(format=7), "it has format 7, this version reads 1"),
        (change(systems={"iOS": {"cycles": []}}), "'releases' is missing"),
        (change(systems={"iOS": {"cycles": [{"name": "x", "released": "2026-01-01"}], "releases": []}}), "got 'x'"),
        (change(exploited={"CVE-1": ["tomorrow", ""]}), "tomorrow"),
    ],
    ids=["empty", "a list", "deep", "an empty object", "another format", "no releases", "no version", "no day"],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        read(text)
    assert "seawall vulnerabilities update" in str(raised.value)


def test_the_shipped_data_names_licence_and_date_of_each_source() -> None:
    shipped = read((files("collector.vulnerabilities") / "data" / "releases.json").read_text())
    assert {source.licence for source in shipped.sources} == {"Apache-2.0", "MIT", "CC0-1.0"}
    assert all(source.read > date(2025, 1, 1) for source in shipped.sources)
    assert len(shipped.systems["iOS"].releases) > 280
    assert {cycle.name for cycle in shipped.systems["Android"].cycles} >= {"17", "14", "9"}
