"""A running resolver for tests: the real service on loopback, a real classifier, and a reporter that records."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from dnslib import EDNS0, DNSRecord, EDNSOption

from indicators.classifier import Classifier
from indicators.device_signs import Sign
from indicators.event import VerdictEvent, of_verdict
from indicators.event_wire import from_json
from indicators.index import Glance
from indicators.indicator import Indicator, Origin
from indicators.membership import Membership
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.rules import parse_indicator
from indicators.settings import PolicySettings
from indicators.snapshot.reader import Snapshot
from indicators.verdict import Match, Verdict
from indicators.words import Category, Enforcement
from proxy.config.load import LoadedConfig
from proxy.config.model import Config
from proxy.dns import service
from proxy.groups import DeviceGroups
from proxy.reporting.form import Alike, Form, form_of
from proxy.secrets import Secrets
from proxy.state import StateDir
from proxy.worker import WorkerContext
from tests.support.snapshots import compile_indicators

CUSTOM = Origin("custom", True, "config.yaml", 1)
FEED = Origin("test-feed", False)


class RecordingReporter:
    """Keep what is reported. `fails` makes every call raise, as no reporter should."""

    def __init__(self) -> None:
        self.reports: list[tuple[Observation, Verdict, Enforcement]] = []
        self.alike: list[VerdictEvent] = []
        self.repeats: dict[str, int] = {}
        self.devices: list[Device] = []
        self.let_through_to: list[tuple[Device, Sequence[str]]] = []
        self.fails = False

    def report(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> str:
        if self.fails:
            raise OSError("no space left on device")
        self.reports.append((seen, verdict, enforcement))
        return f"inc-{len(self.reports) + len(self.alike)}"

    def form(self, seen: Observation, verdict: Verdict, enforcement: Enforcement) -> Form | None:
        return form_of(of_verdict("", datetime.now(UTC), "gateway", seen, verdict, enforcement))

    def report_alike(self, batch: Sequence[Alike]) -> list[str]:
        if self.fails:
            raise OSError("no space left on device")
        made = []
        for form, host, evidence in batch:
            made.append(f"inc-{len(self.reports) + len(self.alike) + 1}")
            self.alike.append(from_json(json.loads(form.write(made[-1], "2026-03-01T12:00:00Z", host, evidence))))
        return made

    def repeat(self, incident: str, count: int = 1) -> None:
        if self.fails:
            raise OSError("no space left on device")
        self.repeats[incident] = self.repeats.get(incident, 0) + count

    def sign_seen(self, device: Device, sign: Sign) -> None:
        """Keep no record."""

    def device_seen(self, device: Device, user_agent: str = "") -> None:
        self.devices.append(device)

    def let_through(self, device: Device, hosts: Sequence[str]) -> None:
        self.let_through_to.append((device, hosts))

    @property
    def hosts(self) -> list[str]:
        return [seen.host for seen, _, _ in self.reports] + [event.host for event in self.alike]


class TestPolicy:
    """Judge by a real classifier; rules can be changed while it runs. `listed` is compiled into a snapshot."""

    __test__ = False

    def __init__(
        self,
        *rules: Any,
        feed: Sequence[Any] = (),
        settings: PolicySettings | None = None,
        listed: Sequence[Indicator] | None = None,
    ) -> None:
        self.epoch = 0
        self.device_groups = DeviceGroups()
        self.settings = settings or PolicySettings()
        self.feed = list(feed)
        self.snapshot = None if listed is None else Snapshot(compile_indicators(listed).content)
        self.judged: list[Observation] = []
        self.broken = False
        self.set(*rules)

    def set(self, *rules: Any) -> None:
        """Put other custom rules in force."""
        custom = [one for rule in rules for one in parse_indicator(rule, CUSTOM)]
        listed = [one for rule in self.feed for one in parse_indicator(rule, FEED)]
        feeds = self.snapshot or MemoryIndex(listed)
        self.classifier = Classifier(MemoryIndex(custom), [feeds], self.settings)
        self.epoch += 1

    def judge(self, seen: Observation) -> Verdict:
        if self.broken:
            raise RuntimeError("judging is broken")
        self.judged.append(seen)
        return self.classifier.judge(seen, datetime.now(UTC))

    def glance(self, host: str) -> Glance | None:
        return self.classifier.glance(host)

    def listed(self, host: str) -> tuple[Match, ...]:
        return self.classifier.listed(host)

    def differs(self, device: Device) -> bool:
        return False

    def trusts_ca(self, device: Device) -> bool:
        return False

    def group_of(self, device: Device) -> str:
        return device.group

    def rules(self) -> Membership:
        return self.device_groups.rules


BLOCK_EVIL: Mapping[str, Any] = {"block": "evil.example", "category": Category.PHISHING}


@dataclass
class Running:
    """A running resolver."""

    address: tuple[str, int]
    socket_path: Path
    reporter: RecordingReporter
    policy: TestPolicy
    stop: asyncio.Event
    state: StateDir
    bound: dict[str, str] = field(default_factory=dict)

    async def udp(self, packet: bytes, seconds: float = 6.0, source: str = "127.0.0.1") -> bytes | None:
        """Send a packet and return the reply, or None when none came in time."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            if ":" not in self.address[0]:
                sock.bind((source, 0))
            sock.connect(self.address)
            sock.send(packet)
            try:
                async with asyncio.timeout(seconds):
                    return await loop.sock_recv(sock, 65_535)
            except TimeoutError:
                return None

    async def ask(self, name: str, qtype: str = "A", **options: Any) -> DNSRecord:
        """Ask by UDP and return the parsed reply."""
        source = options.pop("source", "127.0.0.1")
        reply = await self.udp(question(name, qtype, **options), source=source)
        assert reply is not None, f"no answer to {name} {qtype}"
        return DNSRecord.parse(reply)

    async def tcp(self, *packets: bytes, seconds: float = 6.0) -> list[bytes]:
        """Send packets over one connection, all at once, and return as many replies, in the order they came."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            writer.write(b"".join(len(packet).to_bytes(2) + packet for packet in packets))
            async with asyncio.timeout(seconds):
                return [await reader.readexactly(int.from_bytes(await reader.readexactly(2))) for _ in packets]
        finally:
            writer.close()


def question(
    name: str,
    qtype: str = "A",
    *,
    qid: int | None = None,
    edns: int = 0,
    do: bool = False,
    version: int = 0,
    cd: bool = False,
    ad: bool = False,
    options: Sequence[EDNSOption] = (),
) -> bytes:
    """Make a query. `edns` is the UDP size to tell; 0 leaves EDNS out."""
    record = DNSRecord.question(name, qtype)
    if qid is not None:
        record.header.id = qid
    record.header.cd, record.header.ad = int(cd), int(ad)
    if edns:
        record.add_ar(EDNS0(udp_len=edns, flags="do" if do else "", version=version, opts=list(options)))
    return bytes(record.pack())


def addresses(record: DNSRecord) -> list[str]:
    """Return the data of the answer's records as text."""
    return [str(rr.rdata) for rr in record.rr]


def extended_errors(record: DNSRecord) -> list[tuple[int, str]]:
    """Return the extended errors of a reply's OPT record."""
    found = [opt for rr in record.ar if rr.rtype == 41 for opt in rr.rdata if opt.code == 15]
    return [(int.from_bytes(opt.data[:2]), bytes(opt.data[2:]).decode()) for opt in found]


class _Control:
    def __init__(self, ready: Callable[[dict[str, str]], None]) -> None:
        self._ready = ready

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        assert op == "ready"
        self._ready(fields["bound"])
        return {"ok": True}


@asynccontextmanager
async def running(
    folder: Path,
    dns: Mapping[str, Any],
    policy: TestPolicy | None = None,
    config: Mapping[str, Any] | None = None,
    role: str = "resolver",
) -> AsyncIterator[Running]:
    """Run the service with these `dns` settings, port 0 unless told, and further sections in `config`."""
    state = StateDir(folder / "s")
    state.prepare()
    policy = policy or TestPolicy(BLOCK_EVIL)
    reporter = RecordingReporter()
    stopping = asyncio.Event()
    ready: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    settings = Config.model_validate({"dns": {"port": 0, **dns}, **(config or {})})
    policy.device_groups = DeviceGroups.of(settings)
    context = WorkerContext(
        LoadedConfig(settings, folder / "config.yaml"),
        state,
        Secrets("installation", "", "", "", b"", b""),
        cast(Any, policy),
        reporter,
        cast(Any, _Control(ready.set_result)),
        lambda: datetime.now(UTC),
        stopping,
        role,
    )
    task = asyncio.create_task(service.serve(context))
    try:
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        bound = ready.result()
        host, _, port = bound["dns"].rpartition(":")
        yield Running(
            (host.strip("[]"), int(port)), state.resolver_socket, reporter, policy, stopping, state, dict(bound)
        )
        stopping.set()
        async with asyncio.timeout(2):
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
