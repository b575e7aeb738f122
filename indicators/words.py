"""The field's words as enums: every room spells an action, a stage or a severity the same way.

Only words and their order live here; what follows from them is decided elsewhere (`decide.py`, `inspection.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Action(StrEnum):
    """Say what an indicator asks for, weakest first."""

    strength: int  # a greater number restricts more

    ALLOW = ("allow", 0)
    AUDIT = ("audit", 1)
    WARN = ("warn", 2)
    BLOCK = ("block", 3)

    def __new__(cls, value: str, strength: int = 0) -> Self:
        """Give each word its rank as a plain attribute: it is read for every match."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.strength = strength
        return member


class Stage(StrEnum):
    """Name the moment of a connection at which something was seen."""

    DNS = "dns"
    CONNECTION = "connection"
    TLS = "tls"
    HTTP = "http"
    DOWNLOAD = "download"
    SERVER_CERT = "server_cert"


class Visibility(StrEnum):
    """Name the least that must be seen for an indicator to be usable, narrowest sight first."""

    DNS = "dns"
    CONNECTION = "connection"
    SNI = "sni"
    URL = "url"
    BODY = "body"
    SERVER_CERT = "server_cert"

    @property
    def depth(self) -> int:
        """Order sights: a greater number sees more. A server's certificate is seen only when we are its client."""
        return _DEPTH[self]


_DEPTH = {
    Visibility.DNS: 0,
    Visibility.CONNECTION: 1,
    Visibility.SNI: 2,
    Visibility.SERVER_CERT: 3,
    Visibility.URL: 4,
    Visibility.BODY: 5,
}


class IndicatorType(StrEnum):
    """Name the kind of observable that an indicator's value describes."""

    DOMAIN = "domain"
    URL = "url"
    IP = "ip"
    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"
    CERTIFICATE = "certificate"


class Category(StrEnum):
    """Name what an indicator warns of."""

    label: str  # the words a person reads

    PHISHING = ("phishing", "Phishing")
    MALWARE = ("malware", "Malware")
    COMMAND_AND_CONTROL = ("command_and_control", "Command and control")
    MALICIOUS = ("malicious", "Malicious site")
    SUSPICIOUS = ("suspicious", "Suspicious site")
    UNWANTED = ("unwanted", "Unwanted content")
    CUSTOM = ("custom", "Blocked by your organisation")

    def __new__(cls, value: str, label: str = "") -> Self:
        """Give each word its label as a plain attribute."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Severity(StrEnum):
    """Rank an alert as Defender does, mildest first."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Enforcement(StrEnum):
    """Say what was really done with the connection."""

    PASSED = "passed"
    SINKHOLED = "sinkholed"
    RESET = "reset"
    PAGE = "page"
    WAIVED = "waived"


class IdentifiedBy(StrEnum):
    """Say how a device is known; `ADDRESS` is weak, the others are strong."""

    WIREGUARD = "wireguard"
    CREDENTIAL = "credential"
    TOKEN = "token"  # noqa: S105 - the word for a DoH or DoT token, not a secret
    ADDRESS = "address"


class Mode(StrEnum):
    """Choose whether verdicts are enforced or only recorded."""

    ENFORCE = "enforce"
    AUDIT = "audit"


class OnError(StrEnum):
    """Choose what happens when judging itself fails."""

    OPEN = "open"
    CLOSED = "closed"


class Risk(StrEnum):
    """Rank a device's risk, safest first."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
