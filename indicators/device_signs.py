"""Signs of what a device is, read from names and request headers by a data file. A sign is a hint, never a finding.

Which signs together mean how much is decided by the collector; here one sign is told from none. Pure but for reading
the data file that is shipped with the code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from indicators.hosts import parents

_LEAST_HEADERS = 2  # of those that package managers send: one alone could be anybody's
UNNAMED = "a package manager"
MAX_VALUE = 128  # characters


class SignKind(StrEnum):
    """Tell what a sign was read from."""

    CLIENT_HINT = "client-hint"  # `platform|version|model` of Sec-CH-UA-… headers
    CAPTIVE_CHECK = "captive-check"  # a system asks whether it is online; the value is the system
    JAILBREAK_NAME = "jailbreak-name"  # a jailbreak store's name was looked up; the value is the store, as below
    JAILBREAK_CONNECTION = "jailbreak-connection"
    JAILBREAK_PROTOCOL = "jailbreak-protocol"  # a package manager spoke: its headers, or an index of packages fetched
    JAILBREAK_AGENT = "jailbreak-agent"


@dataclass(frozen=True, slots=True)
class Sign:
    """Hold one sign, `count` times seen."""

    kind: SignKind
    value: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class DeviceSigns:
    """Recognise signs. `stores` and `checks` are by host, a host's subdomains included."""

    stores: Mapping[str, str]
    checks: Mapping[str, str]
    agents: tuple[tuple[str, str], ...]
    headers: frozenset[str]
    index_files: frozenset[str]

    @classmethod
    def read(cls, text: str) -> DeviceSigns:
        """Read the data file. Raises ValueError or KeyError where it is not one."""
        told = json.loads(text)
        return cls(
            {host: store for store, hosts in told["repositories"].items() for host in hosts},
            {host: system for system, hosts in told["captive_checks"].items() for host in hosts},
            tuple((start, store) for store, starts in told["agents"].items() for start in starts),
            frozenset(told["headers"]),
            frozenset(told["index_files"]),
        )

    def of_name(self, host: str, *, connected: bool) -> Sign | None:
        """Return what it says that a device looked a host up, or connected to it."""
        if system := self.checks.get(host):
            return Sign(SignKind.CAPTIVE_CHECK, system)
        store = self.store_of(host)
        kind = SignKind.JAILBREAK_CONNECTION if connected else SignKind.JAILBREAK_NAME
        return Sign(kind, store) if store else None

    def of_request(self, host: str, path: str, headers: Mapping[str, str]) -> Sign | None:
        """Return what a request's headers (looked up in any case) or its path at a store say."""
        if sum(name in headers for name in self.headers) >= _LEAST_HEADERS:
            return Sign(SignKind.JAILBREAK_PROTOCOL, self.store_of(host) or UNNAMED)
        name = path.partition("?")[0].rpartition("/")[2]
        if name not in self.index_files and not name.endswith(".deb"):
            return None
        store = self.store_of(host)
        return Sign(SignKind.JAILBREAK_PROTOCOL, store) if store else None

    def of_agent(self, user_agent: str) -> Sign | None:
        """Return the package manager that a user agent begins with."""
        found = next((store for start, store in self.agents if user_agent.startswith(start)), "")
        return Sign(SignKind.JAILBREAK_AGENT, found) if found else None

    def store_of(self, host: str) -> str:
        """Return the jailbreak's store behind a host; empty for any other host."""
        return next((self.stores[name] for name in parents(host) if name in self.stores), "")


def of_hints(headers: Mapping[str, str]) -> Sign | None:
    """Return what client hints with a version tell; those that browsers send unasked tell none."""
    version = headers.get("sec-ch-ua-platform-version", "").strip('" ')
    if not version:
        return None
    told = (headers.get("sec-ch-ua-platform", ""), version, headers.get("sec-ch-ua-model", ""))
    return Sign(SignKind.CLIENT_HINT, "|".join(part.strip('" ').replace("|", " ") for part in told)[:MAX_VALUE])


@cache
def shipped_signs() -> DeviceSigns:
    """Return the signs of the data file that is shipped."""
    return DeviceSigns.read((files("indicators") / "data" / "device_signs.json").read_text("utf-8"))
