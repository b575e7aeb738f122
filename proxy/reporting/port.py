"""What a role asks of its process's reporter, beyond what every door may ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from indicators.observation import Device, Observation
from indicators.ports import Reporter
from indicators.verdict import Verdict
from indicators.words import Enforcement
from proxy.reporting.form import Alike, Form


class ManyReporter(Reporter, Protocol):
    """Take many enforcements that differ only in the name in one go (`SpoolReporter`)."""

    def form(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> Form | None:
        """Return what writes the events of enforcements like this one; nothing where each must be reported whole."""
        ...

    def report_alike(self, batch: Sequence[Alike]) -> list[str]:
        """Append many verdict events; return their incident ids."""
        ...

    def let_through(self, device: Device, hosts: Sequence[str]) -> None:
        """Note hosts whose addresses a device was told."""
        ...
