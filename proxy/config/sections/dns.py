"""`dns:` how names are answered. Nothing is read or resolved here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from proxy.config.values import Address, Network, Port, Section, Upstream, whole_number


class DnsTlsConfig(Section):
    """Name and certificate of DNS over TLS and HTTPS."""

    name: str = "seawall.internal"
    """Name by which devices reach DNS over TLS and HTTPS; TOKEN.NAME stands for one device."""
    cert: Path | None = None
    """Certificate (PEM, with its chain) of that name, for devices that do not take our CA."""
    key: Path | None = None
    """The certificate's key (PEM)."""
    connections: Annotated[int, Field(ge=1, le=100_000), BeforeValidator(whole_number)] = 1000
    """Connections that DNS over TLS, and DNS over HTTPS, each serve at the same time."""
    connections_each: Annotated[int, Field(ge=1, le=100_000), BeforeValidator(whole_number)] = 100
    """How many of them one client address may have."""


class DnsConfig(Section):
    """How names are answered."""

    host: Address = Field(default="127.0.0.1", validate_default=True)  # type: ignore[assignment]
    """Address for DNS over UDP and TCP."""
    port: Port = 5053
    """DNS port, UDP and TCP."""
    tls_port: Port | None = None
    """Port for DNS over TLS; none by default."""
    https_port: Port | None = None
    """Port for DNS over HTTPS; none by default."""
    tls: DnsTlsConfig = DnsTlsConfig()
    upstreams: tuple[Upstream, ...] = ("system",)
    """Resolvers to ask, first to last; `system` stands for those of resolv.conf, read anew when it changes."""
    bootstrap: tuple[Upstream, ...] = ("system",)
    """Resolvers that find the addresses of upstreams given by name."""
    strategy: Literal["strict", "fastest", "parallel"] = "strict"
    """In which order several resolvers are asked: as listed, the quickest first, or at the same time."""
    blocked_answer: Literal["zero", "nxdomain", "refused", "page"] = "zero"
    """What a blocked name is answered with: 0.0.0.0 and ::, NXDOMAIN, REFUSED, or the block page's address."""
    page_address: tuple[Address, ...] = ()
    """Where the block page is, for `page`; by default the address at which the question came in."""
    processes: Annotated[int, Field(ge=1, le=32), BeforeValidator(whole_number)] = 1
    """Processes that answer; they share the port, and each keeps a cache of its own."""
    hosts: dict[str, Address | tuple[Address, ...]] = Field(default={})
    """Fixed addresses for names; the proxy's own lookups honour them too."""
    allow_clients: tuple[Network, ...] = (
        "127.0.0.0/8",
        "::1/128",
    )  # type: ignore[assignment]
    """Networks that may ask; others are refused, so that this is never an open resolver."""
    rate_limit: Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(whole_number)] = 0
    """Questions a second that one client address may ask; 0 sets no limit."""
    routes: dict[str, Upstream | tuple[Upstream, ...]] = Field(default={})
    """Resolvers for one domain and its subdomains, in place of `upstreams`."""
    local_reverse: bool = True
    """Keep reverse names of private addresses here: answered NXDOMAIN, unless in `hosts` or routed."""
    private_answers: Literal["allow", "block"] = "allow"
    """Whether public names may have private addresses; `block` guards against DNS rebinding."""
    private_names: tuple[str, ...] = ()
    """Domains that may have private addresses all the same, with their subdomains."""
    encrypted_dns: Literal["allow", "block"] = "allow"
    """Whether devices may find known DoH, DoT and ODoH resolvers and iCloud Private Relay."""
    strip_ech_h3: Literal["never", "inspected", "always"] = "inspected"
    """Whose HTTPS and SVCB answers lose `ech` and `h3`: nobody's, hosts that are to be looked into, everybody's."""

    @property
    def over_tls(self) -> bool:
        """Say whether DNS is served over TLS or HTTPS at all."""
        return self.tls_port is not None or self.https_port is not None
