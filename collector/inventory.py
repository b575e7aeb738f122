"""What events tell about a device, and how two tellings become one. Pure; merging is independent of order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from collector.arrival import Arrival
from collector.platforms import guess
from indicators.event import EventKind
from indicators.frozen import frozen
from indicators.observation import Device

_NEVER = datetime.min.replace(tzinfo=UTC)


@frozen
class DeviceState:
    """Hold one device as the inventory keeps it.

    What a device says of itself (user agent, system) is the latest that was said, and only ever a guess.
    """

    id: str
    name: str
    device_group: str
    identified_by: str
    gateway: str
    first_seen: datetime
    last_seen: datetime
    user_agent: str
    user_agent_seen: datetime | None
    os_platform: str
    os_version: str
    os_seen: datetime | None
    allowed_count: int


@frozen
class Telling:
    """Hold what several events told alike of a device; `allowed` counts connections that device events told of."""

    device: Device
    gateway: str
    user_agent: str
    first: datetime
    last: datetime
    allowed: int


def tellings(arrivals: Iterable[Arrival]) -> list[Telling]:
    """Fold events that tell the same of a device, so that a batch costs what its devices cost."""
    spans: dict[tuple[Device, str, str], tuple[datetime, datetime, int]] = {}
    for arrival in arrivals:
        event, when = arrival.event, arrival.when
        key = (event.device, event.gateway, event.user_agent)
        first, last, allowed = spans.get(key, (when, when, 0))
        allowed += event.count if event.kind is EventKind.DEVICE else 0
        spans[key] = (min(first, when), max(last, when), allowed)
    return [Telling(*key, *span) for key, span in spans.items()]


def state_of(told: Telling) -> DeviceState:
    """Return what was told as the inventory keeps it."""
    device = told.device
    platform = guess(told.user_agent)
    return DeviceState(
        id=device.id,
        name=device.name or device.id,
        device_group=device.group,
        identified_by=device.identified_by,
        gateway=told.gateway,
        first_seen=told.first,
        last_seen=told.last,
        user_agent=told.user_agent,
        user_agent_seen=told.last if told.user_agent else None,
        os_platform=platform.name if platform else "",
        os_version=platform.version if platform else "",
        os_seen=told.last if platform else None,
        allowed_count=told.allowed,
    )


def merge(*states: DeviceState) -> DeviceState:
    """Fold states of one device; of each attribute the latest telling stands."""
    latest = max(states, key=_told)
    agent = max(states, key=lambda seen: (seen.user_agent_seen or _NEVER, seen.user_agent))
    system = max(states, key=lambda seen: (seen.os_seen or _NEVER, seen.os_platform, seen.os_version))
    return replace(
        latest,
        first_seen=min(seen.first_seen for seen in states),
        user_agent=agent.user_agent,
        user_agent_seen=agent.user_agent_seen,
        os_platform=system.os_platform,
        os_version=system.os_version,
        os_seen=system.os_seen,
        allowed_count=sum(seen.allowed_count for seen in states),
    )


def _told(seen: DeviceState) -> tuple[object, ...]:
    """Order tellings by time; the values break a tie, so that no order of arrival can."""
    return (seen.last_seen, seen.name, seen.device_group, seen.identified_by, seen.gateway)
