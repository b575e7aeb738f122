"""The four exit checks, each with the evidence that a person can follow up in the console.

A check never takes the gateway's word alone: what the client was shown must be found again at the collector, with this
run's nonce, and counts must have risen by exactly the tries made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from proxy.pilot.clients import Answer, CollectorClient, Endpoints, PilotError, ProxyClient, Reply, ask_dns

PHISHING_HOST = "smartscreentestratings2.net"
MALWARE_URL = "http://eicar.seawall.internal/eicar.com"
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
    file: Reply
    before: int  # count of the phishing host's alerts before the tries


async def run_checks(endpoints: Endpoints, nonce: str) -> list[Check]:
    """Make the tries, then the four checks in order. Raises PilotError when a try gets no answer at all."""
    collector = CollectorClient(endpoints)
    client = ProxyClient(endpoints, f"seawall-pilot/{nonce}")
    tried = await _try(endpoints, collector, client, nonce)
    return [await check(collector, tried) for check in CHECKS]


async def _try(endpoints: Endpoints, collector: CollectorClient, client: ProxyClient, nonce: str) -> Tried:
    before = _count(await collector.alerts(), PHISHING_HOST)
    name = f"pilot-{nonce}.{PHISHING_HOST}"
    pages = [await client.get(f"https://{PHISHING_HOST}/?pilot={nonce}") for _ in range(TRIES)]
    return Tried(
        nonce=nonce,
        pages=tuple(pages),
        dns=await ask_dns(endpoints.dns, name),
        dns_name=name,
        file=await client.get(f"{MALWARE_URL}?pilot={nonce}"),
        before=before,
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
    if not tried.dns.is_refusal:
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
    """Require the test file to be withheld, and its incident to be evidence of a malware alert."""
    name = "malware test file blocked"
    incident = tried.file.field("incident")
    if tried.file.status != 403 or not incident:
        return Check(name, False, f"{MALWARE_URL} was answered {tried.file.status}, not 403 with an incident")

    async def look() -> str:
        for alert in await collector.alerts():
            if incident in alert.get("incidentIds", ()):
                return f"incident {incident}, alert {alert['title']!r}, severity {alert['severity']}"
        return ""

    return await _eventually(name, look, f"no alert holds incident {incident}")


async def _alerts(collector: CollectorClient, tried: Tried) -> Check:
    """Require the count of the phishing test's alerts to have risen by exactly the tries by HTTPS."""
    wanted = tried.before + len(tried.pages)
    risen = 0

    async def look() -> str:
        nonlocal risen
        risen = _count(await collector.alerts(), PHISHING_HOST)
        return f"alerts for {PHISHING_HOST} rose from {tried.before} to {risen}" if risen == wanted else ""

    done = await _eventually("alerts present", look, "")
    if done.passed:
        return done
    return Check(done.name, False, f"alerts for {PHISHING_HOST} went from {tried.before} to {risen}, not to {wanted}")


CHECKS = (_device, _phishing, _malware, _alerts)


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
