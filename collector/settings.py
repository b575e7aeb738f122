"""What a collector is started with. A value: nothing is read from files or the environment here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from collector.outputs.settings import OutputSettings
from collector.risk import Threshold
from collector.web.forwarded import LOOPBACK

_LEAST_TOKEN = 16  # characters


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Bound what one batch, and all batches under way together, may cost.

    `body_bytes` counts what crosses the wire, `inflated_bytes` what gzip makes of it. `working` batches are decoded
    or written at a time and `waiting` more may queue; further ones are answered 429.
    """

    body_bytes: int = 8 << 20
    inflated_bytes: int = 16 << 20
    events: int = 10_000
    working: int = 2
    waiting: int = 6
    seconds: float = 30.0
    retry_after: int = 2  # seconds


@dataclass(frozen=True, slots=True)
class PostureIssuer:
    """Name an attestation service: the `iss` of its reports, and the public keys (PEM) that may sign them."""

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Hold what the gateway beside us lets a device set itself up with.

    `page` lays the page out for a user agent and returns it with its Content-Security-Policy; `files` make what it
    offers, by name, for the host at which they were asked for: body and media type.
    """

    page: Callable[[str], tuple[str, str]]
    files: Mapping[str, Callable[[str], tuple[bytes, str]]]


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Hold everything a collector needs to know.

    `database_url` is a SQLAlchemy URL (`sqlite:///file` or `postgresql+asyncpg://…`). The three
    tokens are distinct, at least 16 characters each. `allowed_hosts` are further `name` or `name:port` values that a
    Host header may carry; loopback with the bound port always may. `public_url`, if set, is where people reach the
    console, and its host is allowed too; what was asked for there is passed on by `trusted_proxies`, whose
    X-Forwarded-For says who asks. `retention_of` holds retentions of single tables (`store/retention.py`).
    `threshold` is the risk up to which a device complies. `signing_key` is the scalar of the P-256 key that signs
    tokens and security events, 32 bytes; without one a key is made that lasts until the process ends. With
    `certificate` and `certificate_key` (PEM files) the collector speaks TLS alone. `vulnerability_data` is where
    updated knowledge of releases may lie; `exposure_raises_risk` lets what follows from it feed the risk.
    `onboarding` is there where a gateway runs beside the collector.
    """

    database_url: str
    gateway_token: str = field(repr=False)
    read_token: str = field(repr=False)
    admin_token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8088
    allowed_hosts: tuple[str, ...] = ()
    public_url: str = ""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    retention: timedelta = timedelta(days=90)
    session_life: timedelta = timedelta(days=7)
    ticket_life: timedelta = timedelta(minutes=2)
    limits: IngestLimits = IngestLimits()
    outputs: tuple[OutputSettings, ...] = ()
    privacy_key: bytes = field(default=b"", repr=False)
    retention_of: Mapping[str, timedelta] = field(default_factory=dict)
    threshold: Threshold = Threshold.LOW
    posture_issuers: tuple[PostureIssuer, ...] = ()
    signing_key: bytes = field(default=b"", repr=False)
    certificate: Path | None = None
    certificate_key: Path | None = None
    vulnerability_data: Path | None = None
    exposure_raises_risk: bool = False
    onboarding: Onboarding | None = None

    def __post_init__(self) -> None:
        """Refuse tokens that are short or shared: one that leaks must not open another door."""
        tokens = (self.gateway_token, self.read_token, self.admin_token)
        if any(len(token) < _LEAST_TOKEN for token in tokens):
            raise ValueError(f"collector tokens: expected at least {_LEAST_TOKEN} characters each")
        if len(set(tokens)) != len(tokens):
            raise ValueError("collector tokens: gateway, read and admin token must differ")
        if self.retention <= timedelta(0):
            raise ValueError("retention: expected a positive duration")
