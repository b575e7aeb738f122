"""The collector's instruction to forget apps that refuse our certificate, as a value. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proxy.policy_stream.told import Change

UNPIN = "unpin"


@dataclass(frozen=True, slots=True)
class Unpin:
    """Name what to forget; an empty field stands for any.

    `until` is that of the exception which was seen when this was asked: one that was learnt since lasts longer and
    stays. So the instruction may be followed again, after a restart or when the stream begins anew.
    """

    device: str
    host: str
    ja4: str
    until: datetime


def read_unpin(body: Mapping[str, Any]) -> Unpin:
    """Read an instruction. Raises ValueError, KeyError or TypeError for what is missing or wrong."""
    device, host, ja4 = (body[name] for name in ("device", "host", "ja4"))
    if not all(isinstance(each, str) for each in (device, host, ja4)):
        raise ValueError("device, host, ja4: expected texts")
    until = datetime.fromisoformat(body["until"])
    if until.tzinfo is None:
        raise ValueError("until: expected a time with its offset")
    return Unpin(device, host, ja4, until)


def unpins_of(changes: Iterable[Change]) -> Iterator[Unpin]:
    """Return the instructions among changes; what cannot be read is left out (`PushedFacts` names it)."""
    for change in changes:
        if change.kind == UNPIN and change.body is not None:
            with suppress(ValueError, KeyError, TypeError):
                yield read_unpin(change.body)
