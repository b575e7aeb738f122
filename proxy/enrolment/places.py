"""Where a device reaches the gateway: the addresses that go into profiles and onto a person's screen.

A listener on every address has none that could be written down, so this machine's own on its way out is taken. No
packet is sent for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from proxy import endpoints
from proxy.config.model import Config
from proxy.config.sections.dns import DnsConfig
from proxy.own_address import own_address

PAC_PATH = "/proxy.pac"


@dataclass(frozen=True, slots=True)
class Places:
    """Hold addresses; `doh` and `dot` are empty where DNS is not served that way."""

    proxy_host: str
    proxy_port: int
    doh: str = ""
    dot: str = ""

    @property
    def proxy(self) -> str:
        """Return the proxy as `host:port`."""
        return endpoints.spell(self.proxy_host, self.proxy_port)

    @property
    def pac(self) -> str:
        """Return where the PAC file is: at the proxy's own port, so that whoever reaches one reaches the other."""
        return f"http://{self.proxy}{PAC_PATH}"


def places_of(config: Config, token: str, host: str = "") -> Places:
    """Return the places for a device with this DoH and DoT token; `host` is the gateway's name or address for it."""
    return Places(host or reachable(str(config.proxy.host)), config.proxy.port, **_dns(config.dns, token))


def reachable(host: str) -> str:
    """Return an address that others can reach where `host` stands for all of this machine's; else `host` itself."""
    return own_address() if ip_address(host).is_unspecified else host


def _dns(dns: DnsConfig, token: str) -> dict[str, str]:
    found = {}
    if dns.https_port is not None:
        port = f":{dns.https_port}" if dns.https_port not in (0, 443) else ""
        found["doh"] = f"https://{dns.tls.name}{port}/dns-query/{token}"
    if dns.tls_port is not None:
        found["dot"] = f"{token}.{dns.tls.name}"
    return found
