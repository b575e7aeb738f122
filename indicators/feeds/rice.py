"""Golomb-Rice delta decoding as Safe Browsing v5 uses it, for numbers of 32 to 256 bits. Pure arithmetic.

Each delta is a quotient in unary (ones, ended by a zero) and a remainder of `parameter` bits; bits are read from the
least significant of each byte on (developers.google.com/safe-browsing/reference).
"""

from __future__ import annotations

_LEAST, _MOST = 3, {32: 30, 64: 62, 128: 126, 256: 254}  # parameters, the greatest by width
_SPARE = 9  # bytes read beyond the remainder, so that nearly every quotient fits in one look
_LONGEST = 4096  # bits of one quotient; a list that is well encoded has a few


def decode(first: int, parameter: int, count: int, data: bytes, width: int) -> list[int]:
    """Return the first number and `count` more, ascending. Raises ValueError where the encoding is not one."""
    if not 0 <= first < 1 << width or count < 0:
        raise ValueError("the first number or the count of a hash list is out of range")
    if not count:
        return [first]
    if not (_LEAST <= parameter <= _MOST[width] or (width == 32 and parameter == 2)):
        raise ValueError(f"the Rice parameter {parameter} of a hash list is out of range")
    if count * (parameter + 1) > len(data) * 8:
        raise ValueError(f"{len(data)} bytes cannot hold {count} numbers")
    found, value, at = [first], first, 0
    for _ in range(count):
        delta, at = _next(data, at, parameter)
        value += delta
        found.append(value)
    if value >> width:
        raise ValueError("a number of a hash list is out of range")
    return found


def _next(data: bytes, at: int, parameter: int) -> tuple[int, int]:
    """Return the delta that begins at a bit, and the bit behind it."""
    size = (parameter >> 3) + _SPARE
    while True:
        low = at >> 3
        window = int.from_bytes(data[low : low + size], "little") >> (at & 7)
        ones = (~window & (window + 1)).bit_length() - 1
        end = at + ones + 1 + parameter
        if end <= (low + size) * 8 or size > _LONGEST // 8:
            break
        size *= 2
    if ones > _LONGEST or end > len(data) * 8:
        raise ValueError("a hash list is cut short, or is none")
    remainder = window >> (ones + 1) & ((1 << parameter) - 1)
    return ones << parameter | remainder, end
