"""`collector:` where verdict events go, and how the collector itself is run. Nothing is read or resolved here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from proxy.config.values import Address, CollectorUrl, Network, Port, PublicUrl, Section

_LOOPBACK = ("127.0.0.0/8", "::1/128")  # as text: the schema shows it


class CollectorTlsConfig(Section):
    """Certificate and key with which API and console speak TLS; both or neither."""

    cert: Path | None = None
    """PEM file of the certificate, with those that link it to its authority."""
    key: Path | None = None
    """PEM file of the certificate's key."""


class PostureIssuerConfig(Section):
    """One service that may report on devices."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    """What its reports bear as `iss`."""
    keys: Annotated[tuple[Path, ...], Field(min_length=1)]
    """PEM files of the public keys that may sign them."""


class CollectorConfig(Section):
    """Where verdict events go."""

    url: CollectorUrl = "embedded"
    """`embedded` starts a collector of our own; else the address of one that runs elsewhere."""
    host: Address = Field(default="127.0.0.1", validate_default=True)  # type: ignore[assignment]
    """Address for the embedded collector and console."""
    port: Port = 8088
    """Port for the embedded collector and console."""
    database: str = "sqlite"
    """`sqlite` keeps alerts in the state directory; or a SQLAlchemy URL such as postgresql+asyncpg://db.lan/seawall."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names, or name:port, under which the console may be opened; loopback always may."""
    public_url: PublicUrl | None = None
    """Where people reach the console when a proxy stands in front of it: links lead there, and its name is allowed."""
    trusted_proxies: tuple[Network, ...] = Field(default=_LOOPBACK, validate_default=True)  # type: ignore[arg-type]
    """Proxies whose X-Forwarded-For says who asks, in what is asked for under an https `public_url`."""
    tls: CollectorTlsConfig = CollectorTlsConfig()
    token_file: Path | None = None
    """File with the token that `seawall collector gateway add` printed, for a collector elsewhere."""
    ca: Path | None = None
    """Certificates (PEM) that a collector elsewhere may show beside public ones."""
    posture_issuers: tuple[PostureIssuerConfig, ...] = ()
    """Services (MDM, attestation) whose signed reports on devices are believed."""
