"""Golomb-Rice decoding: published vectors, what an encoder wrote, and refusal of all that is no encoding."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.feeds.rice import decode
from tests.support.rice import encode


# The delta values and encodings are those of Chromium's v4_rice_unittest.cc.
@pytest.mark.parametrize(
    ("parameter", "deltas", "encoded"),
    [
        (2, [15, 9], "f702"),
        (28, [1777762129, 2093280223, 924369848], "bfa83ffbfcfb5e27e6c31dc638"),
        (
            28,
            [62763050, 1046523781, 192522171, 1800511020, 4442775, 582142548],
            "54607be70a5fc1dcee69defe583ca3d6a5f2108c4a595600",
        ),
        (
            28,
            [26067715, 344823336, 8420095, 399843890, 95029378, 731622412, 35811335, 1047558127, 1117722715, 78698892],
            "06861b2314cb46f2af0708c988541f4104d51a03ebe63a8013917bbf83f3b785f12918b36109",
        ),
    ],
)
def test_published_vectors(parameter: int, deltas: list[int], encoded: str) -> None:
    found = decode(0, parameter, len(deltas), bytes.fromhex(encoded), 64 if sum(deltas) >> 32 else 32)
    assert [after - before for before, after in pairwise(found)] == deltas


@given(
    st.sampled_from((32, 64, 128, 256)).flatmap(
        lambda width: st.tuples(
            st.just(width),
            st.lists(st.integers(0, (1 << width) - 1), min_size=1, max_size=40, unique=True).map(sorted),
            st.integers(width - 10, width - 2),
        )
    )
)
def test_what_was_encoded_is_decoded(case: tuple[int, list[int], int]) -> None:
    """Decoding what an encoder wrote gives the same numbers, at every width."""
    width, numbers, parameter = case
    deltas = [after - before for before, after in pairwise(numbers)]
    data = encode(deltas, parameter)
    assert decode(numbers[0], parameter, len(deltas), data, width) == numbers


@given(st.integers(0, 2**33), st.integers(-1, 40), st.integers(-1, 30), st.binary(max_size=40))
def test_any_bytes_give_ascending_numbers_or_a_refusal(first: int, parameter: int, count: int, data: bytes) -> None:
    """Nothing but ValueError comes of bytes that are no encoding."""
    try:
        found = decode(first, parameter, count, data, 32)
    except ValueError:
        return
    assert len(found) == count + 1
    assert found == sorted(found)
    assert found[-1] < 1 << 32


def test_a_long_quotient_is_read_whole_and_one_that_never_ends_is_refused() -> None:
    assert decode(0, 3, 1, encode([8 * 300 + 5], 3), 32) == [0, 8 * 300 + 5]
    with pytest.raises(ValueError, match="cut short"):
        decode(0, 3, 1, b"\xff" * 2000, 32)
