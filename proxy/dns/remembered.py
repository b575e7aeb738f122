"""Remember verdicts on names for a moment: a client asks for A, AAAA and HTTPS of one name within milliseconds.

Only plain clients' questions are remembered, by name and device, and only while the policy's epoch is the same. What
runs out by itself (a waiver, a pause, an expiry) is met at most `HOLDS` seconds late. Nothing is decided here.
"""

from __future__ import annotations

from indicators.observation import Observation
from indicators.verdict import Verdict
from proxy.policy_port import Policies

HOLDS = 1.0  # seconds
_LIMIT = 2048  # verdicts; then all are forgotten, which costs less than keeping order


class RememberedVerdicts:
    """Judge names, each name of each device once a second at most."""

    def __init__(self, policy: Policies) -> None:
        self._policy = policy
        self._epoch = -1
        self._known: dict[tuple[str, str], tuple[float, Verdict]] = {}

    def on(self, seen: Observation, now: float) -> Verdict:
        """Return the verdict on a question's name. `now` is in seconds of any steady clock."""
        policy = self._policy
        epoch = policy.epoch
        if epoch != self._epoch or len(self._known) >= _LIMIT:
            self._known.clear()
            self._epoch = epoch
        key = (seen.hosts[0], seen.device.id)
        found = self._known.get(key)
        if found is not None and now < found[0]:
            return found[1]
        verdict = policy.judge(seen)
        if not verdict.failed:
            self._known[key] = (now + HOLDS, verdict)
        return verdict
