"""The words that explain a verdict to a person: which indicator, where it stands, what it warns of, what policy did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from indicators.indicator import Origin
from indicators.verdict import CLEAN, Match
from indicators.words import Action


class Note(StrEnum):
    """Say what was done with the indicators' answer; the value is the text."""

    CONVERTED = "the warning blocks, because policy.convert_warn_to_block is on"
    NO_PAGE_BLOCK = "the warning blocks, because no page can be shown here (policy.warn_without_page)"
    NO_PAGE_ALLOW = "let pass, because no page can be shown here (policy.warn_without_page)"
    NOT_FINAL = "not final: the full URL may be treated otherwise"
    URLS_UNDER = "some URLs on this host are listed, so the full URL must be seen"
    REWRITTEN = "the feed sends this name elsewhere, which DNS has done"
    AUDIT_MODE = "let pass, because policy.mode is audit"
    GROUP_AUDIT = "let pass, because the device's group is in audit mode"
    PAUSED = "let pass, because blocking is paused"


_DOES = {Action.ALLOW: "allowed", Action.AUDIT: "audited", Action.WARN: "warned of"}


def reason(matches: Sequence[Match], notes: Sequence[Note] = (), paused_until: datetime | None = None) -> str:
    """Return one sentence for people: what the winner says, then what policy made of it."""
    if not notes:
        return _winner(matches[0]) if matches else CLEAN.reason
    parts = [_winner(matches[0]) if matches else CLEAN.reason]
    parts += [_until(note, paused_until) for note in notes]
    return "; ".join(parts)


def _winner(match: Match) -> str:
    indicator = match.indicator
    if match.action is Action.BLOCK:  # nearly always
        text = f"{indicator.value} is blocked by {place(indicator.origin)} ({indicator.category.label})"
    else:
        text = f"{indicator.value} is {_DOES[match.action]} by {place(indicator.origin)}"
        text += f" ({indicator.category.label})" if match.action is not Action.ALLOW else ""
    return f"{text}; {match.guard}" if match.guard else text


def place(origin: Origin) -> str:
    """Say where an indicator stands: `config.yaml:12`, or a feed's name."""
    if not origin.custom:
        return f"the feed {origin.source}"
    where = origin.place or origin.source
    return f"{where}:{origin.line}" if origin.line else where


def _until(note: Note, paused_until: datetime | None) -> str:
    if note is not Note.PAUSED or paused_until is None:
        return note
    return f"{note} until {paused_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
