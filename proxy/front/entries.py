"""The front's listeners in one list, as the configuration asks for them."""

from __future__ import annotations

from proxy.config.model import Config
from proxy.front.front import Entry, bound
from proxy.front.transparent import doorsteps
from proxy.pages.entries import page_entries


def entries(config: Config) -> list[Entry]:
    """Return every listener of the front, each bound. Raises OSError that names the one that cannot be."""
    proxy = config.proxy
    host = str(proxy.host)
    return [
        Entry("http_proxy", "http", bound(host, proxy.port)),
        Entry("socks", "socks", bound(host, proxy.socks_port)),
        *(Entry(step.name, "transparent", step.sock, step.destination_of) for step in doorsteps(proxy)),
        *page_entries(config),
    ]
