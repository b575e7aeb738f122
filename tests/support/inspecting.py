"""An inspector inside the test's process: real mitmproxy, real classifier, a resolver and a reporter that record."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from addons.chain import chain
from addons.services import Services
from addons.waivers import Consent
from indicators.classifier import Classifier
from indicators.device_signs import Sign
from indicators.indicator import Indicator
from indicators.membership import Membership
from indicators.memory_index import MemoryIndex
from indicators.observation import Address, Device, Observation
from indicators.overlay import Waiver
from indicators.settings import PolicySettings
from indicators.verdict import Verdict
from indicators.words import Enforcement, OnError, Visibility
from proxy import ca
from proxy.groups import DeviceGroups
from proxy.inspector.engine import Engine, Listener
from proxy.state import StateDir

LOOPBACK = ip_address("127.0.0.1")
NAMES = ("good.test", "evil.test", "warned.test", "mixed.test", "other.test")


@dataclass
class Reports:
    """Record what is reported."""

    events: list[tuple[str, Observation, Verdict, Enforcement]] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    devices: list[tuple[Device, str]] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)

    def report(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> str:
        if verdict.is_plain_allow:
            self.allowed.append(seen.destination)
            return ""
        self.events.append((f"INC-{len(self.events) + 1}", seen, verdict, enforcement))
        return self.events[-1][0]

    def repeat(self, incident: str, count: int = 1) -> None:
        self.repeats.append(incident)

    def sign_seen(self, device: Device, sign: Sign) -> None:
        self.signs.append(sign)

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        self.devices.append((device, user_agent))

    @property
    def done(self) -> list[tuple[str, Enforcement]]:
        """Return destinations and what was done, in order."""
        return [(seen.destination, enforcement) for _, seen, _, enforcement in self.events]


@dataclass(frozen=True)
class Led:
    """Hold what the resolver found."""

    addresses: tuple[Address, ...] = ()
    chain: tuple[str, ...] = ()
    refused: tuple[Address, ...] = ()
    blocked: bool = False
    reason: str = ""
    error: str = ""


@dataclass
class Resolver:
    """Answer from a table and record every question."""

    known: dict[str, Led | Exception] = field(
        default_factory=lambda: {name: Led((LOOPBACK,)) for name in NAMES}  # type: ignore[arg-type]
    )
    asked: list[str] = field(default_factory=list)

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Led:
        self.asked.append(host)
        found = self.known.get(host, Led(error="nxdomain"))
        if isinstance(found, Exception):
            raise found
        return found


class TestPolicy:
    """Judge by a real classifier; `break_at` makes judging fail where it says so."""

    __test__ = False

    def __init__(self, settings: PolicySettings, *indicators: Indicator) -> None:
        self.settings = settings
        self.epoch = 0
        self.device_groups = DeviceGroups()
        self.waivers: list[Waiver] = []
        self.trusted: set[str] = set()
        self.seen: list[Observation] = []
        self.break_at: Callable[[Observation], bool] = lambda _: False
        self.use(indicators)

    def use(self, indicators: Iterable[Indicator]) -> None:
        """Put other indicators in force."""
        given = tuple(indicators)
        self.epoch += 1
        self._custom = MemoryIndex(one for one in given if one.origin.custom)
        self._feeds = [MemoryIndex(one for one in given if not one.origin.custom)]

    def judge(self, seen: Observation) -> Verdict:
        self.seen.append(seen)
        if self.break_at(seen):
            raise RuntimeError("judging is broken on purpose")
        return Classifier(self._custom, self._feeds, self.settings, self.waivers).judge(seen, datetime.now(UTC))

    def group_of(self, device: Device) -> str:
        """Return the group that the device's door knows."""
        return device.group

    def rules(self) -> Membership:
        """Return those of no groups."""
        return self.device_groups.rules

    def trusts_ca(self, device: Device) -> bool:
        return device.id in self.trusted


@dataclass
class Inspecting:
    """Hold a running inspector and all that it recorded."""

    http: int
    socks: int
    ca: Path
    policy: TestPolicy
    resolver: Resolver
    reports: Reports
    told: list[Device]
    consents: list[Consent]
    engine: Engine
    now: list[datetime]
    own: set[int]
    addons: list[object]

    def trust(self) -> None:
        """Let the client's device count as trusting our CA."""
        self.policy.trusted.add("client")


def device_of(address: str, listener: str) -> Device:
    """Return the one device of these tests."""
    return Device("client", "the test", address=address, listener=listener)


@contextlib.asynccontextmanager
async def inspecting(
    folder: Path,
    *indicators: Indicator,
    settings: PolicySettings | None = None,
    upstream: Path | None = None,
    change: Callable[[Services], Services] = lambda services: services,
    listeners: Sequence[Listener] = (),
    **more: Any,
) -> AsyncIterator[Inspecting]:
    """Run an inspector, with an HTTP and a SOCKS5 listener unless said.

    `upstream` are the authorities trusted upstream.
    """
    state = StateDir(folder / "state")
    authority = ca.load_or_create(state, datetime.now(UTC))
    settings = settings or PolicySettings(bodies=True)
    policy, resolver, reports = TestPolicy(settings, *indicators), Resolver(), Reports()
    told: list[Device] = []
    consents: list[Consent] = []
    now, own = [datetime(2026, 11, 23, 12, tzinfo=UTC)], set[int]()

    async def own_ports() -> frozenset[int]:
        return frozenset(own)

    async def trust(device: Device) -> None:
        told.append(device)
        policy.trusted.add(device.id)

    async def waive(consent: Consent) -> None:
        if any(consent.nonce == earlier.nonce for earlier in consents):
            raise ValueError("this form was used before")
        consents.append(consent)
        until = datetime.now(UTC) + timedelta(hours=1)
        policy.waivers.append(Waiver(consent.device, consent.host, consent.indicator, until))

    services = Services(
        policy=policy,
        epoch=lambda: policy.epoch,
        reporter=reports,
        names=resolver,
        device_of=device_of,
        own_ports=own_ports,
        trust=trust,
        waive=waive,
        authority=authority.encoded,
        clock=lambda: now[0],
        waiver_key=b"k" * 32,
        on_error=settings.on_error,
    )
    services = change(replace(services, **more))
    listeners = listeners or [
        Listener("http_proxy", "regular", "127.0.0.1", 0),
        Listener("socks", "socks5", "127.0.0.1", 0),
    ]
    options = {"ssl_verify_upstream_trusted_ca": str(upstream)} if upstream else {}
    addons = chain(services)
    engine = Engine(listeners, state.ca_dir, addons, **options)
    await engine.start()
    bound = {name: int(address.rpartition(":")[2]) for name, address in engine.bound().items()}
    own |= set(bound.values())
    try:
        yield Inspecting(
            bound.get("http_proxy", bound.get("transparent", 0)),
            bound.get("socks", 0),
            authority.path,
            policy,
            resolver,
            reports,
            told,
            consents,
            engine,
            now,
            own,
            addons,
        )
    finally:
        await engine.stop()


CLOSED = PolicySettings(bodies=True, on_error=OnError.CLOSED)
OPEN = PolicySettings(bodies=True, on_error=OnError.OPEN)
