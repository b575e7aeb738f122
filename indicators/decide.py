"""The precedence of the design as one pure function: from matches, settings and waivers to a verdict.

Ranking (rules 1 to 4) is in `ranking.py`, the words for people in `reasons.py`; here policy is applied (rule 5), and
it is decided whether the answer is final or needs more sight. Nothing is looked up here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from indicators.observation import Observation
from indicators.overlay import Waiver
from indicators.ranking import Ruling, existing, rule
from indicators.reasons import Note, reason
from indicators.settings import PolicySettings
from indicators.verdict import CLEAN, Match, Verdict
from indicators.words import Action, Mode, Stage, Visibility

_CLEAN_BUT_BODY = Verdict(Action.ALLOW, CLEAN.reason, needs=Visibility.BODY)
_BEFORE_URL = frozenset((Stage.DNS, Stage.CONNECTION, Stage.TLS))


@dataclass(frozen=True, slots=True)
class Terms:
    """Hold what policy, people and the clock say about every observation alike."""

    settings: PolicySettings
    waivers: Sequence[Waiver] = ()
    paused_until: datetime | None = None


def clean(stage: Stage, settings: PolicySettings) -> Verdict:
    """Return the shared verdict where nothing is known: at stage `http` a body is asked for if policy names bodies."""
    return _CLEAN_BUT_BODY if settings.bodies and stage is Stage.HTTP else CLEAN


def decide(seen: Observation, now: datetime, matches: Sequence[Match], under: Sequence[Match], terms: Terms) -> Verdict:
    """Return the verdict on what was seen. `under` are URL indicators that could be met on the host (`urls_under`).

    A block or warn is not final where the URL, which this device's connection will show, could change it; its action
    is then the one that holds as long as nothing more is seen. A host that passes may be final and still need the URL.
    """
    if len(matches) == 1 and not under and _is_plain_block(matches[0], terms):
        return _plain_block(matches[0])
    settings = terms.settings
    # A warning that policy turns into a block is a block, and no waiver lifts a block.
    found = existing(matches, seen, now, () if settings.convert_warn_to_block else terms.waivers)
    ruling = rule(found, seen.hosts)
    deeper = _deeper(found, ruling, existing(under, seen, now), seen)
    if not ruling.matches and not deeper:
        return clean(seen.stage, settings)
    asked, policy_note = _apply(ruling, seen, settings)
    done, mode_note = _by_mode(asked, now, terms)
    final = not (deeper and _stops(asked))
    sight_note = () if not deeper else (Note.URLS_UNDER,) if final else (Note.NOT_FINAL,)
    passes = clean(seen.stage, settings).needs
    return Verdict(
        action=done,
        reason=reason(ruling.matches, (*policy_note, *sight_note, *mode_note), terms.paused_until),
        matches=ruling.matches,
        final=final,
        needs=Visibility.URL if deeper else None if _stops(done) else passes,
        would=asked if asked is not done else None,
        alert=ruling.alert and final,
        always_inspect=any(match.indicator.always_inspect for match in (*ruling.matches, *deeper)),
        rewrite=_rewrites(ruling) if done is Action.BLOCK and final else (),
    )


def _rewrites(ruling: Ruling) -> tuple[str, ...]:
    """Return the addresses that the winner's feed asks to answer with for the winner's name."""
    winner = ruling.matches[0]
    if not winner.rewrite:
        return ()
    same = (winner.indicator.origin.source, winner.indicator.value)
    of_winner = [m for m in ruling.matches if (m.indicator.origin.source, m.indicator.value) == same and m.rewrite]
    return tuple(dict.fromkeys(match.rewrite for match in of_winner))


def _is_plain_block(match: Match, terms: Terms) -> bool:
    """Say whether one feed's block stands alone, with nothing that could weaken it: the way of nearly all hits."""
    indicator = match.indicator
    return (
        match.action is Action.BLOCK
        and not match.rewrite
        and terms.settings.mode is Mode.ENFORCE
        and terms.paused_until is None
        and not indicator.origin.custom
        and indicator.expiration is None
        and not indicator.device_groups
    )


def _plain_block(match: Match) -> Verdict:
    """Return what the long way would return for such a match (a test holds the two together)."""
    indicator = match.indicator
    return Verdict(
        Action.BLOCK,
        reason((match,)),
        (match,),
        alert=indicator.generate_alert,
        always_inspect=indicator.always_inspect,
    )


def _stops(action: Action) -> bool:
    return action.strength >= Action.WARN.strength


def _deeper(found: Sequence[Match], ruling: Ruling, under: Sequence[Match], seen: Observation) -> tuple[Match, ...]:
    """Return the URL indicators for whose sake this connection must be looked into; none where it can't be.

    An always-inspected host is looked into even where this device's connections otherwise are not.
    """
    if not under or seen.stage not in _BEFORE_URL or seen.reach is Visibility.DNS:
        return ()
    could = tuple(match for match in under if _could_change(ruling, rule((*found, match), seen.hosts)))
    within_reach = seen.reach.depth >= Visibility.URL.depth
    return could if within_reach or any(match.indicator.always_inspect for match in could) else ()


def _could_change(ruling: Ruling, changed: Ruling) -> bool:
    """Say whether what is done would be another; where traffic passes, a new alert is a change too."""
    if _stops(ruling.action):
        return changed.action is not ruling.action
    return (changed.action, changed.alert) != (ruling.action, ruling.alert)


def _apply(ruling: Ruling, seen: Observation, settings: PolicySettings) -> tuple[Action, tuple[Note, ...]]:
    """Apply policy to a warning: converted to a block, or what it becomes where no page can be shown.

    A name that a feed may send elsewhere is let pass once DNS has answered for it.
    """
    action = ruling.action
    if ruling.matches and ruling.matches[0].rewrite and seen.stage is not Stage.DNS:
        return Action.ALLOW, (Note.REWRITTEN,)
    if action is not Action.WARN:
        return action, ()
    if settings.convert_warn_to_block:
        return Action.BLOCK, (Note.CONVERTED,)
    if seen.can_show_page and seen.reach is not Visibility.DNS:
        return action, ()
    blocked = settings.warn_without_page is Action.BLOCK
    return settings.warn_without_page, (Note.NO_PAGE_BLOCK if blocked else Note.NO_PAGE_ALLOW,)


def _by_mode(action: Action, now: datetime, terms: Terms) -> tuple[Action, tuple[Note, ...]]:
    """Let pass what a pause or audit mode does not enforce."""
    if not _stops(action):
        return action, ()
    if terms.paused_until is not None and now < terms.paused_until:
        return Action.ALLOW, (Note.PAUSED,)
    if terms.settings.mode is not Mode.AUDIT:
        return action, ()
    return Action.ALLOW, (Note.GROUP_AUDIT if terms.settings.group_audit else Note.AUDIT_MODE,)
