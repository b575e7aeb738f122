"""Rules 1 to 4 of the precedence: which matches exist, which of them wins, and whether somebody is to be alerted.

Policy, pages and reach are no concern here; `decide.py` applies them to the ruling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from indicators.observation import Observation
from indicators.overlay import Waiver
from indicators.verdict import Match, Scope
from indicators.words import Action, IndicatorType, Severity

_SEVERITY = {severity: rank for rank, severity in enumerate(Severity, start=1)}


@dataclass(frozen=True, slots=True)
class Ruling:
    """Hold what the indicators ask for, before policy: the action, all matches with the winner first, the alert."""

    action: Action
    matches: tuple[Match, ...]
    alert: bool


def existing(
    matches: Iterable[Match], seen: Observation, now: datetime, waivers: Sequence[Waiver] = ()
) -> tuple[Match, ...]:
    """Leave out what does not exist (rule 1): expired, of another device group, or a warning that was waived."""
    return tuple(
        match
        for match in matches
        if (match.indicator.expiration is None or now < match.indicator.expiration)
        and (not match.indicator.device_groups or seen.device.group in match.indicator.device_groups)
        and (not match.indicator.devices or seen.device.id in match.indicator.devices)
        and not (waivers and _waived(match, seen, now, waivers))
    )


def _waived(match: Match, seen: Observation, now: datetime, waivers: Sequence[Waiver]) -> bool:
    return match.action is Action.WARN and any(
        waiver.device == seen.device.id
        and waiver.indicator == match.indicator.value
        and (waiver.host in seen.hosts or waiver.host == seen.destination)
        and now < waiver.until
        for waiver in waivers
    )


def rule(matches: Sequence[Match], hosts: Sequence[str]) -> Ruling:
    """Rank what exists (rules 2 to 4). `hosts` is the observation's: the one asked for, then those it led to."""
    led_to = frozenset(hosts[1:]).difference(hosts[:1])
    spoken = _speaking(matches, led_to) if led_to else matches
    decided, audits = _rank_custom(spoken, led_to)
    standing, excepted = _settle_feeds(spoken)
    if decided:
        ordered, heard = (*decided, *audits, *standing, *excepted), (decided[0], *audits)
    elif standing and standing[0].action is not Action.AUDIT:
        ordered, heard = (*standing, *audits, *excepted), (*standing, *audits)
    else:
        ordered, heard = (*audits, *standing, *excepted), (*audits, *standing)
    return Ruling(ordered[0].action if ordered else Action.ALLOW, ordered, any(map(_alerts, heard)))


def _alerts(match: Match) -> bool:
    return match.indicator.generate_alert and match.action is not Action.ALLOW


def _speaking(matches: Sequence[Match], led_to: frozenset[str]) -> list[Match]:
    """Drop the allows met on names that the destination led to, with what they outrank on that same name.

    Such an allow speaks for that name alone. Else a bad host would pass by pointing a CNAME at an allowed one.
    """
    kept = [match for match in matches if match.observable not in led_to]
    for host in led_to:
        own = [match for match in matches if match.observable == host]
        if own and rule(own, (host,)).action is not Action.ALLOW:
            standing, _ = _settle_feeds(own)
            kept += [match for match in own if match.indicator.origin.custom and match.action is not Action.ALLOW]
            kept += standing
    return kept


def _rank_custom(matches: Sequence[Match], led_to: frozenset[str]) -> tuple[list[Match], list[Match]]:
    """Return the custom matches that decide, the winner first, and the audits, which only add an alert (rule 3)."""
    custom = sorted((m for m in _heeding(matches) if m.indicator.origin.custom), key=_by_rank(led_to), reverse=True)
    return [m for m in custom if m.action is not Action.AUDIT], [m for m in custom if m.action is Action.AUDIT]


def _heeding(matches: Sequence[Match]) -> Sequence[Match]:
    """Drop the allows that yield where a block of our own, which does not, was met."""
    origins = [(match, match.indicator.origin) for match in matches if match.indicator.origin.custom]
    if not any(match.action is Action.BLOCK and not origin.yields for match, origin in origins):
        return matches
    return [match for match in matches if not (match.action is Action.ALLOW and match.indicator.origin.yields)]


def _by_rank(led_to: frozenset[str]) -> Callable[[Match], tuple[int, int, int, bool, bool, int]]:
    def rank(match: Match) -> tuple[int, int, int, bool, bool, int]:
        indicator = match.indicator
        return (
            match.scope,
            0 if match.scope is Scope.EXACT_HOST else match.length,
            len(indicator.value) if indicator.type is IndicatorType.URL else 0,  # one path, on a host and its parent
            match.observable not in led_to,
            bool(indicator.devices or indicator.device_groups),
            -match.action.strength,
        )

    return rank


def _settle_feeds(matches: Sequence[Match]) -> tuple[list[Match], list[Match]]:
    """Return the feeds' matches that stand, strongest first, and those that their own feed excepts (rule 4).

    The excepted come after the exception. An exception that excepts nothing is no evidence of anything.
    """
    feeds = [m for m in matches if not m.indicator.origin.custom]
    exceptions = [m for m in feeds if m.action is Action.ALLOW and not m.guard]
    excepting = {m.indicator.origin.source for m in exceptions}
    entries = [m for m in feeds if m.action is not Action.ALLOW]
    standing = [m for m in entries if m.indicator.origin.source not in excepting]
    excepted = [m for m in entries if m.indicator.origin.source in excepting]
    sources = {m.indicator.origin.source for m in excepted}
    standing.sort(key=_by_strength, reverse=True)
    return standing, [m for m in exceptions if m.indicator.origin.source in sources] + excepted


def _by_strength(match: Match) -> tuple[int, bool, int, int, int]:
    """Rank feeds' matches: of equal actions one that stops outranks one that sends elsewhere."""
    severity = match.indicator.severity
    rank = _SEVERITY[severity] if severity else 0
    return (match.action.strength, not match.rewrite, match.scope, match.length, rank)
