"""The port that `seawall protect` speaks to: one way of bringing this computer's traffic here, and how it stands.

A way is chosen in `ways.py` alone. Nothing is run or changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from proxy.config.model import Config

type OnCrash = Literal["open", "closed"]


class ProtectError(RuntimeError):
    """Say why this computer is not protected, or still is, and what to do."""


class State(StrEnum):
    """Say how this computer's traffic goes."""

    PROTECTED = "protected"
    OFF = "off"
    NOT_INTERCEPTED = "not_intercepted"  # rules or settings stand, and traffic does not come to us all the same


@dataclass(frozen=True, slots=True)
class Found:
    """Hold what was found. `applied` is nothing when this user may not read what is in force."""

    state: State
    applied: bool | None
    intercepted: bool


def found(*, applied: bool | None, intercepted: bool) -> Found:
    """Return what follows: only what was intercepted is protected."""
    if intercepted:
        return Found(State.PROTECTED, applied, intercepted)
    return Found(State.NOT_INTERCEPTED if applied else State.OFF, applied, intercepted)


class Way(Protocol):
    """Bring this computer's traffic to the gateway, and undo it."""

    name: str
    """As `--json` says it."""

    def put_up(self, config: Config) -> None:
        """Put it in force and prove it. Raises PlanError, FirewallError or ProtectError; then nothing is."""
        ...

    def take_down(self) -> None:
        """Undo it; harmless where nothing is in force. Raises FirewallError or ProtectError."""
        ...

    def look(self) -> Found:
        """Say how things stand, by a probe."""
        ...

    def after_crash(self, on_crash: OnCrash) -> str:
        """Say for people what happens to traffic while the gateway is down."""
        ...
