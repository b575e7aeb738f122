"""What a role asks of its process's policy, beyond what every door may ask (`indicators.ports`)."""

from __future__ import annotations

from typing import Protocol

from indicators.ports import Policy


class Epoch(Protocol):
    """Tell by a number that rises that verdicts may have changed (`proxy.policy.LivePolicy`)."""

    @property
    def epoch(self) -> int:
        """Return the number of the policy in force."""
        ...


class Policies(Policy, Epoch, Protocol):
    """Judge by the policy in force, and tell when it is another."""
