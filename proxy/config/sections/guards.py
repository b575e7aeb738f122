"""`guards:` hosts that feeds alone shall not block, beside the lists of Seawall. Nothing is resolved here."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from indicators.hosts import canonical_host
from proxy.config.values import Section


def _host(text: str) -> str:
    return canonical_host(text.strip().removeprefix("*."))


type Hosts = tuple[Annotated[str, AfterValidator(_host)], ...]


class GuardsConfig(Section):
    """Hosts that feeds alone shall not block; a custom indicator overrides any guard."""

    shared_hosts: Hosts = ()
    """Hosts on which anyone may publish: their listed paths are blocked, not the host."""
    shorteners: Hosts = ()
    """Hosts that shorten links: the listed links are blocked, not the host."""
    top_hosts: Hosts = ()
    """Widely used hosts: blocked only when two independent feeds name them."""
    never_block: Hosts = ()
    """Hosts that no feed may block, with their subdomains and paths; what feeds say of them is recorded."""
