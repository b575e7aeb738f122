"""`protect:` how `seawall protect on` treats this computer's own traffic. Nothing is read or resolved here."""

from __future__ import annotations

from typing import Literal

from proxy.config.values import Network, Section

_LOCAL = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")


class ProtectConfig(Section):
    """How `seawall protect on` treats this computer's own traffic (Linux, macOS)."""

    way: Literal["auto", "rules", "settings"] = "auto"
    """By rules in the kernel (Linux), or by the system's proxy settings (macOS, GNOME); auto: rules where they are."""
    on_crash: Literal["open", "closed"] = "open"
    """What happens to this computer's traffic while the gateway is down: it goes out unprotected, or not at all."""
    bypass: tuple[Network, ...] = _LOCAL  # type: ignore[assignment]
    """Destinations that this computer reaches directly: the networks around it."""
