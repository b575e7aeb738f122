"""The policy of one process: judges by the current overlay and snapshot, and follows them as they change.

It decides nothing itself (see `indicators.decide`): it holds the classifier of the moment, swaps it whole, and turns
a failure of judging into a verdict by `policy.on_error`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from indicators.observation import Device, Observation
from indicators.verdict import Verdict
from indicators.words import Action, OnError
from proxy.control import ControlClient
from proxy.state import StateDir

if TYPE_CHECKING:
    from indicators.overlay import Overlay
    from proxy.config.model import Config


class LivePolicy:
    """Implement `indicators.ports.Policy` for a process.

    `epoch` rises at every change of what is known: a cache of verdicts keys on it.
    """

    epoch: int
    overlay: Overlay
    snapshot: Any

    def __init__(
        self, config: Config, state: StateDir, clock: Callable[[], datetime], control: ControlClient | None = None
    ) -> None:
        self._config = config
        self._state = state
        self._clock = clock
        self._control = control
        self.epoch = 0

    def judge(self, seen: Observation) -> Verdict:
        """Return the verdict on what was seen; never raise."""
        closed = self._config.policy.on_error is OnError.CLOSED
        return Verdict(Action.BLOCK if closed else Action.ALLOW, "judging failed: not built yet", failed=True)

    def trusts_ca(self, device: Device) -> bool:
        """Say whether this device has completed a handshake under our CA, or `inspect_untrusted` is set."""
        return self._config.inspect_untrusted or device.id in self.overlay.trusted_devices

    def load(self) -> None:
        """Read the current overlay and snapshot at once; `follow` keeps them current afterwards."""

    async def follow(self) -> None:
        """Watch the overlay's and the snapshot's pointers until cancelled; acknowledge each overlay generation."""
