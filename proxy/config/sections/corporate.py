"""`corporate:` hosts that only devices in good order may reach. Nothing is read or resolved here."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from proxy.config.values import Duration, Section


class CorporateConfig(Section):
    """Which hosts only known devices of little risk may reach."""

    hosts: tuple[str, ...] = ()
    """Hosts of your organisation, with their subdomains."""
    max_risk: Literal["secured", "low", "medium", "high"] = "low"
    """The highest risk with which a device may reach them, as Defender counts: `secured` means no risk at all."""
    accept_address: bool = False
    """Count devices that are known by their address alone as known, too."""
    risk_max_age: Duration = timedelta(days=1)
    """How long after the collector was last heard its word on risk holds; then `policy.on_error` decides."""
