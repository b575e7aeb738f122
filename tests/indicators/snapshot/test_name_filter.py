"""The table of names says no only where nothing is listed, and says no to nearly everything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.hosts import parents
from indicators.snapshot.name_filter import CellMaker, NameFilter

LABELS = st.sampled_from(["a", "b", "www", "evil", "co", "uk", "com", "xn--p1ai", "1", "192"])
HOSTS = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


def made(*names: str) -> Callable[[str], bool]:
    maker = CellMaker()
    for name in names:
        maker.add(name)
    return NameFilter(memoryview(maker.cells())).asking(lambda host: True)


@given(st.lists(HOSTS, max_size=8), HOSTS)
def test_a_listed_name_and_all_below_it_pass(names: list[str], host: str) -> None:
    """Whatever a walk over the parents finds, the table lets through."""
    found = any(parent in names for parent in parents(host)) or any(f"{host}".endswith(f".{name}") for name in names)
    if found:
        assert made(*names)(host)


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("evil.example", True),
        ("www.evil.example", True),
        ("a.b.evil.example", True),
        ("deep.one.example", True),
        ("one.example", False),
        ("other.one.example", False),
        ("notevil.example", False),
        ("example", False),
        ("localhost", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::1", True),
        ("2001:db8::2", False),
    ],
)
def test_a_clean_host_is_turned_away(host: str, passes: bool) -> None:
    assert made("evil.example", "deep.one.example", "192.0.2.7", "2001:db8::1")(host) is passes


def test_a_top_level_domain_lets_everything_through() -> None:
    table = made("zip", "evil.example")
    assert table("a.zip")
    assert table("www.evil.example")


def test_of_many_clean_hosts_few_are_let_through_in_vain() -> None:
    table = made(*(f"name{number}.example" for number in range(5000)))
    let_through = sum(table(f"other{number}.example") for number in range(5000))
    assert 0 < let_through < 1000


def test_cells_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="no power of two"):
        NameFilter(memoryview(bytes(300)))
    with pytest.raises(ValueError, match="no power of two"):
        NameFilter(memoryview(b""))
