"""`vulnerabilities:` where knowledge of operating system releases comes from, and what follows. Nothing is fetched."""

from __future__ import annotations

from proxy.config.values import HttpUrl, Section

_LIFE_CYCLES = "https://raw.githubusercontent.com/endoflife-date"


class KnowledgeSources(Section):
    """What `seawall vulnerabilities update` fetches."""

    ios_security: HttpUrl = "https://sofafeed.macadmins.io/v2/ios_data_feed.json"
    """Releases of iOS with the CVEs they fix (SOFA, Apache-2.0)."""
    ios_releases: HttpUrl = f"{_LIFE_CYCLES}/release-data/main/releases/ios.json"
    """Every release of iOS with its day (endoflife.date, MIT)."""
    ios_cycles: HttpUrl = f"{_LIFE_CYCLES}/endoflife.date/master/products/ios.md"
    """Life cycles of iOS (endoflife.date, MIT)."""
    android_cycles: HttpUrl = f"{_LIFE_CYCLES}/endoflife.date/master/products/android.md"
    """Life cycles of Android (endoflife.date, MIT)."""
    exploited: HttpUrl = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
    """Vulnerabilities that are known to be exploited (CISA, CC0)."""


class VulnerabilitiesConfig(Section):
    """Where knowledge of releases comes from, and whether exposure feeds the risk."""

    raises_risk: bool = False
    """Let exposure feed a device's risk: high exposure weighs medium, medium exposure low."""
    sources: KnowledgeSources = KnowledgeSources()
    """What `seawall vulnerabilities update` fetches."""
