"""Which systems' proxy settings are known, by name."""

from __future__ import annotations

from proxy.protect.gnome import GnomeSettings
from proxy.protect.network_setup import NetworkSetup
from proxy.protect.system_settings import SystemSettings
from proxy.protect.way import ProtectError


def settings_of(name: str) -> SystemSettings:
    """Return a system's settings. Raises ProtectError for a name that is none."""
    known: tuple[SystemSettings, ...] = (NetworkSetup(), GnomeSettings())
    for settings in known:
        if settings.name == name:
            return settings
    raise ProtectError(f"{name!r}: no such system is known here")
