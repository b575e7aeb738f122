"""What is known on disk, and the verdict on one target by it: custom indicators, the test feed, the last snapshot.

Waivers, pauses and what was allowed for a while live in the running gateway and are left out: the answer is what the
configuration says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from indicators import testfeed
from indicators.classifier import Classifier
from indicators.index import IndexCounts
from indicators.memory_index import MemoryIndex
from indicators.observation import Device
from indicators.verdict import Verdict
from indicators.words import Action
from proxy.checking.target import observation
from proxy.config.load import LoadedConfig
from proxy.feeds.store import open_current
from proxy.groups import policies_of
from proxy.policy import settings_of
from proxy.state import StateDir

NO_SNAPSHOT = "no snapshot of the feeds yet: make one with `seawall feeds update`, or start the gateway"


class NoSnapshotError(ValueError):
    """Say that nothing known speaks of a target, and the feeds cannot be asked."""


@dataclass(frozen=True, slots=True)
class Checker:
    """Judge targets. `waits` says that feeds are enabled and none was compiled yet."""

    classifier: Classifier
    device: Device
    clock: Callable[[], datetime]
    waits: bool = False
    everybody: Classifier | None = None

    def verdict(self, target: str) -> Verdict:
        """Return the verdict on one target. Raises ValueError for bad input and NoSnapshotError.

        Where the device's group makes a difference, the reason says what others get.
        """
        seen, now = observation(target, self.device), self.clock()
        verdict = self.classifier.judge(seen, now)
        if self.waits and not _is_settled(verdict):
            raise NoSnapshotError(NO_SNAPSHOT)
        if self.everybody is not None:
            others = self.everybody.judge(seen, now)
            if others.action is not verdict.action:
                return replace(verdict, reason=f"{verdict.reason}; {_for_others(self.device.group, others)}")
        return verdict


def _for_others(group: str, others: Verdict) -> str:
    return f"so for group {group}, while others get {others.action} ({others.reason})"


def _is_settled(verdict: Verdict) -> bool:
    """Say whether no feed could change it: something stops already, or a custom indicator decides."""
    if verdict.action.strength >= Action.WARN.strength:
        return True
    winner = verdict.winner
    return winner is not None and winner.origin.custom and winner.action is not Action.AUDIT


def make_checker(loaded: LoadedConfig, clock: Callable[[], datetime], group: str = "default") -> Checker:
    """Read what is known, and judge as for a device of a group at the clock's moment.

    Raises OSError or ValueError when the state directory or its snapshot cannot be used.
    """
    config = loaded.config
    known = MemoryIndex((*loaded.indicators, *(testfeed.indicators() if config.test_feed else ())))
    snapshot = open_current(StateDir(config.state_dir))
    hashes = known.counts().hashes + (snapshot.counts().hashes if snapshot else 0)
    settings = settings_of(config, IndexCounts(hashes=hashes))
    feeds = [snapshot] if snapshot else []
    classifier = everybody = Classifier(known, feeds, settings)
    for policy in policies_of(config):
        if policy.name == group:
            classifier = policy.at(clock()).classifier(known, feeds, settings)
    waits = snapshot is None and any(feed.enabled for feed in config.feeds)
    device = Device("check", "seawall check", group)
    return Checker(classifier, device, clock, waits, everybody if classifier is not everybody else None)
