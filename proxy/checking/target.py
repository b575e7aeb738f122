"""From what a person types to an observation, as a fully equipped device would give it.

Such a device sends all its traffic through us and trusts our CA, so nothing is out of reach: a domain is judged as a
DNS question whose connection will follow, a URL as a request, an address as a connection, a hash as a download.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from indicators.addresses import parse_network
from indicators.hosts import canonical_host, is_address
from indicators.observables import refang
from indicators.observation import Device, Observation
from indicators.urls import canonical
from indicators.words import Stage, Visibility

MAX_TARGET = 8192  # characters
_HASH = re.compile(r"(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})").fullmatch
_HOST_AND_PORT = re.compile(r"([^/:\s]+|\[[^\]]+\]):(\d{1,5})").fullmatch
_EXPECTED = "expected a domain, URL, address or file hash"


def observation(text: str, device: Device) -> Observation:
    """Return what judging needs to know of one target; defanged spellings are read. Raises ValueError."""
    text = text.strip()
    if "[" in text or "(" in text or text[:4].lower() in ("hxxp", "meow"):
        text = refang(text)
    if not text:
        raise ValueError(f"{_EXPECTED}, got nothing")
    if len(text) > MAX_TARGET:
        raise ValueError(f"{_EXPECTED}, got more than {MAX_TARGET} characters")
    if "/" in text or "?" in text or "#" in text:
        return _of_url(text, device)
    if _HASH(text):
        return _of_hash(text.lower(), device)
    with_port = _HOST_AND_PORT(text)
    return _of_host(with_port[1], int(with_port[2]), device) if with_port else _of_host(text, None, device)


def _of_url(text: str, device: Device) -> Observation:
    if text[-1:].isdigit() and "://" not in text and _is_network(text):
        raise ValueError(f"{_EXPECTED}, got a network; give one address of it")
    url = canonical(text)
    return Observation(Stage.HTTP, device, hosts=(url.host,), url=url.href, port=url.port, reach=Visibility.BODY)


def _of_hash(digest: str, device: Device) -> Observation:
    """Take a hash of 40 digits for a certificate's thumbprint too: nobody can tell them apart."""
    thumbprint = digest if len(digest) == 40 else None
    return Observation(Stage.DOWNLOAD, device, hashes=(digest,), certificate=thumbprint, reach=Visibility.BODY)


def _of_host(text: str, port: int | None, device: Device) -> Observation:
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"expected a port from 1 to 65535, got {port}")
    host = canonical_host(text.removeprefix("[").removesuffix("]"))
    if (host[-1:].isdigit() or ":" in host) and is_address(host):
        return Observation(
            Stage.CONNECTION, device, hosts=(host,), addresses=(ip_address(host),), port=port, reach=Visibility.BODY
        )
    return Observation(Stage.DNS, device, hosts=(host,), port=port, reach=Visibility.BODY)


def _is_network(text: str) -> bool:
    try:
        parse_network(text)
    except ValueError:
        return False
    return True
