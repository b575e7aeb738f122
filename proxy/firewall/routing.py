"""The route that TPROXY needs beside its rules: packets with our mark are for this machine. By `ip rule`, `ip route`.

A table and a priority of our own, so that taking them away needs no memory of what was there.
"""

from __future__ import annotations

from proxy.firewall.rules import MARK

TABLE = 1514  # of routes; any number that nobody else uses
PRIORITY = 1514
_FAMILIES = ("-4", "-6")


def added() -> list[list[str]]:
    """Return the commands that add rule and route; `removed` comes first, so that they are there once."""
    rule = ["rule", "add", "fwmark", f"{MARK:#x}", "lookup", str(TABLE), "priority", str(PRIORITY)]
    route = ["route", "replace", "local", "default", "dev", "lo", "table", str(TABLE)]
    return [["ip", family, *each] for family in _FAMILIES for each in (rule, route)]


def removed() -> list[list[str]]:
    """Return the commands that remove them; each fails harmlessly where there is nothing."""
    rule = ["rule", "del", "priority", str(PRIORITY)]
    route = ["route", "flush", "table", str(TABLE)]
    return [["ip", family, *each] for family in _FAMILIES for each in (rule, route)]
