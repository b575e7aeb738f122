"""One indicator: what we look for, what to do when it is met, where it came from. A value; it matches nothing."""

from __future__ import annotations

from datetime import datetime

from indicators.frozen import frozen
from indicators.words import Action, Category, IndicatorType, Severity, Visibility

ALL_GROUPS: frozenset[str] = frozenset()


@frozen
class Origin:
    """Name where an indicator stands, so that a person can find and change it.

    `source` is a feed's name, `custom` for YAML, `api` for the collector, `waiver` or `pause` for daily life.
    `custom` decides precedence: a custom indicator outranks every feed. An allow that `yields` (one pushed by the
    collector) does not override a custom block that does not.
    """

    source: str
    custom: bool
    place: str = ""  # a file's name, or a feed's
    line: int = 0  # 1-based; 0 where lines mean nothing
    yields: bool = False


@frozen
class Indicator:
    """Describe one observable to look for, with the fields of Defender's indicator resource.

    `value` is canonical for its type: a lower-case IDNA host without a trailing dot; a URL as the Safe Browsing
    expression `host/path?query`; an address or network in compressed form; a hash in lower-case hex; a certificate
    thumbprint as SHA-1 in lower-case hex. `exact` is true for a domain that does not cover its subdomains, or a URL
    that is not a prefix. `device_groups` and `devices` (ids) empty mean all devices.
    """

    value: str
    type: IndicatorType
    action: Action
    origin: Origin
    category: Category = Category.CUSTOM
    title: str = ""
    description: str = ""
    severity: Severity | None = None
    expiration: datetime | None = None
    generate_alert: bool = True
    recommended_actions: str = ""
    educate_url: str = ""
    device_groups: frozenset[str] = ALL_GROUPS
    devices: frozenset[str] = frozenset()
    exact: bool = False
    always_inspect: bool = False
    confidence: int = 100  # percent
    since: datetime | None = None  # when it was first listed here, where that is known; aware

    @property
    def visibility(self) -> Visibility:
        """Return the least that must be seen for this indicator to be usable."""
        if self.type is IndicatorType.URL and self.is_host_only:
            return Visibility.DNS
        return _VISIBILITY[self.type]

    @property
    def host(self) -> str:
        """Return the host part of a domain or URL indicator; empty for other types."""
        if self.type is IndicatorType.DOMAIN:
            return self.value
        return self.value.partition("/")[0] if self.type is IndicatorType.URL else ""

    @property
    def is_host_only(self) -> bool:
        """Say whether a URL indicator names a whole host (`host/`, as a prefix)."""
        return self.type is IndicatorType.URL and not self.exact and self.value.partition("/")[2] == ""


_VISIBILITY = {
    IndicatorType.DOMAIN: Visibility.DNS,
    IndicatorType.URL: Visibility.URL,
    IndicatorType.IP: Visibility.CONNECTION,
    IndicatorType.SHA256: Visibility.BODY,
    IndicatorType.SHA1: Visibility.BODY,
    IndicatorType.MD5: Visibility.BODY,
    IndicatorType.CERTIFICATE: Visibility.SERVER_CERT,
}
