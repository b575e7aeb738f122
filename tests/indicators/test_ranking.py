"""Ranking alone: what holds for any set of matches, whatever the table of `test_decide.py` names."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.ranking import existing, rule
from indicators.verdict import Match, Scope
from indicators.words import Action, IndicatorType, Severity, Stage

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOSTS = ("www.evil.example", "cdn.test")


def match(source: str, action: Action, name: str, host: str, severity: Severity | None, alert: bool) -> Match:
    custom = source == "custom"
    one = Indicator(name, IndicatorType.DOMAIN, action, Origin(source, custom), severity=severity, generate_alert=alert)
    scope = Scope.EXACT_HOST if name == host else Scope.PARENT_DOMAIN
    return Match(one, host, scope, name.count(".") + 1, action)


MATCHES = st.lists(
    st.builds(
        match,
        st.sampled_from(["custom", "f1", "f2"]),
        st.sampled_from(list(Action)),
        st.sampled_from(["example", "evil.example", "www.evil.example", "test", "cdn.test"]),
        st.sampled_from(HOSTS),
        st.sampled_from([None, *Severity]),
        st.booleans(),
    ),
    max_size=8,
)


@given(MATCHES)
def test_the_winner_is_a_match_and_says_the_action(matches: list[Match]) -> None:
    """The action is the first match's, each match is given at most once, and none is invented."""
    ruling = rule(matches, HOSTS)
    assert ruling.action is (ruling.matches[0].action if ruling.matches else Action.ALLOW)
    assert all(ruling.matches.count(one) <= matches.count(one) for one in ruling.matches)


def pushed(action: Action, name: str, *, yields: bool = True, devices: frozenset[str] = frozenset()) -> Match:
    origin = Origin("api", custom=True, yields=yields)
    scope = Scope.EXACT_HOST if name == HOSTS[0] else Scope.PARENT_DOMAIN
    one = Indicator(name, IndicatorType.DOMAIN, action, origin, devices=devices)
    return Match(one, HOSTS[0], scope, name.count(".") + 1, action)


def test_a_pushed_allow_yields_to_a_block_of_our_own_however_close_it_is() -> None:
    allow, own = pushed(Action.ALLOW, HOSTS[0]), match("custom", Action.BLOCK, "evil.example", HOSTS[0], None, True)
    assert rule([allow, own], HOSTS[:1]).action is Action.BLOCK
    assert allow not in rule([allow, own], HOSTS[:1]).matches
    assert rule([pushed(Action.ALLOW, HOSTS[0], yields=False), own], HOSTS[:1]).action is Action.ALLOW
    feed = match("f1", Action.BLOCK, "evil.example", HOSTS[0], None, True)
    assert rule([allow, feed], HOSTS[:1]).action is Action.ALLOW, "a feed it does override"
    assert rule([allow, pushed(Action.BLOCK, "evil.example")], HOSTS[:1]).action is Action.ALLOW, "and one of its kind"
    assert rule([pushed(Action.BLOCK, HOSTS[0]), own], HOSTS[:1]).action is Action.BLOCK


def test_an_indicator_for_devices_holds_for_them_alone() -> None:
    allow = pushed(Action.ALLOW, "evil.example", devices=frozenset({"d1"}))
    for device, held in (("d1", True), ("d2", False)):
        seen = Observation(Stage.DNS, Device(device, "x"), hosts=HOSTS[:1])
        assert bool(existing([allow], seen, NOW)) == held
    everybody = pushed(Action.BLOCK, "evil.example")
    assert rule([everybody, allow], HOSTS[:1]).matches[0] is allow


@given(MATCHES)
def test_ranking_again_changes_nothing(matches: list[Match]) -> None:
    """The ruling on a ruling's matches is that ruling."""
    once = rule(matches, HOSTS)
    again = rule(once.matches, HOSTS)
    assert (again.action, again.matches, again.alert) == (once.action, once.matches, once.alert)


@given(MATCHES, MATCHES)
def test_feeds_never_weaken_what_custom_indicators_decide(custom: list[Match], feeds: list[Match]) -> None:
    """Where a custom indicator other than an audit decides, no feed changes the action."""
    own = [one for one in custom if one.indicator.origin.custom]
    decided = rule(own, HOSTS)
    if decided.action is not Action.AUDIT and decided.matches:
        foreign = [one for one in feeds if not one.indicator.origin.custom]
        assert rule([*own, *foreign], HOSTS).action is decided.action


@given(MATCHES)
def test_audit_never_lowers(matches: list[Match]) -> None:
    """Leaving the custom audits out never leaves a stronger action."""
    without = [one for one in matches if not one.indicator.origin.custom or one.action is not Action.AUDIT]
    assert rule(matches, HOSTS).action.strength >= rule(without, HOSTS).action.strength


def test_what_expires_ends_at_that_very_moment() -> None:
    seen = Observation(Stage.DNS, Device("d", "d"), ("evil.example",))
    one = Indicator("evil.example", IndicatorType.DOMAIN, Action.BLOCK, Origin("custom", True), expiration=NOW)
    found = Match(one, "evil.example", Scope.EXACT_HOST, 2, Action.BLOCK)
    assert existing([found], seen, NOW) == ()
    assert existing([found], seen, NOW.replace(year=2025)) == (found,)
