"""The answer on one target: the object that `--json` prints, and the same as one line, made quickly.

Every key is always there. A target that could not be judged has no action and an `error`.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import Any

from indicators.verdict import Match, Verdict
from indicators.words import Action

_ENCODE = json.JSONEncoder().encode


def answer(target: str, verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as plain values; `matches` has the winner first."""
    return {"target": target, **_said(verdict)}


def failure(target: str, message: str) -> dict[str, Any]:
    """Return the answer where there is none."""
    return {
        "target": target, "action": None, "category": None, "source": None, "indicator": None, "reason": message,
        "final": False, "needs": None, "would": None, "matches": [], "error": message,
    }  # fmt: skip


def stops(verdict: Verdict) -> bool:
    """Say whether the target is blocked or warned of, final or not."""
    return verdict.action.strength >= Action.WARN.strength


def _said(verdict: Verdict) -> dict[str, Any]:
    winner = verdict.winner
    return {
        "action": verdict.action,
        "category": verdict.category,
        "source": winner.origin.source if winner else None,
        "indicator": winner.value if winner else None,
        "reason": verdict.reason,
        "final": verdict.final,
        "needs": verdict.needs,
        "would": verdict.would,
        "matches": [_match(match) for match in verdict.matches],
    }


def _match(match: Match) -> dict[str, Any]:
    indicator = match.indicator
    return {
        "indicator": indicator.value,
        "type": indicator.type,
        "action": match.action,
        "category": indicator.category,
        "source": indicator.origin.source,
        "place": indicator.origin.place,
        "line": indicator.origin.line,
        "title": indicator.title,
        "observable": match.observable,
        "guard": match.guard,
    }


class Lines:
    """Make answers as JSON lines. Nearly all targets share one verdict object, whose text is kept."""

    __slots__ = ("_tail", "_verdict")

    def __init__(self) -> None:
        self._verdict: Verdict | None = None
        self._tail = ""

    def of(self, target: str, verdict: Verdict) -> str:
        """Return `answer(target, verdict)` as one line without its end."""
        if verdict is not self._verdict:
            self._verdict, self._tail = verdict, _ENCODE(_said(verdict))[1:]
        return f'{{"target": {encode_basestring_ascii(target)}, {self._tail}'

    def of_failure(self, target: str, message: str) -> str:
        """Return `failure(target, message)` as one line without its end."""
        return _ENCODE(failure(target, message))
