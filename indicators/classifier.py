"""The classifier: gathers the matches of one observation from every index and has them decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from indicators.index import IndicatorIndex
from indicators.observation import Observation
from indicators.overlay import Waiver
from indicators.settings import PolicySettings
from indicators.verdict import Verdict


class Classifier:
    """Judge observations against one state of indicators, policy and waivers. Never changed; make another instead."""

    def __init__(
        self,
        custom: IndicatorIndex,
        feeds: Sequence[IndicatorIndex],
        settings: PolicySettings,
        waivers: Sequence[Waiver] = (),
        paused_until: datetime | None = None,
    ) -> None:
        raise NotImplementedError

    def judge(self, seen: Observation, now: datetime) -> Verdict:
        """Return the verdict. `now` is aware. May raise: the caller maps errors by `policy.on_error`."""
        raise NotImplementedError
