"""Read an upstream's address as `dns.upstreams` and resolv.conf write it. A value; nothing is asked here."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from indicators.hosts import canonical_host, is_address

type Scheme = Literal["udp", "tcp", "tls", "https"]
_PORTS: dict[Scheme, int] = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}
_ENCRYPTED = ("tls", "https")
_DEFAULT_PATH = "/dns-query"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Name one upstream.

    `host` is an address, with its zone for IPv6 link-local ones; with TLS it may be a name, looked up by
    `dns.bootstrap`. `name` is what its certificate must speak of, when that is not `host`; `path` is for HTTPS.
    """

    scheme: Scheme
    host: str
    port: int
    name: str = ""
    path: str = ""

    @property
    def needs_lookup(self) -> bool:
        """Say whether `host` is a name."""
        return not _is_address(self.host)

    @property
    def server_name(self) -> str:
        """Return what the certificate must speak of."""
        return self.name or self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}" + (f"#{self.name}" if self.name else "")


def parse_endpoint(text: str) -> Endpoint:
    """Read `9.9.9.9`, `10.0.0.53:5353`, `[2620:fe::fe]:53`, `tcp://…`, `tls://9.9.9.9#dns.example`, `https://…`.

    Raises ValueError.
    """
    scheme, rest = _scheme(text)
    rest, _, name = rest.partition("#") if scheme in _ENCRYPTED else (rest, "", "")
    rest, slash, path = rest.partition("/")
    host, port = _host_and_port(rest)
    try:
        named = not _is_address(host)
        host = canonical_host(host) if named and scheme in _ENCRYPTED else host
        number = int(port or _PORTS[scheme])
        fits = 0 < number < 65536 and (not named or (scheme in _ENCRYPTED and not is_address(host)))
        fits = fits and (scheme == "https" or not path) and path.isascii() and path.isprintable() and " " not in path
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"dns.upstreams: expected an address such as 9.9.9.9 or 10.0.0.53:5353, got {text!r}")
    return Endpoint(scheme, host, number, name, (f"{slash}{path}" if path else _DEFAULT_PATH) * (scheme == "https"))


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, closing, port = text[1:].partition("]")
        return (host if closing else ""), port.removeprefix(":")
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _scheme(text: str) -> tuple[Scheme, str]:
    for scheme in _PORTS:
        if text.startswith(f"{scheme}://"):
            return scheme, text.removeprefix(f"{scheme}://")
    return "udp", text
