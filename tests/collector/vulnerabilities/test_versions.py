"""Versions are read, compared and cut to what is known of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.vulnerabilities.versions import Version

NUMBERS = st.lists(st.integers(0, 9999), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("older", "newer"),
    [("18.7.2", "18.7.10"), ("18", "18.0.1"), ("17.7.11", "18"), ("9", "10"), ("26.6", "26.6.1")],
)
def test_order_is_by_number_not_by_letter(older: str, newer: str) -> None:
    assert Version.parse(older) < Version.parse(newer)
    assert not Version.parse(newer) < Version.parse(older)


@pytest.mark.parametrize("text", ["", "18.", ".1", "18,7", "4.4w", "1.2.3.4.5", "-1", "18 ", "12345", "١٨"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 18\.7\.2"):
        Version.parse(text)


@given(NUMBERS)
def test_trailing_zeros_say_nothing(numbers: list[int]) -> None:
    """A version and the same one with `.0` behind it are equal, as far as four numbers go."""
    text = ".".join(map(str, numbers))
    if len(numbers) < 4:
        assert Version.parse(text) == Version.parse(text + ".0")
    assert Version.parse(str(Version.parse(text))) == Version.parse(text)


@given(NUMBERS, st.integers(1, 3))
def test_what_is_known_is_never_newer(numbers: list[int], places: int) -> None:
    """Cutting a version off never makes it newer."""
    version = Version.parse(".".join(map(str, numbers)))
    assert not version < version.known_to(places)
