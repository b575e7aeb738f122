"""Exactly one group for each device: put there, else the highest ranked rule, else `default`."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.membership import Facts, Membership, Rule

HOME = ip_network("192.168.7.0/24")
RANKED = Membership(
    (
        ("children", (Rule(tags=frozenset({"child"})), Rule(names=("*'s tablet",), networks=(HOME,)))),
        ("phones", (Rule(platforms=frozenset({"android", "ios"})),)),
        ("home", (Rule(networks=(HOME, ip_network("fd00:7::/64"))),)),
        ("nobody", (Rule(),)),
    )
)


@pytest.mark.parametrize(
    ("facts", "group"),
    [
        (Facts(), "default"),
        (Facts(tags=frozenset({"child", "school"}), platform="ios", address="192.168.7.9"), "children"),
        (Facts(name="ANNA'S TABLET", address="192.168.7.9"), "children"),
        (Facts(name="Anna's tablet", address="203.0.113.9"), "default"),  # of one rule everything must fit
        (Facts(platform="ios", address="192.168.7.9"), "phones"),  # the higher ranked of two
        (Facts(address="192.168.7.9"), "home"),
        (Facts(address="::ffff:192.168.7.9"), "home"),
        (Facts(address="fd00:7::1"), "home"),
        (Facts(address="not an address"), "default"),
        (Facts(group="guests", tags=frozenset({"child"})), "guests"),  # put there: no rule is asked
        (Facts(group="default", tags=frozenset({"child"})), "children"),
    ],
)
def test_the_group_of_a_device(facts: Facts, group: str) -> None:
    assert RANKED.group_of(facts) == group


rules = st.builds(Rule, st.just(()), st.frozensets(st.sampled_from("abc"), max_size=2))
ranked = st.lists(
    st.tuples(st.sampled_from(["one", "two", "three"]), st.lists(rules, max_size=3).map(tuple)), max_size=4
)


@given(ranked, st.frozensets(st.sampled_from("abc")))
def test_a_device_is_in_the_first_group_that_fits(
    found: list[tuple[str, tuple[Rule, ...]]], tags: frozenset[str]
) -> None:
    """The group is that of the first fitting rule, and rules below it change nothing."""
    facts = Facts(tags=tags)
    group = Membership(tuple(found)).group_of(facts)
    fitting = [index for index, (_, each) in enumerate(found) if any(rule.fits(facts) for rule in each)]
    assert group == (found[fitting[0]][0] if fitting else "default")
    if fitting:
        assert Membership(tuple(found[: fitting[0] + 1])).group_of(facts) == group
