from __future__ import annotations

from pathlib import Path

import pytest

from indicators.public_suffix import is_public_suffix, registrable_domain

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
LINES = (VECTORS / "public_suffix_tests.txt").read_text().splitlines()
CASES = [line.split() for line in LINES if line and not line.startswith("//")]


@pytest.mark.parametrize(("host", "expected"), CASES)
def test_the_lists_own_cases(host: str, expected: str) -> None:
    assert (registrable_domain(host) or "null") == expected


def test_the_lists_own_cases_are_all_there() -> None:
    assert len(CASES) == 78  # the first is the null input


@pytest.mark.parametrize(
    "host",
    ["com", "co.uk", "github.io", "workers.dev", "s3.amazonaws.com", "duckdns.org", "xn--p1ai", "nosuchtld", "ck"],
)
def test_public_suffixes(host: str) -> None:
    assert is_public_suffix(host)
    assert registrable_domain(host) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("www.example.co.uk", "example.co.uk"),
        ("a.tenant.github.io", "tenant.github.io"),
        ("github.com", "github.com"),
        ("www.ck", "www.ck"),
        ("host.internal", "host.internal"),
    ],
)
def test_registrable_domains(host: str, expected: str) -> None:
    assert registrable_domain(host) == expected
    assert not is_public_suffix(expected)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "::"])
def test_addresses_have_neither(host: str) -> None:
    assert registrable_domain(host) is None
    assert not is_public_suffix(host)
