"""What events tell about a device, and how two tellings become one. Pure; merging is independent of order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from collector.platforms import guess
from indicators.event import EventKind, VerdictEvent


@dataclass(frozen=True, slots=True)
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


def state_of(event: VerdictEvent, when: datetime) -> DeviceState:
    """Return what one event tells. A device event's count is of allowed connections."""
    device = event.device
    platform = guess(event.user_agent)
    return DeviceState(
        id=device.id,
        name=device.name or device.id,
        device_group=device.group,
        identified_by=device.identified_by,
        gateway=event.gateway,
        first_seen=when,
        last_seen=when,
        user_agent=event.user_agent,
        user_agent_seen=when if event.user_agent else None,
        os_platform=platform.name if platform else "",
        os_version=platform.version if platform else "",
        os_seen=when if platform else None,
        allowed_count=event.count if event.kind is EventKind.DEVICE else 0,
    )


def merge(one: DeviceState, other: DeviceState) -> DeviceState:
    """Fold two states of one device; of each attribute the later telling stands."""
    latest = max(one, other, key=_told)
    agent = max(one, other, key=lambda seen: (_order(seen.user_agent_seen), seen.user_agent))
    system = max(one, other, key=lambda seen: (_order(seen.os_seen), seen.os_platform, seen.os_version))
    return replace(
        latest,
        first_seen=min(one.first_seen, other.first_seen),
        user_agent=agent.user_agent,
        user_agent_seen=agent.user_agent_seen,
        os_platform=system.os_platform,
        os_version=system.os_version,
        os_seen=system.os_seen,
        allowed_count=one.allowed_count + other.allowed_count,
    )


def _told(seen: DeviceState) -> tuple[object, ...]:
    """Order tellings by time; the values break a tie, so that no order of arrival can."""
    return (seen.last_seen, seen.name, seen.device_group, seen.identified_by, seen.gateway)


def _order(when: datetime | None) -> float:
    return when.timestamp() if when else float("-inf")
