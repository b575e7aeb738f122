"""Know the gateway's own ports: those of the configuration, and those that the supervisor tells."""

from __future__ import annotations

from proxy.config.model import Config
from proxy.control import ControlClient, ControlError


def ports_of(config: Config) -> frozenset[int]:
    """Return the gateway's ports as configured."""
    proxy = config.proxy
    ports = {proxy.port, proxy.socks_port, proxy.transparent_port, proxy.tproxy_port}
    ports |= {config.dns.port, config.dns.tls_port, config.dns.https_port}
    if config.dns.page_address:
        ports |= {config.pages.http_port, config.pages.https_port}
    if config.wireguard.by_kernel:
        inner = config.wireguard.inner
        ports |= {inner.front, inner.http, inner.https, inner.dns}
    if config.collector.url == "embedded":
        ports.add(config.collector.port)
    return frozenset(port for port in ports if port)


class ToldPorts:
    """Ask the supervisor for all ports."""

    def __init__(self, config: Config, control: ControlClient) -> None:
        self._configured = ports_of(config)
        self._control = control

    async def __call__(self) -> frozenset[int]:
        """Return all ports. Without an answer of the supervisor, those of the configuration."""
        try:
            told = (await self._control.call("own_ports")).get("ports", [])
        except ControlError:
            return self._configured
        return self._configured | frozenset(int(port) for port in told)
