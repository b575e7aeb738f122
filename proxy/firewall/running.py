"""The configuration with the ports that the running gateway really took: rules must name numbers, never 0."""

from __future__ import annotations

from proxy import endpoints
from proxy.config.model import Config
from proxy.state import StateDir

_PORTS = {"transparent": "transparent_port", "tproxy": "tproxy_port"}


def with_running_ports(config: Config) -> Config:
    """Return the configuration with each port of 0 filled in from endpoints.json, as far as a gateway runs."""
    try:
        found = endpoints.read(StateDir(config.state_dir).endpoints)
    except (OSError, ValueError):
        return config
    proxy = {
        key: endpoints.split(found[name])[1]
        for name, key in _PORTS.items()
        if getattr(config.proxy, key) == 0 and name in found
    }
    dns = {"port": endpoints.split(found["dns"])[1]} if config.dns.port == 0 and "dns" in found else {}
    return config.model_copy(
        update={"proxy": config.proxy.model_copy(update=proxy), "dns": config.dns.model_copy(update=dns)}
    )
