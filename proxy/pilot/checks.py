"""The four exit checks, each with the evidence that a person can follow up in the console.

A check never takes the gateway's word alone: what the client was shown must be found again at the collector, with this
run's nonce, and counts must have risen by exactly the tries made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from indicators.testfeed import PHISHING_TEST
from proxy.pilot.clients import Answer, AsDevice, CollectorClient, Endpoints, PilotError, Reply
from proxy.pilot.ways import Way, way_of

PHISHING_HOST = PHISHING_TEST
MALWARE_HOST = "eicar.seawall.internal"
PLAIN_FILES = ("eicar.com",)
PACKED_FILES = ("eicar.zip", "eicar.apk")  # found by looking into them (`scan.enabled`)
TRIES = 2  # of the phishing test by HTTPS
PATIENCE = 15.0  # seconds for an event to reach the collector
_PAUSE = 0.1  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Check:
    """Hold the outcome of one check."""

    name: str
    passed: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Tried:
    """Hold what the client was shown, for the checks to look for at the collector."""

    nonce: str
    pages: tuple[Reply, ...]
    dns: Answer
    dns_name: str
    files: tuple[tuple[str, Reply], ...]  # by address
    before: int  # count of the phishing host's alerts before the tries
    device: AsDevice | None = None
    by_device: bool = False  # whether the name was asked for by what shows the device
    way: str = ""
    lookups: int = 0  # of the phishing host, which are events of it too
    page: tuple[str, ...] = ()  # addresses of the block page, to which a name may lead

    @property
    def is_withheld(self) -> bool:
        """Say whether the name was given no address but the block page's."""
        return self.dns.is_refusal or set(self.dns.addresses) <= set(self.page)


async def run_checks(
    endpoints: Endpoints, nonce: str, *, packed: bool = True, device: AsDevice | None = None
) -> list[Check]:
    """Make the tries, then the four checks in order; `packed` says that archives and apps are looked into.

    As a `device` a fifth check requires that everything was put down to it. Raises PilotError when a try gets no
    answer at all.
    """
    collector = CollectorClient(endpoints)
    way = way_of(endpoints, f"seawall-pilot/{nonce}", device)
    names = PLAIN_FILES + (PACKED_FILES if packed else ())
    before = _count(await collector.alerts(), PHISHING_HOST)
    tried = await way.take(lambda: _try(way, nonce, names, before, device))
    return [await check(collector, tried) for check in (*CHECKS, *([_named] if device else []))]


async def _try(way: Way, nonce: str, names: tuple[str, ...], before: int, device: AsDevice | None) -> Tried:
    name = f"pilot-{nonce}.{PHISHING_HOST}"
    pages = [await way.get(f"https://{PHISHING_HOST}/?pilot={nonce}") for _ in range(TRIES)]
    return Tried(
        nonce=nonce,
        pages=tuple(pages),
        dns=await way.ask(name),
        dns_name=name,
        files=tuple([(url, await way.get(f"{url}?pilot={nonce}")) for url in _file_urls(names)]),
        before=before,
        device=device,
        by_device=way.by_device,
        way=way.words,
        lookups=way.looked_up.count(PHISHING_HOST),
        page=way.page,
    )


async def _device(collector: CollectorClient, tried: Tried) -> Check:
    """Look for a device that came through the proxy with this run's user agent."""

    async def look() -> str:
        for machine in await collector.machines():
            if tried.nonce in str(machine.get("userAgent")):
                return f"device {machine['computerDnsName']} ({machine['id']}), last seen {machine['lastSeen']}"
        return ""

    return await _eventually("device in inventory", look, f"no device with the user agent of run {tried.nonce}")


async def _phishing(collector: CollectorClient, tried: Tried) -> Check:
    """Require a 403 page for every try and no address by DNS, each found again as evidence."""
    name = "phishing test blocked"
    refused = [reply for reply in tried.pages if reply.status == 403 and reply.field("incident")]
    if len(refused) != len(tried.pages):
        return Check(
            name, False, f"the proxy answered {', '.join(str(reply.status) for reply in tried.pages)}, not 403"
        )
    if not tried.is_withheld:
        return Check(name, False, f"DNS gave {tried.dns_name} the address {', '.join(tried.dns.addresses)}")
    incidents = {reply.field("incident") for reply in refused}

    async def look() -> str:
        alerts = await collector.alerts()
        found = {incident for alert in alerts for incident in alert.get("incidentIds", ())}
        asked = [alert for alert in alerts if tried.dns_name in str(alert.get("evidence"))]
        return (
            f"incidents {', '.join(sorted(incidents))}; by DNS {tried.dns_name}" if incidents <= found and asked else ""
        )

    return await _eventually(
        name, look, f"the collector has not all of {', '.join(sorted(incidents))} and {tried.dns_name}"
    )


async def _malware(collector: CollectorClient, tried: Tried) -> Check:
    """Require each test file to be withheld by HTTP and HTTPS, and its incident to be evidence of a malware alert."""
    name = "malware test files blocked"
    for url, reply in tried.files:
        if reply.status != 403 or not reply.field("incident"):
            return Check(name, False, f"{url} was answered {reply.status}, not 403 with an incident")
    incidents = {reply.field("incident") for _, reply in tried.files}

    async def look() -> str:
        found = [alert for alert in await collector.alerts() if incidents & set(alert.get("incidentIds", ()))]
        told = {incident for alert in found for incident in alert["incidentIds"]}
        if not incidents <= told:
            return ""
        alerts = ", ".join(sorted({f"{alert['title']!r} ({alert['severity']})" for alert in found}))
        return f"{len(tried.files)} tries; incidents {', '.join(sorted(incidents))}; alerts {alerts}"

    return await _eventually(name, look, f"no alert holds all of {', '.join(sorted(incidents))}")


async def _alerts(collector: CollectorClient, tried: Tried) -> Check:
    """Require the count of the phishing test's alerts to have risen by exactly the tries and their look-ups."""
    wanted = tried.before + len(tried.pages) + tried.lookups
    risen = 0

    async def look() -> str:
        nonlocal risen
        risen = _count(await collector.alerts(), PHISHING_HOST)
        return f"alerts for {PHISHING_HOST} rose from {tried.before} to {risen}" if risen == wanted else ""

    done = await _eventually("alerts present", look, "")
    if done.passed:
        return done
    return Check(done.name, False, f"alerts for {PHISHING_HOST} went from {tried.before} to {risen}, not to {wanted}")


async def _named(collector: CollectorClient, tried: Tried) -> Check:
    """Require the alerts of this run to name the device that it ran as, by its id and its name."""
    device = tried.device
    assert device is not None  # noqa: S101 - this check is made for a device only
    wanted = {reply.field("incident") for reply in (*tried.pages, *(reply for _, reply in tried.files))} - {""}

    async def look() -> str:
        alerts = [one for one in await collector.alerts() if one.get("machineId") == device.id]
        found = {incident for alert in alerts for incident in alert.get("incidentIds", ())}
        asked = not tried.by_device or any(tried.dns_name in str(alert.get("evidence")) for alert in alerts)
        named = alerts and all(alert.get("computerDnsName") == device.name for alert in alerts)
        told = f"{len(alerts)} alerts of {device.name} ({device.id}), by {tried.way}"
        return told if wanted and wanted <= found and asked and named else ""

    complaint = f"not all of {', '.join(sorted(wanted))} are alerts of {device.name} ({device.id})"
    return await _eventually("alerts name the device", look, complaint)


CHECKS = (_device, _phishing, _malware, _alerts)


def _file_urls(names: tuple[str, ...]) -> list[str]:
    return [f"{scheme}://{MALWARE_HOST}/{name}" for scheme in ("http", "https") for name in names]


def _count(alerts: list[dict[str, Any]], host: str) -> int:
    """Add up the counts of the alerts whose evidence names exactly this host."""
    return sum(int(alert["count"]) for alert in alerts if _is_about(alert, host))


def _is_about(alert: dict[str, Any], host: str) -> bool:
    urls = [str(item.get("url") or "") for item in alert.get("evidence", ())]
    return any(url.partition("://")[2].partition("/")[0].partition("?")[0] == host or url == host for url in urls)


async def _eventually(name: str, look: Callable[[], Awaitable[str]], complaint: str) -> Check:
    """Look again and again until there is evidence or patience ends; an unreachable collector counts as none."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        try:
            evidence = await look()
        except PilotError as error:
            evidence, complaint = "", str(error)
        if evidence:
            return Check(name, True, evidence)
        if loop.time() >= deadline:
            return Check(name, False, complaint)
        await asyncio.sleep(_PAUSE)
