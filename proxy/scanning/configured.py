"""What the configuration's `scan:` section makes of scanning. No process is started here."""

from __future__ import annotations

from pathlib import Path

from addons.scanning.limits import Limits
from addons.scanning.outcome import ScanPolicy
from indicators.words import Action
from proxy.config.sections.scan import ScanConfig
from proxy.scanning.pool import ScanPool
from proxy.scanning.settings import ScanSettings


def policy_of(config: ScanConfig) -> ScanPolicy:
    """Return which files are looked into and what follows."""
    return ScanPolicy(
        kinds=frozenset(config.kinds),
        suspicious=Action(config.suspicious),
        bombs=Action(config.bombs),
        unreadable=Action(config.unreadable),
        hold=config.hold.total_seconds(),
    )


def pool_of(config: ScanConfig, folder: Path) -> ScanPool | None:
    """Return the scan processes, none of them started yet; nothing when scanning is off."""
    if not config.enabled:
        return None
    limits = Limits(seconds=min(Limits().seconds, config.hold.total_seconds()))
    return ScanPool(ScanSettings(limits, config.rules, config.clamd), folder, config.processes)
