"""Which addresses are blocked as such, as ranges for the kernel: for datagrams that it passes on by itself.

Each stretch of addresses of which the same is known is judged once, by the policy itself, as for a device that is in no
group: what holds for one group or device alone is not in here, nor is any name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from typing import Protocol

from indicators.observation import Address, Device, Observation
from indicators.verdict import Verdict
from indicators.words import Stage, Visibility

type Range = tuple[Address, Address]
"""First and last address."""
MOST = 100_000  # ranges; each takes about a hundred bytes of the kernel's memory
_MADE: dict[int, Callable[[int], Address]] = {4: IPv4Address, 6: IPv6Address}
_TOP = {4: 1 << 32, 6: 1 << 128}
_ANYBODY = Device("datagrams", "")


class Judge(Protocol):
    """Know where verdicts on addresses may change, and give them."""

    def address_edges(self, version: int) -> set[int]:
        """Return addresses as numbers."""
        ...

    def judge(self, seen: Observation) -> Verdict:
        """Return the verdict."""
        ...


def blocked_ranges(policy: Judge) -> list[Range]:
    """Return the ranges that are blocked, ascending, neighbours joined; IPv4 first."""
    found: list[Range] = []
    for version in (4, 6):
        top = _TOP[version]
        edges = sorted({0, top, *(edge for edge in policy.address_edges(version) if edge < top)})
        found += _joined(
            version, ((first, end) for first, end in pairwise(edges) if _is_blocked(policy, version, first))
        )
    return found


def _joined(version: int, spans: Iterable[tuple[int, int]]) -> list[Range]:
    joined: list[list[int]] = []
    for first, end in spans:
        if joined and joined[-1][1] == first:
            joined[-1][1] = end
        else:
            joined.append([first, end])
    made = _MADE[version]
    return [(made(first), made(end - 1)) for first, end in joined]


def _is_blocked(policy: Judge, version: int, number: int) -> bool:
    address = _MADE[version](number)
    seen = Observation(Stage.CONNECTION, _ANYBODY, addresses=(address,), reach=Visibility.SNI, can_show_page=False)
    verdict = policy.judge(seen)
    return verdict.stops and not verdict.failed
