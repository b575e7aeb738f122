"""The port to a system's proxy settings: what they are, what they are to be, and what programs are told by them.

Each setting is a name and its values as text, so that what was set before can be kept in a file and put back as it was,
whatever the system. `network_setup.py` is the one for macOS, `gnome.py` for GNOME.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

type Values = tuple[str, ...]
type Settings = dict[str, Values]


@dataclass(frozen=True, slots=True)
class Gate:
    """Say where the gateway's proxies listen, and which destinations programs are to reach directly."""

    host: str
    http: int
    socks: int
    bypass: tuple[str, ...]


class SystemSettings(Protocol):
    """Read and write one system's proxy settings. Every call raises ProtectError where the system refuses."""

    name: str
    """Which system; a keeper is told it."""

    def read(self) -> Settings:
        """Return all that could be changed here. Raises ProtectError for what could not be put back either."""
        ...

    def wanted(self, now: Mapping[str, Values], gate: Gate) -> Settings:
        """Return what the settings have to be for programs to come to us."""
        ...

    def write(self, name: str, values: Values) -> None:
        """Set one of them."""
        ...

    def in_force(self) -> dict[str, tuple[str, int]]:
        """Return the proxies that programs are told to use by scheme: `http`, `https`; empty when something else is."""
        ...


def change(settings: SystemSettings, now: Mapping[str, Values], to: Iterable[tuple[str, Values]]) -> None:
    """Write what is not so yet; what has vanished meanwhile, such as a network service, is left out."""
    for name, values in to:
        if name in now and now[name] != values:
            settings.write(name, values)
