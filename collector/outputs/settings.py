"""Where notices go and in which form. Values; nothing is read from files here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Send(StrEnum):
    """Name what an output is told of."""

    ALERTS = "alerts"
    RISK = "risk"
    AUDIT = "audit"


class Format(StrEnum):
    """Name the form of what is sent: JSON and CAEP for webhooks, the others for syslog."""

    JSON = "json"
    CAEP = "caep"
    TEXT = "text"
    CEF = "cef"
    OCSF = "ocsf"


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """Describe one output. `url` is `http(s)://…` for a webhook, `udp://`, `tcp://` or `tls://host:port` for syslog.

    `secret` signs a webhook's bodies. `trust` is a PEM file of authorities beside the system's. `interval` is the
    least time between two requests of a webhook, in seconds; what comes meanwhile goes together.
    """

    name: str
    url: str
    format: Format
    send: tuple[Send, ...] = (Send.ALERTS, Send.RISK)
    secret: bytes = field(default=b"", repr=False)
    trust: str = ""
    interval: float = 1.0

    @property
    def is_webhook(self) -> bool:
        """Say whether it is a webhook."""
        return self.url.startswith(("http://", "https://"))
