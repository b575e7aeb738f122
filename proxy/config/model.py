"""The typed model of `config.yaml`. Every key, its default, its bounds and one sentence that says what it does.

The committed `config.yaml`, its comments and the JSON Schema are held to this file by tests. Nothing is read or
resolved here (see `load.py`); custom indicators stay plain mappings here and are parsed by `indicators.rules`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    IPvAnyNetwork,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from indicators.words import Action, Category, Mode, OnError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(text: object) -> timedelta:
    """Read a duration such as `90s`, `5m`, `1h`, `7d` or `2w`; a bare number is refused, because its unit is a guess.

    >>> parse_duration("1h")
    datetime.timedelta(seconds=3600)
    """
    if isinstance(text, timedelta):
        return text
    found = re.fullmatch(r"(\d{1,6})\s*([smhdw])", str(text).strip().lower())
    if not found:
        raise ValueError(f"expected a duration such as 30s, 5m, 1h or 7d, got {text!r}")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that keeps it whole.

    >>> format_duration(timedelta(hours=24))
    '1d'
    """
    seconds = round(duration.total_seconds())
    unit = next(unit for unit in "wdhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _written(value: object) -> object:
    if isinstance(value, bool | int | float):
        raise PydanticCustomError("number_as_address", "expected an address, got a number")
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("boolean_as_number", "expected a whole number, got a boolean")
    return value


def _url(value: str) -> str:
    if not re.match(r"https?://[^\s/]", value):
        raise ValueError(f"expected an http:// or https:// address, got {value!r}")
    return value


def _collector_url(value: str) -> str:
    return value if value == "embedded" else _url(value)


def _upstream(value: str) -> str:
    if re.match(r"(?:https|quic|sdns)://", value):
        raise ValueError(f"upstreams are asked over UDP, TCP and TLS only, so {value!r} cannot be used")
    if not re.fullmatch(r"(?:(?:udp|tcp|tls)://)?[^\s/]+", value):
        raise ValueError(f"expected `system` or an address such as 9.9.9.9 or 10.0.0.53:5353, got {value!r}")
    return value


Address = Annotated[IPvAnyAddress, BeforeValidator(_written)]
Network = Annotated[IPvAnyNetwork, BeforeValidator(_written)]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9]{1,6}\s*[smhdwSMHDW]\s*$", "examples": ["30s", "1h"]}),
]
HttpUrl = Annotated[str, AfterValidator(_url)]
CollectorUrl = Annotated[str, AfterValidator(_collector_url)]
Upstream = Annotated[str, AfterValidator(_upstream)]
Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(_whole)]


class Section(BaseModel):
    """Refuse unknown keys everywhere: a misspelt key would otherwise be a setting that silently does nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)


class ProxyConfig(Section):
    """Where the proxy listens. Port 0 takes a free one."""

    host: Address = Field(default="127.0.0.1", validate_default=True)  # type: ignore[assignment]
    """Address for the HTTP and SOCKS5 listeners."""
    port: Port = 8080
    """HTTP proxy port (CONNECT and plain HTTP)."""
    socks_port: Port = 1080
    """SOCKS5 port."""
    transparent_port: Port | None = None
    """Port for redirected (transparent) TCP, Linux only; none by default."""


class DnsConfig(Section):
    """How names are answered."""

    host: Address = Field(default="127.0.0.1", validate_default=True)  # type: ignore[assignment]
    """Address for DNS over UDP and TCP."""
    port: Port = 5053
    """DNS port, UDP and TCP."""
    upstreams: tuple[Upstream, ...] = ("system",)
    """Resolvers to ask, first to last; `system` stands for those of resolv.conf, read anew when it changes."""
    strategy: Literal["strict", "fastest", "parallel"] = "strict"
    """In which order several resolvers are asked: as listed, the quickest first, or at the same time."""
    blocked_answer: Literal["zero", "nxdomain", "refused", "page"] = "zero"
    """What a blocked name is answered with: 0.0.0.0 and ::, NXDOMAIN, REFUSED, or the block page's address."""
    hosts: dict[str, Address | tuple[Address, ...]] = {}
    """Fixed addresses for names; the proxy's own lookups honour them too."""
    allow_clients: tuple[Network, ...] = (
        "127.0.0.0/8",
        "::1/128",
    )  # type: ignore[assignment]
    """Networks that may ask; others are refused, so that this is never an open resolver."""
    rate_limit: Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(_whole)] = 0
    """Questions a second that one client address may ask; 0 sets no limit."""
    routes: dict[str, Upstream | tuple[Upstream, ...]] = {}
    """Resolvers for one domain and its subdomains, in place of `upstreams`."""
    local_reverse: bool = True
    """Keep reverse names of private addresses here: answered NXDOMAIN, unless in `hosts` or routed."""
    private_answers: Literal["allow", "block"] = "allow"
    """Whether public names may have private addresses; `block` guards against DNS rebinding."""
    private_names: tuple[str, ...] = ()
    """Domains that may have private addresses all the same, with their subdomains."""
    encrypted_dns: Literal["allow", "block"] = "allow"
    """Whether devices may find known DoH, DoT and ODoH resolvers and iCloud Private Relay."""
    strip_ech_h3: Literal["never", "inspected", "always"] = "inspected"
    """Whose HTTPS and SVCB answers lose `ech` and `h3`: nobody's, hosts that are to be looked into, everybody's."""


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


class FeedConfig(Section):
    """One published list of indicators. Exactly one of `path` and `url`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    """Short name, used in verdicts and on the command line."""
    url: HttpUrl | None = None
    """Address to fetch it from."""
    path: Path | None = None
    """File to read it from, relative to config.yaml."""
    format: Literal[
        "auto",
        "adguard",
        "dnsmasq",
        "unbound",
        "rpz",
        "urlhaus_csv",
        "urlhaus_json",
        "threatfox_csv",
        "threatfox_json",
        "feodo_csv",
        "malwarebazaar_csv",
        "hashes",
        "sslbl",
        "phishtank_csv",
        "phishtank_json",
        "feodo_json",
        "spamhaus_json",
        "maltrail",
        "stix",
        "misp",
        "tweetfeed",
        "hosts",
        "ips",
        "urls",
        "wildcards",
        "domains",
    ] = "auto"
    """Its format; `auto` recognises it from the content."""
    category: Category = Category.MALICIOUS
    """What its entries warn of."""
    action: Action = Action.BLOCK
    """What its entries ask for: block, warn or audit."""
    interval: Duration = timedelta(hours=6)
    """How often to look for a new version."""
    enabled: bool = True
    """Whether it is used."""


class PolicyConfig(Section):
    """How verdicts become enforcement."""

    mode: Mode = Mode.ENFORCE
    """`enforce`, or `audit` to record what would have been done and let it pass."""
    on_error: OnError = OnError.CLOSED
    """What happens when judging itself fails: `open` lets pass, `closed` blocks."""
    convert_warn_to_block: bool = False
    """Turn every warning into a block, so that nobody can continue."""
    warn_without_page: Literal["block", "allow"] = "block"
    """What a warning becomes where no page can be shown (DNS only, no CA, raw TCP)."""
    waiver: Duration = timedelta(hours=24)
    """How long a person's `continue` past a warning holds."""


class PrivacyConfig(Section):
    """What leaves the gateway and how long it is kept."""

    hide_urls: bool = False
    """Keep destinations out of events and alerts; device, severity and counts stay."""
    retention_days: Annotated[int, Field(ge=1, le=3650), BeforeValidator(_whole)] = 90
    """Days that events and alerts are kept."""


class Config(Section):
    """The whole of `config.yaml`."""

    state_dir: Path = Path(".seawall")
    """Where Seawall keeps its state, relative to config.yaml."""
    proxy: ProxyConfig = ProxyConfig()
    dns: DnsConfig = DnsConfig()
    collector: CollectorConfig = CollectorConfig()
    startup: Literal["serve", "wait"] = "serve"
    """Before the first snapshot of feeds is there: `serve` answers with what is known, `wait` holds listeners back."""
    test_feed: bool = True
    """The built-in test feed (SmartScreen test hosts, EICAR), always on unless switched off here."""
    feeds: tuple[FeedConfig, ...] = ()
    """Published lists of indicators."""
    indicators: tuple[str | dict[str, Any], ...] = ()
    """Custom indicators, inline."""
    indicator_files: tuple[Path, ...] = ()
    """Files and folders with more custom indicators, relative to config.yaml."""
    policy: PolicyConfig = PolicyConfig()
    inspect: tuple[str, ...] = ()
    """Hosts that are always decrypted (for devices that trust the CA), with their subdomains."""
    never_inspect: tuple[str, ...] = ()
    """Hosts that are never decrypted, with their subdomains; beats URL indicators, never a host block."""
    inspect_untrusted: bool = False
    """Decrypt for devices that have not shown that they trust the CA."""
    privacy: PrivacyConfig = PrivacyConfig()
