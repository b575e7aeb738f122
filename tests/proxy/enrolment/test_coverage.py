"""What is seen and missed is said once: here, in `devices show` and in the table of docs/devices.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.enrolment.coverage import TIERS, Tier, as_json, as_table, coverage_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("credentials", "tiers"),
    [
        (["token", "proxy", "wireguard"], [Tier.TUNNEL, Tier.PROXY, Tier.DNS]),
        (["token"], [Tier.DNS]),
        ([], [Tier.ADDRESS]),
        (["of a later version"], [Tier.ADDRESS]),
    ],
)
def test_a_device_is_covered_by_the_ways_it_has_credentials_for(credentials: list[str], tiers: list[Tier]) -> None:
    assert [one.tier for one in coverage_of(credentials)] == tiers


def test_every_tier_says_what_it_misses() -> None:
    assert [one.tier for one in TIERS] == list(Tier)
    assert all(each["sees"] and each["misses"] for each in as_json(TIERS))


def test_the_table_in_the_documentation_is_this_one() -> None:
    assert as_table() in (ROOT / "docs/devices.md").read_text()
