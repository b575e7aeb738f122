"""One canonical form of a URL: first what the client will connect to, then the Safe Browsing form of path and query.

The first layer is the WHATWG parser (ada-url); nothing here guesses at authority, port or user info. No network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ada_url import parse_url

from indicators.addresses import parse_address
from indicators.hosts import canonical_host
from indicators.safe_browsing import canonical_form, tail

_HREF = re.compile(
    r"(?P<scheme>https?|wss?|ftp)://(?:[^/@]*@)?(?P<host>\[[^\]/]*\]|[^/:]*)(?::(?P<port>\d+))?"
    r"(?P<path>/[^?#]*)(?:\?(?P<query>[^#]*))?"
).match
_WEB_SCHEME = re.compile(r"(?:https?|wss?|ftp):", re.IGNORECASE).match
# `evil.com:8080/` is a host and a port; anything else before a colon is some other scheme.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?![0-9]{1,5}(?:[/?#\\]|$))", re.IGNORECASE).match
_BARE_IPV6 = re.compile(r"[0-9a-f:]*:[0-9a-f.:]*:[0-9a-f.:]*(?=[/?#]|$)", re.IGNORECASE).match
_BLANKS = "".join(map(chr, range(0x21)))  # C0 controls and space, which the parser strips at both ends
_DROPPED = str.maketrans("", "", "\t\n\r")  # and what it drops anywhere


@dataclass(frozen=True, slots=True)
class CanonicalUrl:
    """Hold one URL in canonical parts.

    `href` is the WHATWG serialisation. `host` is as `hosts.canonical_host` gives it. `port` is nothing where it is the
    scheme's own. `path` and `query` are in Safe Browsing form, ASCII; the path starts with a slash and holds no `?`;
    the query is nothing without a `?`, and empty after a bare one.
    """

    href: str
    scheme: str
    host: str
    port: int | None
    path: str
    query: str | None

    @property
    def expression(self) -> str:
        """Return `host/path?query`: the value of a URL indicator. An IPv6 host stands without brackets."""
        return self.host + self.path if self.query is None else f"{self.host}{self.path}?{self.query}"


def canonical(text: str) -> CanonicalUrl:
    """Return the canonical form of an http, https, ws, wss or ftp URL; without a scheme, `http` is taken.

    `canonical(url.href) == url`, and `canonical(url.expression)` has the same expression. Raises ValueError with the
    reason.
    """
    found = _HREF(whatwg_href(text))
    if not found:
        raise ValueError(f"{text!r:.80} is not an http, https, ws, wss or ftp URL")
    scheme, host, port, path, query = found.groups()
    if "%" in path or "//" in path or (query and "%" in query):
        path, query = tail(path, query)
    return CanonicalUrl(found.string, scheme, canonical_host(host), int(port) if port else None, path, query)


def whatwg_href(text: str) -> str:
    """Return what the WHATWG parser makes of an absolute URL, or of a host and path without a scheme."""
    whole = text if _WEB_SCHEME(text) else _with_scheme(text)
    try:
        return str(parse_url(whole, ("href",))["href"])
    except ValueError:
        raise ValueError(f"{text!r:.80} is not a URL") from None


def _with_scheme(text: str) -> str:
    bare = text.strip(_BLANKS).translate(_DROPPED)
    address = _BARE_IPV6(bare)
    if address:
        return f"http://[{parse_address(address[0])}]{bare[address.end() :]}"
    if _WEB_SCHEME(bare) or _SCHEME(bare):
        return bare
    if bare.startswith(("/", "\\")):
        raise ValueError(f"{text!r:.80} is not a URL: it begins with a slash, not with a scheme or a host")
    return "http://" + bare


def safe_browsing(text: str | bytes) -> str:
    """Return a URL's Safe Browsing canonical form by the published rules alone, without the WHATWG layer."""
    return canonical_form(text)
