"""The three ways of a TLS connection, as a table: what the verdict says, what the device does, which lists name it."""

from __future__ import annotations

from itertools import product

import pytest

from indicators.inspection import InspectLists, Route, route
from indicators.verdict import CLEAN, Verdict
from indicators.words import Action, Visibility

LISTS = InspectLists.of(["opened.example"], ["bank.example", "*.health.example"])
BLOCK = Verdict(Action.BLOCK, "")
WARN = Verdict(Action.WARN, "")
UNDECIDED = Verdict(Action.BLOCK, "", final=False, needs=Visibility.URL)
PATHS = Verdict(Action.ALLOW, "", needs=Visibility.URL)
TEST_PATHS = Verdict(Action.ALLOW, "", needs=Visibility.URL, always_inspect=True)
BODY = Verdict(Action.ALLOW, "", needs=Visibility.BODY)
RECORDED = Verdict(Action.ALLOW, "", would=Action.BLOCK)
S, I, T = Route  # noqa: E741

TABLE = [
    # verdict, host,               the device: trusts, unknown, refuses our CA
    (CLEAN, "good.example", S, S, S),
    (CLEAN, "opened.example", I, S, S),
    (CLEAN, "www.opened.example", I, S, S),
    (CLEAN, "notopened.example", S, S, S),
    (CLEAN, "bank.example", S, S, S),
    (PATHS, "good.example", I, S, S),
    (PATHS, "bank.example", S, S, S),
    (PATHS, "www.bank.example", S, S, S),
    (PATHS, "a.health.example", S, S, S),
    (BODY, "good.example", I, S, S),
    (TEST_PATHS, "good.example", I, I, S),
    (TEST_PATHS, "bank.example", S, S, S),
    (BLOCK, "good.example", I, I, T),
    (WARN, "good.example", I, I, T),
    (BLOCK, "bank.example", I, I, T),
    (WARN, "www.bank.example", I, I, T),
    (UNDECIDED, "good.example", I, I, T),
    (UNDECIDED, "bank.example", I, I, T),
    (RECORDED, "good.example", S, S, S),
]


@pytest.mark.parametrize(("verdict", "host", "trusting", "unknown", "refusing"), TABLE)
def test_route(verdict: Verdict, host: str, trusting: Route, unknown: Route, refusing: Route) -> None:
    assert route(verdict, host, True, LISTS) is trusting
    assert route(verdict, host, False, LISTS) is unknown
    assert route(verdict, host, True, LISTS, refuses_ca=True) is refusing
    assert route(verdict, host, False, LISTS, refuses_ca=True) is refusing


@pytest.mark.parametrize("case", TABLE)
def test_inspecting_untrusted_devices_treats_them_as_trusting(case: tuple[Verdict, str, Route, Route, Route]) -> None:
    verdict, host, trusting, _, refusing = case
    lists = InspectLists(LISTS.inspect, LISTS.never_inspect, inspect_untrusted=True)
    assert route(verdict, host, False, lists) is trusting
    assert route(verdict, host, False, lists, refuses_ca=True) is refusing


def test_what_passes_is_never_closed_and_what_is_blocked_never_spliced() -> None:
    for (verdict, host, *_), trusts, refuses in product(TABLE, [True, False], [True, False]):
        chosen = route(verdict, host, trusts, LISTS, refuses_ca=refuses)
        assert chosen is not (S if verdict.action in (Action.BLOCK, Action.WARN) else T)


def test_lists_are_canonical_and_name_the_bad_host() -> None:
    assert InspectLists.of([" BÜCHER.example. "], []).inspect == {"xn--bcher-kva.example"}
    assert InspectLists.of(["*.a.example", "10.0.0.1"], []).inspect == {"a.example", "10.0.0.1"}
    with pytest.raises(ValueError, match="not a host"):
        InspectLists.of([], ["not a host"])
