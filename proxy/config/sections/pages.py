"""`pages:` where the block page answers clients that DNS sent there. Nothing is read or resolved here."""

from __future__ import annotations

from proxy.config.values import Address, Port, Section


class PagesConfig(Section):
    """Where the block page answers clients that DNS sent there; open when `dns.page_address` is set."""

    host: Address | None = None
    """Address to listen on; by default those of `dns.page_address`."""
    http_port: Port = 80
    """Port for the block page over HTTP; browsers look at 80."""
    https_port: Port = 443
    """Port for the block page over HTTPS; browsers look at 443."""
