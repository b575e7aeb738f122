"""The proxy settings of GNOME and what follows it, by `gsettings`, for the user who runs this.

Values are kept as GVariant text, as the program prints and takes them. Nothing here needs root.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from proxy.protect.programs import run
from proxy.protect.system_settings import Gate, Settings, Values

_SCHEMA = "org.gnome.system.proxy"
_MODE, _IGNORED = f"{_SCHEMA} mode", f"{_SCHEMA} ignore-hosts"
_PASSWORD = f"{_SCHEMA}.http use-authentication"
_SCHEMES = ("http", "https", "socks")
_MANUAL = "'manual'"


class GnomeSettings:
    """Read and write one user's settings."""

    name = "gnome"

    def read(self) -> Settings:
        """Return the settings; the mode is the last, so that it is changed when the others are."""
        found: Settings = {}
        for key in (_IGNORED, _PASSWORD, *(f"{_SCHEMA}.{one} {what}" for one in _SCHEMES for what in ("host", "port"))):
            found[key] = (_get(key),)
        return {**found, _MODE: (_get(_MODE),)}

    def wanted(self, now: Mapping[str, Values], gate: Gate) -> Settings:
        """Return the same settings, pointed at the gateway; what names no host of a proxy is left as it is."""
        ignored = dict.fromkeys((*_listed(now[_IGNORED][0]), "localhost", *gate.bypass))
        ours: Settings = {_IGNORED: (str(list(ignored)),), _PASSWORD: ("false",)}
        for one in _SCHEMES:
            ours[f"{_SCHEMA}.{one} host"] = (repr(gate.host),)
            ours[f"{_SCHEMA}.{one} port"] = (str(gate.socks if one == "socks" else gate.http),)
        return {**ours, _MODE: (_MANUAL,)}

    def write(self, name: str, values: Values) -> None:
        """Set one of them."""
        run("gsettings", "set", *name.split(), values[0])

    def in_force(self) -> dict[str, tuple[str, int]]:
        """Return the proxies that programs are told to use."""
        if _get(_MODE) != _MANUAL:
            return {}
        return {
            one: (str(ast.literal_eval(_get(f"{_SCHEMA}.{one} host"))), int(_get(f"{_SCHEMA}.{one} port")))
            for one in ("http", "https")
        }


def _get(key: str) -> str:
    return run("gsettings", "get", *key.split()).strip()


def _listed(text: str) -> list[str]:
    """Read a list of strings; GVariant writes an empty one with its type, `@as []`."""
    return [str(one) for one in ast.literal_eval(text.removeprefix("@as "))]
