"""The two protocols by which the doors (DNS, addons, front) reach judgement and reporting. No implementation here."""

from __future__ import annotations

from typing import Protocol

from indicators.device_signs import Sign
from indicators.observation import Device, Observation
from indicators.verdict import Verdict
from indicators.words import Enforcement


class Policy(Protocol):
    """Judge observations; one object stands behind all doors of a process."""

    def judge(self, seen: Observation) -> Verdict:
        """Return the verdict; never raise (an error inside becomes a verdict by `policy.on_error`) and never block."""
        ...

    def trusts_ca(self, device: Device) -> bool:
        """Say whether this device has completed a handshake under our CA (or `inspect_untrusted` is set)."""
        ...


class Reporter(Protocol):
    """Take verdicts to where they outlive this process, without ever making a connection wait."""

    def report(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> str:
        """Append a verdict event to the spool and return its incident id; survives SIGKILL once this returns.

        Returns an empty string for a plain allow, which is only counted.
        """
        ...

    def repeat(self, incident: str, count: int = 1) -> None:
        """Count further enforcements of an incident already reported; aggregated, delivered within a second."""
        ...

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        """Note that a device is alive; the first time at once, later at most once a minute."""
        ...

    def sign_seen(self, device: Device, sign: Sign) -> None:
        """Note a sign of what a device is; told once and then seldom."""
        ...
