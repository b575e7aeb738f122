"""Read an upstream's address as `dns.upstreams` and resolv.conf write it. A value; nothing is asked here."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

type Scheme = Literal["udp", "tcp", "tls", "https"]
_PORTS: dict[Scheme, int] = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Name one upstream. `host` is an address, with its zone for IPv6 link-local ones.

    `name` is what its certificate must speak of, when that is not the address.
    """

    scheme: Scheme
    host: str
    port: int
    name: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}" + (f"#{self.name}" if self.name else "")


def parse_endpoint(text: str) -> Endpoint:
    """Read `9.9.9.9`, `10.0.0.53:5353`, `[2620:fe::fe]:53`, `tcp://…` or `tls://9.9.9.9#dns.example`.

    Raises ValueError.
    """
    scheme, host = _scheme(text)
    host, _, name = host.partition("#") if scheme == "tls" else (host, "", "")
    port = ""
    if host.startswith("["):
        host, closing, port = host[1:].partition("]")
        host, port = (host if closing else ""), port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        ip_address(host)
        number = int(port or _PORTS[scheme])
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise ValueError(f"dns.upstreams: expected an address such as 9.9.9.9 or 10.0.0.53:5353, got {text!r}")
    return Endpoint(scheme, host, number, name)


def _scheme(text: str) -> tuple[Scheme, str]:
    for scheme in _PORTS:
        if text.startswith(f"{scheme}://"):
            return scheme, text.removeprefix(f"{scheme}://").rstrip("/")
    return "udp", text
