"""The typed model of `config.yaml`: the sections in one whole.

The committed `config.yaml`, its comments and the JSON Schema are held to the model by tests. Nothing is read or
resolved here (see `load.py`); custom indicators stay plain mappings here and are parsed by `indicators.rules`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from proxy.config.sections.collector import CollectorConfig
from proxy.config.sections.corporate import CorporateConfig
from proxy.config.sections.dns import DnsConfig
from proxy.config.sections.feeds import FeedConfig
from proxy.config.sections.firewall import FirewallConfig
from proxy.config.sections.groups import GroupConfig
from proxy.config.sections.guards import GuardsConfig
from proxy.config.sections.metrics import MetricsConfig
from proxy.config.sections.outputs import OutputConfig
from proxy.config.sections.pages import PagesConfig
from proxy.config.sections.policy import PolicyConfig
from proxy.config.sections.privacy import PrivacyConfig
from proxy.config.sections.protect import ProtectConfig
from proxy.config.sections.proxy import ProxyConfig
from proxy.config.sections.scan import ScanConfig
from proxy.config.sections.vulnerabilities import VulnerabilitiesConfig
from proxy.config.sections.wireguard import WireguardConfig
from proxy.config.values import Section


class Config(Section):
    """The whole of `config.yaml`."""

    state_dir: Path = Path(".seawall")
    """Where Seawall keeps its state, relative to config.yaml."""
    user: str = ""
    """User that the gateway becomes when it is started as root (Linux); `root` stays root."""
    proxy: ProxyConfig = ProxyConfig()
    quic: Literal["reject", "pass"] = "reject"
    """Whether QUIC (UDP 443) is refused where traffic is routed here, so that browsers fall back to TCP at once."""
    firewall: FirewallConfig = FirewallConfig()
    protect: ProtectConfig = ProtectConfig()
    wireguard: WireguardConfig = WireguardConfig()
    pages: PagesConfig = PagesConfig()
    dns: DnsConfig = DnsConfig()
    collector: CollectorConfig = CollectorConfig()
    startup: Literal["serve", "wait"] = "serve"
    """Before the first snapshot of feeds is there: `serve` answers with what is known, `wait` holds listeners back."""
    test_feed: bool = True
    """The built-in test feed (SmartScreen test hosts, EICAR), always on unless switched off here."""
    feeds: tuple[FeedConfig, ...] = ()
    """Published lists of indicators."""
    guards: GuardsConfig = GuardsConfig()
    """Hosts that feeds alone shall not block."""
    indicators: tuple[str | dict[str, Any], ...] = ()
    """Custom indicators, inline."""
    indicator_files: tuple[Path, ...] = ()
    """Files and folders with more custom indicators, relative to config.yaml."""
    policy: PolicyConfig = PolicyConfig()
    corporate: CorporateConfig = CorporateConfig()
    groups: dict[str, GroupConfig] = Field(default={})
    """What differs for the devices of one group; `seawall devices add NAME --group children` puts a device into one."""
    inspect: tuple[str, ...] = ()
    """Hosts that are always decrypted (for devices that trust the CA), with their subdomains."""
    never_inspect: tuple[str, ...] = ()
    """Hosts that are never decrypted, with their subdomains; beats URL indicators, never a host block."""
    never_inspect_known: bool = True
    """Never decrypt well-known hosts of banks, health, password managers, system updates and device attestation."""
    inspect_untrusted: bool = False
    """Decrypt for devices that have not shown that they trust the CA."""
    scan: ScanConfig = ScanConfig()
    vulnerabilities: VulnerabilitiesConfig = VulnerabilitiesConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    outputs: tuple[OutputConfig, ...] = ()
    """Whom the collector tells by itself: webhooks and syslog servers."""
    metrics: MetricsConfig = MetricsConfig()
