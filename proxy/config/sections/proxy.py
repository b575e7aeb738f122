"""`proxy:` where devices connect. Nothing is read or resolved here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from proxy.config.values import Address, Network, Port, Section, whole_number


class ProxyConfig(Section):
    """Where the proxy listens. Port 0 takes a free one."""

    host: Address = Field(default="127.0.0.1", validate_default=True)  # type: ignore[assignment]
    """Address for the HTTP and SOCKS5 listeners."""
    port: Port = 8080
    """HTTP proxy port (CONNECT and plain HTTP)."""
    socks_port: Port = 1080
    """SOCKS5 port."""
    transparent_port: Port | None = None
    """Port for redirected (transparent) TCP, Linux only; none by default."""
    tproxy_port: Port | None = None
    """Port for TCP that arrives by TPROXY, Linux only; none by default."""
    trusted_proxies: tuple[Network, ...] = ()
    """Load balancers in front of us, whose PROXY protocol header says who the client is."""
    upstream_ca: Path | None = None
    """Certificates (PEM) that sites may show beside public ones, where connections are decrypted."""
    allow_clients: tuple[Network, ...] = ()
    """Networks that may connect, beside this machine; a listener beyond loopback needs them, or credentials."""
    credentials: Literal["optional", "required"] = "optional"
    """Whether HTTP and SOCKS5 clients must give the user name and password of a registered device."""
    allow_private: tuple[Network, ...] = ()
    """Private destinations that clients may reach where the proxy listens beyond loopback."""
    max_connections: Annotated[int, Field(ge=16, le=1_000_000), BeforeValidator(whole_number)] = 8192
    """Clients connected to the front at the same time; further ones are turned away until others have gone."""
    inspectors: Annotated[int, Field(ge=1, le=32), BeforeValidator(whole_number)] = 1
    """Processes that decrypt; the devices are spread over them."""
