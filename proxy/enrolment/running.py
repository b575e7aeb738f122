"""The configuration with the ports that the running gateway really took, where one runs."""

from __future__ import annotations

from contextlib import suppress

from proxy import endpoints
from proxy.config.model import Config
from proxy.state import StateDir


def as_bound(config: Config, state: StateDir) -> Config:
    """Return the configuration with the ports of `endpoints.json`; unchanged where no gateway runs."""
    found: dict[str, object] = {}
    with suppress(OSError, ValueError):
        found = endpoints.read(state.endpoints)
    proxy = _ports(found, {"port": "http_proxy"})
    dns = _ports(found, {"https_port": "dns_https", "tls_port": "dns_tls"})
    return config.model_copy(
        update={"proxy": config.proxy.model_copy(update=proxy), "dns": config.dns.model_copy(update=dns)}
    )


def _ports(found: dict[str, object], keys: dict[str, str]) -> dict[str, int]:
    return {key: endpoints.split(str(found[name]))[1] for key, name in keys.items() if name in found}
