"""Whether this machine passes packets on: turned on for the tunnel, and off again where it was off before.

A machine that was no router shall be none for anybody else: the rules then let nothing pass but the tunnel's, and an
empty chain in our table says what to turn off, also after a crash. An interface that takes its IPv6 route from
advertisements would stop doing so on a router (RFC 4861, 6.2.2), unless told otherwise: so it is.
"""

from __future__ import annotations

from pathlib import Path

from proxy.wireguard.rules import WAS_OFF

SETTINGS = Path("/proc/sys/net")
_FORWARDING = {4: "ipv4/ip_forward", 6: "ipv6/conf/all/forwarding"}
_ALSO_AS_ROUTER = "2"  # of accept_ra


def switched_off(rules: str) -> tuple[int, ...]:
    """Return the IP versions that are not passed on, or were not before the rules that stand."""
    marked = {version for version, mark in WAS_OFF.items() if mark in rules}
    return tuple(version for version in _FORWARDING if version in marked or _read(version) == "0")


def switch_on(versions: tuple[int, ...]) -> None:
    """Pass packets on. Raises OSError without CAP_NET_ADMIN."""
    if 6 in versions:
        for path in SETTINGS.glob("ipv6/conf/*/accept_ra"):
            if path.read_text().strip() == "1":
                path.write_text(_ALSO_AS_ROUTER)
    for version in versions:
        (SETTINGS / _FORWARDING[version]).write_text("1")


def switch_back(rules: str) -> None:
    """Turn off what the rules that stand say was off. Raises OSError."""
    for version, mark in WAS_OFF.items():
        if mark in rules:
            (SETTINGS / _FORWARDING[version]).write_text("0")


def _read(version: int) -> str:
    try:
        return (SETTINGS / _FORWARDING[version]).read_text().strip()
    except OSError:
        return ""  # no such IP version here
