"""Write Golomb-Rice deltas, so that tests can make hash lists as a publisher does."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from itertools import pairwise
from typing import Any


def encode(deltas: Sequence[int], parameter: int) -> bytes:
    """Encode deltas; bits fill each byte from its least significant one on."""
    bits: list[int] = []
    for delta in deltas:
        bits += [1] * (delta >> parameter) + [0]
        bits += [delta >> at & 1 for at in range(parameter)]
    bits += [0] * (-len(bits) % 8)
    return bytes(sum(bit << at for at, bit in enumerate(bits[low : low + 8])) for low in range(0, len(bits), 8))


def rice_field(numbers: Sequence[int], width: int) -> dict[str, Any]:
    """Return ascending numbers as the JSON of `RiceDeltaEncoded…Bit`."""
    deltas = [after - before for before, after in pairwise(numbers)]
    parameter = max(3, width - 4)
    names = {32: ["firstValue"], 64: ["firstValue"], 128: ["firstValueHi", "firstValueLo"]}.get(
        width, [f"firstValue{part}Part" for part in ("First", "Second", "Third", "Fourth")]
    )
    size = 64 if len(names) > 1 else width
    firsts = [numbers[0] >> size * (len(names) - 1 - at) & ((1 << size) - 1) for at in range(len(names))]
    return {
        **{name: (value if width == 32 else str(value)) for name, value in zip(names, firsts, strict=True)},
        "riceParameter": parameter,
        "entriesCount": len(deltas),
        "encodedData": b64encode(encode(deltas, parameter)).decode(),
    }
