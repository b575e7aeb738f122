"""`outputs:` whom the collector tells by itself. Nothing is read or resolved here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from proxy.config.values import HttpUrl, Section


def _syslog(value: str) -> str:
    if not re.fullmatch(r"(?:udp|tcp|tls)://(?:\[[0-9a-fA-F:.]+\]|[^\s/:@]+)(?::\d{1,5})?", value):
        raise ValueError(f"expected an address such as tls://siem.example:6514, tcp:// or udp://, got {value!r}")
    return value


class OutputConfig(Section):
    """One receiver. Exactly one of `webhook` and `syslog`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    """Short name, shown in the console and in metrics; its signing key is state_dir/secrets/output_NAME."""
    webhook: HttpUrl | None = None
    """Address that gets signed POST requests."""
    syslog: Annotated[str, AfterValidator(_syslog)] | None = None
    """Server that gets RFC 5424 messages, by udp://, tcp:// or tls://."""
    format: Literal["json", "caep", "text", "cef", "ocsf"] | None = None
    """Form of what is sent: json or caep for a webhook; text, cef or ocsf for syslog."""
    send: tuple[Literal["alerts", "risk", "audit"], ...] = ("alerts", "risk")
    """What it is told of."""
    trust: Path | None = None
    """PEM file of authorities to trust beside the system's, relative to config.yaml."""
