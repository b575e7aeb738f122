"""How well a device is covered, from signs that a gateway can see: a score from 0 to 100, and its reasons. Pure.

Signs, not findings: an app that calls an address it was born with, and a browser that looks for a VPN's web page, look
like somebody who goes around us. So single signs lower the score, and only several, or silence, end *protected*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

PROTECTED_FROM = 50  # of 100
SILENT_AFTER = timedelta(hours=12)  # without a handshake, for a device whose tunnel is always on
LATELY = timedelta(hours=1)
_FEW = 20  # connections; below that a share says nothing
_MANY = 0.2  # of a device's connections


class Sign(StrEnum):
    """Name what was counted; the value is the wire's word."""

    CONNECTION = "connections"  # no sign of anything: what the others are measured by
    UNNAMED = "unnamed_addresses"
    MISMATCH = "name_mismatches"
    ECH = "encrypted_client_hello"
    OTHER_DNS = "other_resolvers"
    OTHER_VPN = "other_vpns"
    CA_REFUSED = "ca_refused"


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what was seen of one device lately. `in_tunnel` devices have a place in the tunnel.

    `counts` are of the last hour or two, `examples` a few hosts for each sign; `ca_refused` are hosts on which an app
    refuses our certificate now.
    """

    in_tunnel: bool = False
    handshake: datetime | None = None
    dns: datetime | None = None
    connection: datetime | None = None
    counts: Mapping[Sign, int] = field(default_factory=dict)
    examples: Mapping[Sign, tuple[str, ...]] = field(default_factory=dict)
    ca_refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Hold the outcome. `reasons` are sentences for people, the heaviest first."""

    score: int
    protected: bool
    reasons: tuple[str, ...] = ()


def assess(seen: Seen, now: datetime) -> Coverage:
    """Return a device's coverage at a moment."""
    found = sorted((loss for loss in _losses(seen, now) if loss[0]), key=lambda loss: -loss[0])
    score = max(100 - sum(points for points, _ in found), 0)
    return Coverage(score, score >= PROTECTED_FROM, tuple(reason for _, reason in found))


def _losses(seen: Seen, now: datetime) -> list[tuple[int, str]]:
    """Return how many points each sign costs, with what is said of it."""
    return [
        _silence(seen, now),
        _names_alone(seen, now),
        _unnamed(seen),
        _sign(seen, Sign.OTHER_VPN, 35, "names or ports of other VPNs were met"),
        _sign(seen, Sign.OTHER_DNS, 20, "names of other encrypted resolvers were met"),
        _sign(seen, Sign.ECH, 15, "connections hid their name (Encrypted ClientHello)"),
        _sign(seen, Sign.MISMATCH, 10, "connections named a host that does not belong to their address"),
        _refused(seen),
    ]


def _silence(seen: Seen, now: datetime) -> tuple[int, str]:
    if not seen.in_tunnel or seen.handshake is None or now - seen.handshake < SILENT_AFTER:
        return 0, ""
    hours = int((now - seen.handshake) / timedelta(hours=1))
    return 60, f"its tunnel has been silent for {hours} hours: it is off, or goes another way"


def _names_alone(seen: Seen, now: datetime) -> tuple[int, str]:
    """Tell a device whose names are asked here while its connections have stopped from one that never made any."""
    if seen.dns is None or now - seen.dns > LATELY:
        return 0, ""
    if seen.connection is None:
        return 40, "it asks for names here and makes no connection through here: names alone are judged"
    if now - seen.connection > LATELY:
        return 55, "it still asks for names here, but its connections have stopped coming: they go another way"
    return 0, ""


def _unnamed(seen: Seen) -> tuple[int, str]:
    unnamed, all_of_them = seen.counts.get(Sign.UNNAMED, 0), seen.counts.get(Sign.CONNECTION, 0)
    if unnamed < _FEW or unnamed < _MANY * all_of_them:
        return 0, ""
    return 25, f"{unnamed} of {all_of_them} connections went to addresses that were never asked for here"


def _sign(seen: Seen, sign: Sign, points: int, said: str) -> tuple[int, str]:
    count, hosts = seen.counts.get(sign, 0), seen.examples.get(sign, ())
    if not count:
        return 0, ""
    return points, f"{said}: {', '.join(hosts)}" if hosts else said


def _refused(seen: Seen) -> tuple[int, str]:
    hosts = seen.ca_refused
    if not hosts:
        return 0, ""
    return 5, f"apps refuse our certificate, so what they send is not looked into: {', '.join(hosts[:4])}"
