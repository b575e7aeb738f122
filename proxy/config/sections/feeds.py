"""`feeds:` published lists of indicators. Nothing is read or resolved here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from indicators.words import Action, Category
from proxy.config.values import Duration, HttpUrl, Section, whole_number


class FeedKey(Section):
    """The secret that a publisher gave to this user. Exactly one of `env` and `file`; never the secret itself."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")] | None = None
    """Environment variable that holds it."""
    file: Path | None = None
    """File that holds it, relative to config.yaml."""
    send: Literal["header", "query", "basic", "bearer", "url"] = "header"
    """How it is sent: as the header or query parameter `name`, as a password, as a bearer token, or inside `url`."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = ""
    """Name of the header or of the query parameter."""
    user: str = ""
    """User name that goes with a password (`send: basic`)."""


class FeedConfig(Section):
    """One published list of indicators. Exactly one of `path` and `url`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    """Short name, used in verdicts and on the command line."""
    url: HttpUrl | None = None
    """Address to fetch it from."""
    path: Path | None = None
    """File to read it from, relative to config.yaml."""
    protocol: Literal["download", "taxii", "misp", "safebrowsing"] = "download"
    """How `url` is asked: one file, a TAXII 2.1 collection, the folder of a MISP feed, or a Safe Browsing v5 list."""
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
        "defender_csv",
        "defender_json",
        "safebrowsing",
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
    confidence: Annotated[int, Field(ge=0, le=100), BeforeValidator(whole_number)] = 100
    """How sure its publisher is, in percent, where its entries say nothing more doubtful."""
    interval: Duration = timedelta(hours=6)
    """How often to look for a new version; never more often than its publisher allows."""
    history: Duration | None = None
    """How far back to reach in a TAXII collection or a MISP feed; older entries are dropped."""
    enabled: bool = True
    """Whether it is used."""
    licence: str = ""
    """Licence of the list, as an SPDX name where it has one."""
    terms: str = ""
    """Where its publisher's terms of use stand, or what they ask for."""
    commercial_use: Literal["allowed", "forbidden", "paid"] = "allowed"
    """Whether its terms allow commercial use: freely, never, or for money."""
    key: FeedKey | None = None
    """The secret that its publisher asks for."""
    user_agent: Annotated[str, Field(pattern=r"^[ -~]{0,200}$")] = ""
    """User-Agent to send, where its publisher demands a certain one."""
    allow_rewrite: bool = False
    """Whether its rewrites redirect (in DNS); otherwise they are blocks."""
    insecure_ok: bool = False
    """Whether its entries are enforced although it comes over plain http; otherwise they are audited."""
    max_megabytes: Annotated[int, Field(ge=1, le=4096), BeforeValidator(whole_number)] = 128
    """Most megabytes to accept as they are sent."""
    max_unpacked_megabytes: Annotated[int, Field(ge=1, le=16384), BeforeValidator(whole_number)] = 512
    """Most megabytes to accept as they are unpacked."""
    max_pages: Annotated[int, Field(ge=1, le=100000), BeforeValidator(whole_number)] = 1000
    """Most pages of a TAXII collection, or events of a MISP feed, to fetch in one update."""
