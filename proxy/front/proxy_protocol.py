"""The PROXY protocol's header, version 2: who the client is, as a load balancer before us says. Sans-IO.

Read only from `proxy.trusted_proxies`, where it must come first: from anybody else it could be forged. Version
1 is refused, because its end can be told from the client's own bytes only by looking for it. What is in the header's
TLVs is passed over. The format is haproxy's `proxy-protocol.txt`, section 2.2.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from indicators.addresses import unmap
from indicators.observation import Address
from proxy.front.greetings import GreetingError

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_LENGTH = 4096  # bytes after the fixed part; a header with every TLV in use stays far below
_FIXED = 16  # bytes
_LOCAL, _PROXY = 0x20, 0x21  # version 2 with either command
_TCP4, _TCP6 = 0x11, 0x21
_LAYOUT = {_TCP4: struct.Struct("!4s4sHH"), _TCP6: struct.Struct("!16s16sHH")}


@dataclass(frozen=True, slots=True)
class End:
    """Hold one end of the connection that the balancer took."""

    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class Header:
    """Hold one header. Without `source` the balancer speaks for itself, such as for its health check."""

    length: int
    source: End | None = None
    destination: End | None = None


def read_header(data: bytes) -> Header | None:
    """Return the header that the bytes begin with, or nothing while it is not whole.

    Raises GreetingError for what is no such header, for version 1, and for a client that did not come by TCP over IP.
    """
    if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
        raise GreetingError(_what_instead(data))
    if len(data) < _FIXED:
        return None
    command, family, length = data[12], data[13], int.from_bytes(data[14:16])
    if command not in (_LOCAL, _PROXY):
        raise GreetingError(f"PROXY protocol: version and command {command:#04x} are not known")
    if length > MAX_LENGTH:
        raise GreetingError(f"PROXY protocol: a header of {length} bytes is longer than {MAX_LENGTH}")
    if len(data) < _FIXED + length:
        return None
    if command == _LOCAL:
        return Header(_FIXED + length)
    return _proxied(family, data[_FIXED : _FIXED + length])


def _proxied(family: int, body: bytes) -> Header:
    if family not in _LAYOUT:
        raise GreetingError(f"PROXY protocol: a client of family {family:#04x} is not one of TCP over IP")
    layout = _LAYOUT[family]
    if len(body) < layout.size:
        raise GreetingError("PROXY protocol: the header is too short for its addresses")
    source, destination, source_port, destination_port = layout.unpack_from(body)
    return Header(
        _FIXED + len(body),
        End(unmap(ip_address(source)), source_port),
        End(unmap(ip_address(destination)), destination_port),
    )


def _what_instead(data: bytes) -> str:
    if data.startswith(b"PROXY"):
        return "PROXY protocol: version 1 is not read here; set the balancer to version 2"
    return "PROXY protocol: a trusted proxy sent no header; is `send-proxy-v2` set there?"


class ProxyHeader:
    """Read headers for a listener."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted)

    def trusts(self, address: str) -> bool:
        """Say whether a connection from this address begins with a header."""
        try:
            peer = unmap(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        return any(peer in network for network in self._trusted)

    def read(self, data: bytes) -> tuple[str, int] | None:
        """Return the client's address and the header's length, or nothing while it is not whole.

        The address is empty where the balancer speaks for itself. Raises GreetingError.
        """
        header = read_header(data)
        if header is None:
            return None
        return (str(header.source.address) if header.source else ""), header.length


def proxy_header(trusted: Sequence[IPv4Network | IPv6Network]) -> ProxyHeader | None:
    """Return the reader for `proxy.trusted_proxies`; nothing where none is trusted."""
    return ProxyHeader(trusted) if trusted else None
