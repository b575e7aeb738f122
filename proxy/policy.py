"""The policy of one process: judges by the current overlay and snapshot, and follows them as they change.

It decides nothing itself (see `indicators.decide`): it holds the classifier of the moment, swaps it whole, and turns
a failure of judging into a verdict by `policy.on_error`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog
from watchfiles import awatch

from indicators import testfeed
from indicators.classifier import Classifier
from indicators.index import EdgedIndex, Glance, IndexCounts, IndicatorIndex
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.overlay import Overlay
from indicators.settings import PolicySettings
from indicators.verdict import Match, Verdict
from indicators.words import Action, OnError
from proxy import published_overlay
from proxy.conditional_access import ConditionalAccess
from proxy.config.model import Config
from proxy.control import ControlClient, ControlError
from proxy.devices.published import PublishedRegistry
from proxy.feeds.store import open_current
from proxy.group_judging import GroupJudging
from proxy.groups import DeviceGroups
from proxy.groups_in_force import GroupsInForce
from proxy.rate_limit import RateLimit
from proxy.state import StateDir

_SETTLE = 50  # milliseconds without another change; the watcher wakes as often
_LOOK_ANYWAY = 1000  # milliseconds between looks at the pointers where no change was told (network file systems)

log = structlog.get_logger("policy")


class LivePolicy:
    """Implement `indicators.ports.Policy` for a process.

    `epoch` rises at every change of what is known: a cache of verdicts keys on it. `failures` counts judgements that
    `policy.on_error` had to make.
    """

    def __init__(
        self, config: Config, state: StateDir, clock: Callable[[], datetime], control: ControlClient | None = None
    ) -> None:
        self.epoch = 0
        self.failures = 0
        self.overlay = Overlay(0)
        self.snapshot: EdgedIndex | None = None
        self._config = config
        self._state = state
        self._clock = clock
        self._control = control
        self._overlay_name = self._snapshot_name = ""  # the files in force
        self._test_feed = testfeed.indicators() if config.test_feed else ()
        self._index = MemoryIndex(self._test_feed)  # with the overlay's indicators: one look, not two
        self._complain = RateLimit(clock)
        self._pins: dict[tuple[str, str, str], datetime] = {}  # apps that refuse our certificate
        self._next_end: datetime | None = None  # of a waiver, a pause or a custom indicator
        self._in_force = GroupsInForce(config, PublishedRegistry(state.devices))
        self._groups = GroupJudging(self._in_force.now.policies)
        self.rules = self._in_force.rules
        self._access = ConditionalAccess(config.corporate, config.policy.on_error, config.policy.mode)
        self._classifier = self._made()

    def judge(self, seen: Observation) -> Verdict:
        """Return the verdict on what was seen; never raise."""
        try:
            now = self._clock()
            group = self.group_of(seen.device)
            if group != seen.device.group:
                seen = replace(seen, device=replace(seen.device, group=group))
            verdict = self._groups.of(group, self._classifier).judge(seen, now)
            if not self._access.guards or verdict.stops:
                return verdict
            return self._access.verdict(seen, self.overlay, now) or verdict
        except Exception:
            self.failures += 1
            if self._complain.due():
                log.exception("judging failed", destination=seen.destination, failures=self.failures)
            return self._by_on_error()

    def glance(self, host: str) -> Glance | None:
        """Return what feeds list on a name, where nothing else has a say in it (`Classifier.glance`); never raise."""
        try:
            return self._classifier.glance(host)
        except Exception:  # the verdict will say what is wrong
            return None

    def listed(self, host: str) -> tuple[Match, ...]:
        """Return the matches that `glance` speaks of, in its order."""
        return self._classifier.listed(host)

    def differs(self, device: Device) -> bool:
        """Say whether a device's group has a policy of its own, so that what holds for others may not hold for it."""
        return bool(self._groups) and self.group_of(device) in self._groups

    @property
    def device_groups(self) -> DeviceGroups:
        """Return the groups in force, the same object until they change."""
        return self._in_force.now

    def group_of(self, device: Device) -> str:
        """Return a device's group: what the collector says, else by the rules and the registry of the moment."""
        return self.overlay.groups.get(device.id) or self._in_force.group_of(device)

    def group_by_rules(self, device: Device) -> str:
        """Return the group that this gateway tells of a device; what the collector says, it knows itself."""
        return self._in_force.group_of(device)

    def trusts_ca(self, device: Device) -> bool:
        """Say whether this device has completed a handshake under our CA, or `inspect_untrusted` is set."""
        return self._config.inspect_untrusted or device.id in self.overlay.trusted_devices

    def is_pinned(self, device: str, host: str, ja4: str) -> bool:
        """Say whether an app is known to refuse our certificate for a host."""
        until = self._pins.get((device, host, ja4))
        return until is not None and until > self._clock()

    def counts(self) -> IndexCounts:
        """Count all indicators in force, of custom, feeds and test feed together."""
        each = [index.counts() for index in self._indexes()]
        return IndexCounts(
            hosts=sum(one.hosts for one in each),
            urls=sum(one.urls for one in each),
            addresses=sum(one.addresses for one in each),
            hashes=sum(one.hashes for one in each),
            certificates=sum(one.certificates for one in each),
        )

    def address_edges(self, version: int) -> set[int]:
        """Return, as numbers, the addresses of an IP version at which the verdict may change."""
        found = set(self._index.address_edges(version))
        return found.union(self.snapshot.address_edges(version)) if self.snapshot else found

    def load(self) -> bool:
        """Read what the pointers name, if it is not in force; true when something was.

        What cannot be read is logged, and what was in force stays.
        """
        overlay_is_new, snapshot_is_new = self._load_overlay(), self._load_snapshot()
        if not (overlay_is_new or snapshot_is_new):
            return False
        self._classifier = self._made()
        self.epoch += 1
        return True

    async def follow(self) -> None:
        """Watch both pointers until cancelled; acknowledge each overlay generation to the supervisor."""
        await self._acknowledge()
        folders = (self._state.overlay, self._state.snapshots)
        async for _ in awatch(
            *folders, step=_SETTLE, debounce=_SETTLE, rust_timeout=_LOOK_ANYWAY, yield_on_timeout=True, recursive=False
        ):
            if await asyncio.to_thread(self.load):
                await self._acknowledge()
            else:
                self.keep_time()

    def keep_time(self) -> None:
        """Take note of what has ended or begun by itself; what was decided before is then asked again."""
        now = self._clock()
        slots, moved = self._groups.is_over(now), self._in_force.has_moved_any()
        if slots:
            self._classifier = self._made()
        if slots or moved or (self._next_end and now >= self._next_end):
            self._next_end = self._found_next_end()
            self.epoch += 1

    async def _acknowledge(self) -> None:
        if self._control is None:
            return
        try:
            await self._control.call("holding", generation=self.overlay.generation)
        except ControlError as error:
            log.warning("the supervisor did not take note of a generation", reason=str(error))

    def _load_overlay(self) -> bool:
        name = published_overlay.current_name(self._state.overlay)
        if name in ("", self._overlay_name):
            return False
        try:
            overlay = published_overlay.read(self._state.overlay, name)
            if overlay.indicators != self.overlay.indicators:
                self._index = MemoryIndex((*overlay.indicators, *self._test_feed))
            self._in_force.take(overlay.device_groups)
            self._groups.take(self._in_force.now.policies)
        except (OSError, ValueError) as error:
            return self._keep_what_was(name, error)
        self.overlay, self._overlay_name = overlay, name
        self._pins = {(pin.device, pin.host, pin.ja4): pin.until for pin in overlay.pins}
        self._next_end = self._found_next_end()
        return True

    def _load_snapshot(self) -> bool:
        name = _pointed(self._state.snapshots)
        if name == self._snapshot_name:
            return False
        try:
            self.snapshot = open_current(self._state)
        except (OSError, ValueError) as error:
            return self._keep_what_was(name, error)
        self._snapshot_name = name
        return True

    def _keep_what_was(self, name: str, error: Exception) -> bool:
        if self._complain.due():
            log.warning("what was published cannot be used; what was in force stays", file=name, reason=str(error))
        return False

    def _found_next_end(self) -> datetime | None:
        """Return when the next thing in the overlay expires."""
        overlay, now = self.overlay, self._clock()
        ends = [overlay.paused_until, self._access.stale_at(overlay), *(one.expiration for one in overlay.indicators)]
        ends += [waiver.until for waiver in overlay.waivers]
        ends += [pin.until for pin in overlay.pins]
        return min((end for end in ends if end and end > now), default=None)

    def _indexes(self) -> list[IndicatorIndex]:
        return [self._index, *([self.snapshot] if self.snapshot else [])]

    def _made(self) -> Classifier:
        custom, *feeds = self._indexes()
        settings = settings_of(self._config, self.counts())
        waivers, paused_until = self.overlay.waivers, self.overlay.paused_until
        self._groups.renew(self._clock(), custom, feeds, settings, waivers, paused_until)
        return Classifier(custom, feeds, settings, waivers, paused_until)

    def _by_on_error(self) -> Verdict:
        if self._config.policy.on_error is OnError.OPEN:
            return Verdict(Action.ALLOW, "judging failed, and policy.on_error is open", failed=True)
        return Verdict(Action.BLOCK, "judging failed, and policy.on_error is closed", alert=True, failed=True)


def settings_of(config: Config, counts: IndexCounts) -> PolicySettings:
    """Return the classifier's settings. Bodies are hashed only where a hash is known to look for."""
    policy = config.policy
    return PolicySettings(
        mode=policy.mode,
        on_error=policy.on_error,
        convert_warn_to_block=policy.convert_warn_to_block,
        warn_without_page=Action(policy.warn_without_page),
        waiver=policy.waiver,
        bodies=counts.hashes > 0,
    )


def _pointed(folder: Path) -> str:
    try:
        return (folder / "current").read_text().strip()
    except FileNotFoundError:
        return ""
