"""Host names: one canonical spelling, the parents of a name, and its key in a reversed trie.

The WHATWG URL standard, as ada-url implements it, decides what a host is, because that is what the client will connect
to; the Safe Browsing rule for dots comes after it. No name is resolved here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ada_url import parse_url

from indicators.addresses import parse_address, unmap

MAX_NAME = 253  # octets of a name in text form (RFC 1035, 2.3.4)

# A canonical name that is plain: labels of letters, digits, hyphen and underscore, the last one no number (a host that
# ends in a number is an address). Names with `xn--` go through the parser, which checks them.
_PLAIN = re.compile(r"(?!.{254})(?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62}").fullmatch
_QUAD = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)", re.A).fullmatch
_DELIMITER = re.compile(r"[\x00-\x20\x7f#/:?@\[\\\]]").search
_DOTS = re.compile(r"\.{2,}")
_LOCAL_NAMES = frozenset(("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"))


def canonical_host(text: str) -> str:
    """Return the one spelling of a host: a lower-case IDNA name without a trailing dot, or an address.

    IPv4 in any form that a client accepts (`0x7f.1`, `2130706433`, `127.1`) becomes a dotted quad; IPv6, with or
    without brackets, becomes compressed text without them, and the IPv4 address that it stands for where it maps one.
    Leading and trailing dots go and runs of dots become one, as in Safe Browsing. Idempotent. Raises ValueError.
    """
    if _PLAIN(text) and "xn--" not in text:
        return text
    simple = text.rstrip(".").lower()
    if (_PLAIN(simple) and "xn--" not in simple) or _QUAD(simple):
        return simple
    return _parsed(text)


def _parsed(text: str) -> str:
    if ":" in text:
        return str(unmap(parse_address(text)))
    name = whatwg_host(text)
    tidy = _DOTS.sub(".", name).strip(".")
    if not tidy:
        raise ValueError(f"{text!r:.80} is not a host name: it has no label")
    if tidy != name:
        return _parsed(tidy)  # `127.0.0.1..` is a name to the parser, and an address without its dots
    if len(name) > MAX_NAME or (len(name) > 63 and max(map(len, name.split("."))) > 63):
        raise ValueError(f"{name!r:.80} is longer than DNS allows: {MAX_NAME} characters, 63 a label")
    return name


def whatwg_host(text: str) -> str:
    """Return the host exactly as the WHATWG host parser serialises it for an `http` URL, dots included.

    Raises ValueError when it is none. IPv6 is not taken here.
    """
    if not text or _DELIMITER(text):
        raise ValueError(f"{text!r:.80} is not a host name")
    try:
        return str(parse_url(f"http://{text}/", ("hostname",))["hostname"])
    except ValueError:
        raise ValueError(f"{text!r:.80} is not a host name") from None


def is_address(host: str) -> bool:
    """Say whether a canonical host is an IP address, not a name."""
    if ":" not in host:
        return _QUAD(host) is not None
    try:
        parse_address(host)
    except ValueError:
        return False
    return True


def is_this_machine(host: str) -> bool:
    """Say whether a canonical host is the machine itself: loopback, the unspecified address, or `localhost`.

    A resolver may still send any other name here; the address that it resolves to must be looked at as well.
    """
    if is_address(host):
        address = parse_address(host)
        return address.is_loopback or address.is_unspecified
    return host in _LOCAL_NAMES or host.endswith(".localhost")  # RFC 6761, 6.3


def parents(host: str) -> Iterator[str]:
    """Yield a canonical host itself, then each parent, the top-level domain last; an address yields only itself."""
    yield host
    if is_address(host):
        return
    at = host.find(".")
    while at >= 0:
        yield host[at + 1 :]
        at = host.find(".", at + 1)


def reverse_key(host: str) -> str:
    """Return the trie key of a canonical host: `www.evil.com` gives `com.evil.www.`, an address itself and a dot.

    The keys of `parents(host)` are exactly the prefixes of its key that end in a dot.
    """
    if is_address(host):
        return host + "."
    return ".".join(host.split(".")[::-1]) + "."
