"""What signs of a jailbreak on the network are worth: hints with a confidence, never a finding. Pure.

A person may read a jailbreak's site on any phone, and a look-up may come from a page that only mentions it: one
look-up gives no hint at all. Whether a device is jailbroken is said by posture reports alone; hints weigh nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from indicators.device_signs import SignKind

_OFTEN = 3  # connections, or look-ups
UNNAMED = "a jailbreak's package repository"


class HintConfidence(IntEnum):
    """Tell how much a hint is worth."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class SeenSign:
    """Hold one kind of sign of one store, with the span in which it was seen. `store` is empty where it is hidden."""

    kind: SignKind
    store: str
    count: int
    first: datetime
    last: datetime

    @property
    def on_several_days(self) -> bool:
        """Say whether it was seen on more than one UTC day."""
        return self.first.date() != self.last.date()


@dataclass(frozen=True, slots=True)
class JailbreakHint:
    """Hold what is shown: of which store, how much it is worth, why, and when it was seen."""

    store: str
    confidence: HintConfidence
    why: str
    first: datetime
    last: datetime


def hints_of(signs: Iterable[SeenSign]) -> list[JailbreakHint]:
    """Return a hint for each store, the best founded first; signs that are worth nothing give none."""
    best: dict[str, JailbreakHint] = {}
    for sign in signs:
        worth = _worth(sign)
        if worth is None:
            continue
        hint = JailbreakHint(sign.store or UNNAMED, worth[0], worth[1], sign.first, sign.last)
        known = best.get(hint.store)
        if known is None or (hint.confidence, hint.last) > (known.confidence, known.last):
            best[hint.store] = hint
    return sorted(best.values(), key=lambda hint: (-hint.confidence, hint.store))


def _worth(sign: SeenSign) -> tuple[HintConfidence, str] | None:
    """Return confidence and reason; nothing for signs that anybody's phone gives."""
    often = sign.count >= _OFTEN
    match sign.kind:
        case SignKind.JAILBREAK_PROTOCOL:
            return HintConfidence.HIGH, f"a package manager spoke to it, {_times(sign)}"
        case SignKind.JAILBREAK_AGENT:
            return HintConfidence.HIGH, f"its client's user agent was seen, {_times(sign)}"
        case SignKind.JAILBREAK_CONNECTION if often and sign.on_several_days:
            return HintConfidence.MEDIUM, f"connected to again and again, {_times(sign)}"
        case SignKind.JAILBREAK_CONNECTION:
            return HintConfidence.LOW, f"connected to, {_times(sign)}: perhaps a visit to its site"
        case SignKind.JAILBREAK_NAME if often and sign.on_several_days:
            return HintConfidence.LOW, f"looked up on several days, {_times(sign)}"
    return None


def _times(sign: SeenSign) -> str:
    return "once" if sign.count == 1 else f"{sign.count} times"
