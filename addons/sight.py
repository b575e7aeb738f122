"""Read from mitmproxy's objects what an observation needs: canonical hosts, URLs, destinations. Nothing is judged."""

from __future__ import annotations

from functools import lru_cache

from mitmproxy import http
from mitmproxy.net.http import url as authorities

from indicators.hosts import canonical_host, is_address

_LONGEST = 300  # characters of an authority that is remembered: what a name and a port may have
_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(text: str) -> str:
    """Return the canonical form of a name, or an empty string for none and for what is no name."""
    try:
        return canonical_host(text) if text else ""
    except ValueError:
        return ""


def said_host(request: http.Request) -> str:
    """Return the canonical host that a request names in `Host` or `:authority`; empty when it names none.

    Raises ValueError when what it names is no host.
    """
    said = request.authority or request.headers.get("host", "")
    if not said:
        return ""
    return _host_in(said) if len(said) <= _LONGEST else _read(said)


def asked_host(request: http.Request) -> str:
    """Return the canonical host that a request is for: the one it names, else the one it goes to; empty for none."""
    try:
        return said_host(request) or host_of(request.host)
    except ValueError:
        return ""


def _read(authority: str) -> str:
    host, _ = authorities.parse_authority(authority, check=False)
    return canonical_host(host)


_host_in = lru_cache(1024)(_read)  # asked several times at each request, of the same few


def names_of(*hosts: str) -> tuple[str, ...]:
    """Return the names among hosts, in order and once each; the addresses only when there is no name at all."""
    known = tuple(dict.fromkeys(filter(None, hosts)))
    return tuple(host for host in known if not is_address(host)) or known[:1]


def url_on(request: http.Request, host: str) -> str:
    """Return the absolute URL of a request as it would be on `host`."""
    written = f"[{host}]" if ":" in host else host
    port = "" if request.port == _DEFAULT_PORTS.get(request.scheme) else f":{request.port}"
    path = request.path if request.path.startswith("/") else "/"
    return f"{request.scheme or 'http'}://{written}{port}{path}"
