"""What can come of one delivery, as values, and the port through which events are handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rejection:
    """Name one event that the collector will never take."""

    index: int  # in the batch
    error: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The batch is committed, but for what was rejected."""

    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The batch must be split."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The batch as a whole could not be read: one of its events is to blame."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The same batch is to be sent again, after `seconds` at the earliest."""

    reason: str
    seconds: float = 0.0


type Outcome = Delivered | TooLarge | Unreadable | Retry


class CollectorPort(Protocol):
    """What delivery needs of a collector, however it is reached."""

    async def deliver(self, payloads: Sequence[bytes]) -> Outcome:
        """Hand over events, each the UTF-8 JSON of one, and say what came of it; never raise for the network."""
        ...
