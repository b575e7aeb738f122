"""Random octets in stock: all from the source, each given once."""

from __future__ import annotations

from collections.abc import Callable

from proxy.dns.chance import chance, chances


def counting() -> Callable[[int], bytes]:
    given = 0

    def source(count: int) -> bytes:
        nonlocal given
        given += count
        return b"".join((at % (1 << 32)).to_bytes(4) for at in range((given - count) // 4, given // 4))

    return source


def test_no_octet_is_given_twice_and_all_come_from_the_source() -> None:
    take = chances(counting())
    numbers = [int.from_bytes(take(4)) for _ in range(5000)]
    assert numbers == list(range(5000))


def test_more_than_the_stock_is_given_too() -> None:
    assert len(chance(20_000)) == 20_000
    assert chance(16) != chance(16)
