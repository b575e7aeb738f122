"""Whom a request comes from, where proxies passed it on. Pure.

Each proxy adds, at the end of X-Forwarded-For, whom it was asked by: what stands before the first entry that a trusted
proxy wrote is whatever the client liked to send.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_MOST = 16  # proxies in a row; what stands further left is not read


def client_of(peer: str, lines: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the right-most address that is no trusted proxy: the peer's own, unless it is one.

    `lines` are the X-Forwarded-For headers in the order of arrival: some proxies add a line instead of an entry. An
    entry that is no address ends the search at the proxy that wrote it; where all are trusted, the left-most counts.

    >>> client_of("127.0.0.1", ["203.0.113.9, 198.51.100.7"], LOOPBACK)
    '198.51.100.7'
    """
    found = _read(peer)
    if found is None:
        return peer
    for entry in reversed(",".join(lines).rsplit(",", _MOST)[-_MOST:]):
        told = _read(entry)
        if told is None or not _is_trusted(found, trusted):
            break
        found = told
    return str(found)


def line_of(address: str) -> str:
    """Return what one subscriber is known by: an IPv4 address, or the /64 that each IPv6 line has at least.

    >>> line_of("2001:db8::7")
    '2001:db8::/64'
    """
    found = _read(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def _read(entry: str) -> Address | None:
    """Read an address, with a port as some proxies write it. IPv4 within IPv6 is IPv4; a zone is left out."""
    text = entry.strip()[:64]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
