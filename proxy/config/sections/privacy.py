"""`privacy:` what leaves the gateway and how long it is kept. Nothing is read or resolved here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from proxy.config.values import Section, whole_number

Days = Annotated[int, Field(ge=1, le=3650), BeforeValidator(whole_number)]
KeptTable = Literal["events", "alerts", "devices", "activity", "access_requests", "risk_changes", "audit", "sightings"]


class PrivacyConfig(Section):
    """What leaves the gateway and how long it is kept."""

    hide_urls: bool = False
    """Keep destinations out of events and alerts; device, severity and counts stay."""
    keep_sightings: bool = False
    """Keep keyed hashes of the hosts that devices were let through to, so that later indicators find who met them."""
    retention_days: Days = 90
    """Days that events and alerts are kept."""
    retention_of: dict[KeptTable, Days] = Field(default={})
    """Days for single tables, in place of `retention_days`."""
