"""Judge and enforce inside a mitmproxy that somebody else has started: no supervisor, no resolver, no collector.

The policy is built from the configuration, waivers last as long as the process, names are looked up by the system, and
each event is a line of JSON in the log. A configuration that cannot be read closes the proxy.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mitmproxy import connection, ctx
from mitmproxy.addonmanager import Loader

from addons.chain import chain
from addons.services import Services
from addons.waivers import Consent
from indicators import testfeed
from indicators.classifier import Classifier
from indicators.device_signs import Sign
from indicators.event import of_verdict
from indicators.event_wire import to_json
from indicators.memory_index import MemoryIndex
from indicators.observation import Address, Device, Observation
from indicators.overlay import Waiver
from indicators.verdict import Verdict
from indicators.words import Enforcement, Visibility
from proxy.config.errors import ConfigError
from proxy.config.load import LoadedConfig, load_config
from proxy.devices import DeviceDirectory
from proxy.group_judging import GroupJudging
from proxy.groups import policies_of
from proxy.groups_in_force import FixedGroups
from proxy.inspect_lists import lists_of
from proxy.onboarding import handed_out
from proxy.own_ports import ports_of
from proxy.policy import settings_of
from proxy.reporting.ids import IdSource

log = logging.getLogger("seawall")


class Alone:
    """Load the configuration named by the option `seawall_config`, and then the addons."""

    name = "seawall"

    def __init__(self) -> None:
        self.addons: list[object] = [Closed()]

    def load(self, loader: Loader) -> None:
        """Add our option; a hook."""
        loader.add_option("seawall_config", str, "config.yaml", "Seawall's configuration file.")

    def configure(self, updated: set[str]) -> None:
        """Read the configuration; a hook. Nothing passes while it cannot be read."""
        if "seawall_config" not in updated:
            return
        ctx.options.update(connection_strategy="lazy")  # judged before it is dialled
        try:
            self.addons = chain(services_of(load_config(Path(ctx.options.seawall_config))))
        except (ConfigError, OSError, ValueError) as problem:
            log.error("seawall: nothing passes until the configuration can be read: %s", problem)  # noqa: TRY400 - no trace: the text names file, line and key
            self.addons = [Closed()]


class Closed:
    """Let nothing pass."""

    name = "seawall-closed"

    def client_connected(self, client: connection.Client) -> None:
        """Refuse a client; a hook."""
        client.error = "seawall has no configuration"


def services_of(loaded: LoadedConfig, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Services:
    """Return all that the addons need, made from the configuration alone."""
    config = loaded.config
    policy, groups = AlonePolicy(loaded, clock), FixedGroups(config)
    return Services(
        policy=policy,
        epoch=lambda: policy.epoch,
        reporter=LogReporter(clock),
        names=SystemNames(config.dns.hosts),
        device_of=DeviceDirectory("standalone", rules=lambda: groups.device_groups.rules).weak,
        own_ports=OwnPorts(ports_of(config)),
        trust=policy.trust,
        waive=policy.waive,
        authority=_authority,
        clock=clock,
        waiver_key=secrets.token_bytes(32),
        lists=lists_of(config, groups),
        on_error=config.policy.on_error,
        waived_for=config.policy.waiver,
        streams=False,
        handed_out=handed_out(config.proxy, "standalone", _authority),
    )


class AlonePolicy:
    """Judge by the configuration's indicators and the test feed; remember waivers and trusting devices."""

    def __init__(self, loaded: LoadedConfig, clock: Callable[[], datetime]) -> None:
        config = loaded.config
        test_feed = testfeed.indicators() if config.test_feed else ()
        index = MemoryIndex((*loaded.indicators, *test_feed))
        self._known = (index, (), settings_of(config, index.counts()))
        self._groups = GroupJudging(policies_of(config))
        self._clock = clock
        self._lasts: timedelta = config.policy.waiver
        self._everyone = config.inspect_untrusted
        self._trusting: set[str] = set()
        self._used: set[str] = set()
        self._waivers: tuple[Waiver, ...] = ()
        self.epoch = 0
        self._classifier = self._made()

    def judge(self, seen: Observation) -> Verdict:
        """Return the verdict; an error inside is the addons' to map."""
        now = self._clock()
        if self._groups.is_over(now):
            self._classifier = self._made()
        return self._groups.of(seen.device.group, self._classifier).judge(seen, now)

    def trusts_ca(self, device: Device) -> bool:
        """Say whether this device has shown that it trusts our CA."""
        return self._everyone or device.id in self._trusting

    async def trust(self, device: Device) -> None:
        """Remember that a device trusts our CA."""
        self._trusting.add(device.id)

    async def waive(self, consent: Consent) -> None:
        """Put a consent in force. Raises ValueError when its form was used before."""
        if consent.nonce in self._used:
            raise ValueError("this form was used before; open the page again")
        self._used.add(consent.nonce)
        now = self._clock()
        kept = tuple(waiver for waiver in self._waivers if waiver.until > now)
        waiver = Waiver(consent.device, consent.host, consent.indicator, now + self._lasts)
        self._waivers = (*kept, waiver)
        self._classifier = self._made()

    def _made(self) -> Classifier:
        self.epoch += 1
        self._groups.renew(self._clock(), *self._known, self._waivers)
        return Classifier(*self._known, self._waivers)


class LogReporter:
    """Write events to the log, one JSON object each; what is allowed is not told."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._ids = IdSource(clock)

    def report(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> str:
        """Log an event and return its incident id."""
        if verdict.is_plain_allow:
            return ""
        incident = self._ids.next()
        event = of_verdict(incident, self._clock(), "standalone", seen, verdict, enforcement)
        log.warning("seawall event %s", json.dumps(to_json(event)))
        return incident

    def repeat(self, incident: str, count: int = 1) -> None:
        """Log that an incident happened again."""
        log.warning("seawall event %s", json.dumps({"incident": incident, "kind": "repeat", "count": count}))

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        """Keep no record of devices."""

    def sign_seen(self, device: Device, sign: Sign) -> None:
        """Keep no record of what devices are."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Hold what the system's resolver said."""

    addresses: tuple[Address, ...] = ()
    chain: tuple[str, ...] = ()
    refused: tuple[Address, ...] = ()
    blocked: bool = False
    reason: str = ""
    error: str = ""


class SystemNames:
    """Look names up in `dns.hosts`, then by the system."""

    def __init__(self, hosts: Mapping[str, Any]) -> None:
        self._hosts = {
            name: tuple(ip_address(str(each)) for each in (found if isinstance(found, tuple) else (found,)))
            for name, found in hosts.items()
        }

    async def lookup(self, host: str, device: Device, reach: Visibility = Visibility.URL) -> Answered:
        """Return the addresses of a host."""
        if host in self._hosts:
            return Answered(self._hosts[host])
        try:
            found = await asyncio.to_thread(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        except socket.gaierror as problem:
            return Answered(error="nxdomain" if problem.errno == socket.EAI_NONAME else "servfail")
        return Answered(tuple(dict.fromkeys(ip_address(str(info[4][0]).partition("%")[0]) for info in found)))


class OwnPorts:
    """Know mitmproxy's own ports and those of the configuration."""

    def __init__(self, configured: frozenset[int]) -> None:
        self._configured = configured

    async def __call__(self) -> frozenset[int]:
        """Return all ports."""
        proxy = ctx.master.addons.get("proxyserver")
        return self._configured | {int(address[1]) for address in proxy.listen_addrs()}


def _authority() -> bytes:
    store = ctx.master.addons.get("tlsconfig").certstore
    pem: bytes = store.default_ca.to_pem()
    return pem
