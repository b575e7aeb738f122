"""The precedence of the design as one pure function: from matches, settings and waivers to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from indicators.observation import Observation
from indicators.overlay import Waiver
from indicators.settings import PolicySettings
from indicators.verdict import Match, Verdict


@dataclass(frozen=True, slots=True)
class Terms:
    """Hold what policy, people and the clock say about every observation alike."""

    settings: PolicySettings
    waivers: Sequence[Waiver] = ()
    paused_until: datetime | None = None


def decide(seen: Observation, now: datetime, matches: Sequence[Match], under: Sequence[Match], terms: Terms) -> Verdict:
    """Return the verdict on what was seen. `under` are URL indicators that could be met on the host (`urls_under`)."""
    raise NotImplementedError
