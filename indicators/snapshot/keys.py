"""The keys of a snapshot's names, read back, and where a path prefix may end. The way there is `hosts.reverse_key`."""

from __future__ import annotations

from indicators.hosts import reverse_key
from indicators.observation import Address

_BOUNDARY = "/?&"


def host_key(host: str) -> str:
    """Return `hosts.reverse_key` of a canonical host, which it is but for the time: this is the way of all traffic."""
    if host[-1:].isdigit() or ":" in host:
        return reverse_key(host)
    labels = host.split(".")
    labels.reverse()
    return ".".join(labels) + "."


def host_part(key: str) -> str:
    """Return a name key without the path."""
    return key[: key.index("/")] if "/" in key else key


def host_of(key: str) -> str:
    """Return the host of a name key without a path; the key of an address holds it as it is."""
    if not (key[:1].isdigit() or ":" in key):
        labels = key.split(".")
        labels.reverse()
        return ".".join(labels)[1:]
    bare = key[:-1]
    reverse = ".".join(bare.split(".")[::-1])
    return reverse if reverse_key(reverse) == key else bare


def ends_at_boundary(target: str, length: int) -> bool:
    """Say whether so many characters of `/path?query` end at its end, or before or after one of `/`, `?` and `&`."""
    return length == len(target) or target[length] in _BOUNDARY or target[length - 1] in _BOUNDARY


def network_text(address: Address, bits: int) -> str:
    """Return the network of this prefix length that holds an address; an address alone stands without its length."""
    width = address.max_prefixlen
    if bits == width:
        return str(address)
    return f"{type(address)(int(address) >> (width - bits) << (width - bits))}/{bits}"
