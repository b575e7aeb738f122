"""From what a person writes to one observable: its type, guessed or given, and its canonical value.

Read here are domains, URLs, addresses, networks, hashes and thumbprints, defanged or not (`hxxp://evil[.]example`).
Actions, titles and other fields are read in `rules.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from indicators.addresses import parse_network
from indicators.hosts import canonical_host, is_address
from indicators.urls import canonical
from indicators.words import IndicatorType

MAX_VALUE = 4096  # characters
_DIGITS = {64: IndicatorType.SHA256, 40: IndicatorType.SHA1, 32: IndicatorType.MD5}
_LENGTHS = {kind: length for length, kind in _DIGITS.items()} | {IndicatorType.CERTIFICATE: 40}
_HEX = re.compile(r"[0-9a-fA-F]+").fullmatch
_DEFANGED = re.compile(r"\[(?:\.|dot)\]|\((?:\.|dot)\)|\{(?:\.|dot)\}|(\[:\])|(\[://\])|(\[/\])", re.IGNORECASE)
_DEFANGED_SCHEME = re.compile(r"hxxp(?=s?(?:\[?:))|meow(?=s?://)", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE).match
_PORT = re.compile(r"(.+):\d{1,5}").fullmatch


@dataclass(frozen=True, slots=True)
class Observable:
    """Hold a type and the canonical value that an `Indicator` of this type has."""

    type: IndicatorType
    value: str


def read_observable(text: str, kind: IndicatorType | None = None) -> Observable:
    """Read one observable; without `kind` its type is guessed from its form.

    `*.evil.example` means `evil.example`, which covers its subdomains anyhow. A domain that is an address in any legal
    spelling becomes an address. A port in a URL is dropped, since indicators cover all ports. Raises ValueError saying
    what was expected.
    """
    if len(text) > MAX_VALUE:
        raise ValueError(f"longer than {MAX_VALUE} characters")
    plain = refang(text)
    if not plain:
        raise ValueError("expected a domain, URL, address, network or hash, got nothing")
    return _READERS[kind or _guess(plain)](plain)


def refang(text: str) -> str:
    """Undo the usual ways of making an address harmless in text: `hxxp`, `[.]`, `(dot)`, `[:]`, `[://]`."""
    text = _DEFANGED_SCHEME.sub(lambda found: "http", text.strip())
    return _DEFANGED.sub(lambda found: (found[0][1:-1]) if found[1] or found[2] or found[3] else ".", text)


def _guess(text: str) -> IndicatorType:
    if _SCHEME(text):
        return IndicatorType.URL
    if _HEX(text) and len(text) in _DIGITS:
        return _DIGITS[len(text)]
    if _is_network(text):
        return IndicatorType.IP
    return IndicatorType.URL if "/" in text else IndicatorType.DOMAIN


def _is_network(text: str) -> bool:
    """Say whether a network is meant, well written or not: then its own error is the one to show."""
    address, slash, prefix = text.partition("/")
    try:
        parse_network(address)
    except ValueError:
        return False
    return not slash or prefix.isdigit() or "." in prefix


def _read_domain(text: str) -> Observable:
    if _SCHEME(text) or "/" in text:
        raise ValueError(f"expected a domain such as evil.example, got a URL: {text!r:.80}")
    bare = text.removeprefix("*").removeprefix(".")
    if "*" in bare:
        raise ValueError(
            f"expected a domain; `*` may stand only for its first label, as in *.evil.example: {text!r:.80}"
        )
    port = _PORT(bare)
    if port and ":" not in port[1]:
        raise ValueError(f"expected a domain without a port (all ports are covered): {port[1]!r:.80}")
    host = canonical_host(bare)
    return Observable(IndicatorType.IP if is_address(host) else IndicatorType.DOMAIN, host)


def _read_url(text: str) -> Observable:
    scheme = _SCHEME(text)
    if scheme and scheme[1].lower() not in ("http", "https", "ws", "wss", "ftp"):
        raise ValueError(f"expected an http:// or https:// URL, got {text!r:.80}")
    if "*" in text.partition("://")[2].partition("/")[0]:
        raise ValueError(f"expected a URL without `*` in its host (subdomains are covered anyhow): {text!r:.80}")
    return Observable(IndicatorType.URL, canonical(text).expression)


def _read_address(text: str) -> Observable:
    network = parse_network(text)
    one = network.prefixlen == network.max_prefixlen
    return Observable(IndicatorType.IP, str(network.network_address if one else network))


def _read_digest(kind: IndicatorType, text: str) -> Observable:
    bare = re.sub(r"[: ]", "", text) if kind is IndicatorType.CERTIFICATE else text
    length = _LENGTHS[kind]
    if len(bare) != length or not _HEX(bare):
        what = "SHA-1 thumbprint of a certificate" if kind is IndicatorType.CERTIFICATE else f"{kind.upper()} hash"
        raise ValueError(f"expected a {what}, {length} hexadecimal digits, got {text!r:.80}")
    return Observable(kind, bare.lower())


_READERS: dict[IndicatorType, Callable[[str], Observable]] = {
    IndicatorType.DOMAIN: _read_domain,
    IndicatorType.URL: _read_url,
    IndicatorType.IP: _read_address,
    **{kind: partial(_read_digest, kind) for kind in _LENGTHS},
}
